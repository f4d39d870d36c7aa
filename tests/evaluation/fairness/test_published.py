"""Published tables agree with themselves and with our formulas."""

import numpy as np
import pytest

from vaelab.evaluation.fairness.measures import average, noise_floor, variance
from vaelab.evaluation.fairness.published import GROUP_SIZES, PUBLISHED, READING, Published
from vaelab.rng import numpy_generator


@pytest.mark.parametrize("row", [row for row in PUBLISHED if row.by_group], ids=lambda row: row.model)
def test_averages_and_variances_follow_from_the_groups(row: Published) -> None:
    assert row.by_group is not None
    assert row.variance_spread is not None
    recall = np.array(list(row.by_group.values())) / 100
    assert 100 * average(recall) == pytest.approx(row.average, abs=0.1)
    assert float(variance(recall)) == pytest.approx(row.variance, abs=row.variance_spread)


def test_the_variances_by_chance_are_those_of_groups_that_are_truly_alike() -> None:
    sizes = np.array(list(GROUP_SIZES.values()))
    assert sizes.sum() == 1270
    random = numpy_generator(0, "published")
    for counts, said in ((sizes, 1.5), (np.full(4, 5), 95.0)):
        drawn = random.binomial(counts, 0.95, (100_000, 4)) / counts
        assert float(variance(drawn).mean()) == pytest.approx(said, rel=0.03)
        # what is told beside a measured variance is right on average about it
        assert float(noise_floor(drawn, counts).mean()) == pytest.approx(said, rel=0.03)
    assert "a variance of 1.5 on average" in READING
    assert "of 95." in READING
