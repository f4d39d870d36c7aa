"""Intervals: where theory knows their width, they have it; and half-samples never show a picture twice."""

import numpy as np
import pytest

from vaelab.errors import DataError
from vaelab.evaluation.intervals import bootstrapped, bootstrapped_both, from_half_samples, half_samples
from vaelab.rng import numpy_generator


def mean(values: np.ndarray) -> float:
    return float(values.mean())


def test_both_intervals_of_a_mean_have_the_width_that_theory_gives() -> None:
    values = numpy_generator(0, "values").normal(3.0, 2.0, 2000)
    expected = 2 * 1.96 * values.std() / np.sqrt(2000)
    found = bootstrapped(mean, values)
    assert found.high - found.low == pytest.approx(expected, rel=0.2)
    assert (found.value, found.n) == (pytest.approx(values.mean()), 2000)
    halves = from_half_samples(mean(values), [mean(values[half]) for half in half_samples(2000, 200)], 2000)
    assert halves.high - halves.low == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("paired", [False, True])
def test_the_interval_of_a_ratio_covers_the_truth_as_often_as_it_says(paired: bool) -> None:
    random = numpy_generator(0, "ratio")

    def covers(seed: int) -> bool:
        real, others = np.exp(random.normal(0.0, 0.8, (2, 100)))
        drawn = 0.5 * real * others**0.2 if paired else 0.5 * others
        ratio = bootstrapped_both(lambda mine, theirs: mean(theirs) / mean(mine), real, drawn, paired, seed, 200)
        return ratio.low <= truth <= ratio.high

    truth = 0.5 * np.exp(0.8**2 * 0.2**2 / 2) if paired else 0.5
    assert 0.9 < np.mean([covers(seed) for seed in range(300)]) < 0.985


def test_what_fewer_pictures_cost_moves_no_interval() -> None:
    replicates = [1.0, 2.0, 3.0]
    shifted = from_half_samples(0.0, [value + 50.0 for value in replicates], 9)
    assert shifted == from_half_samples(0.0, replicates, 9)
    assert shifted.low < 0.0 < shifted.high


def test_half_samples_hold_every_picture_at_most_once_and_differ() -> None:
    first, second = half_samples(11, 2)
    assert len(first) == len(set(first.tolist())) == 5
    assert set(first.tolist()) != set(second.tolist())
    assert [half.tolist() for half in half_samples(11, 2)] == [first.tolist(), second.tolist()]


def test_no_pictures_have_no_figure() -> None:
    with pytest.raises(DataError, match="at least one picture"):
        bootstrapped(mean, np.empty(0))
