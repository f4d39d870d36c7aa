"""Published tables agree with themselves and with our formulas."""

import numpy as np
import pytest

from vaelab.evaluation.fairness.measures import average, noise_floor, variance
from vaelab.evaluation.fairness.published import GROUP_SIZES, PUBLISHED, READING, Published


@pytest.mark.parametrize("row", [row for row in PUBLISHED if row.by_group], ids=lambda row: row.model)
def test_averages_and_variances_follow_from_the_groups(row: Published) -> None:
    assert row.by_group is not None
    assert row.variance_spread is not None
    recall = np.array(list(row.by_group.values())) / 100
    assert 100 * average(recall) == pytest.approx(row.average, abs=0.1)
    assert float(variance(recall)) == pytest.approx(row.variance, abs=row.variance_spread)


def test_the_noise_floors_named_are_the_formulas() -> None:
    sizes = np.array(list(GROUP_SIZES.values()))
    assert sizes.sum() == 1270
    assert float(noise_floor(np.full(4, 0.95), sizes)) == pytest.approx(1.5, abs=0.05)
    assert float(noise_floor(np.full(4, 0.95), np.full(4, 5))) == pytest.approx(119, abs=0.5)
    assert "of 1.5 by chance" in READING
    assert "of 119." in READING
