"""Choosing the worst group by its own recall makes it look worse; where it is clear, it does not."""

import numpy as np
import pytest

from vaelab.evaluation.fairness.measures import average, worst_group
from vaelab.evaluation.fairness.selection import selection_bias
from vaelab.rng import numpy_generator


def _resampled(recall: np.ndarray, count: int) -> np.ndarray:
    return numpy_generator(0, "selection").binomial(count, recall, (400, *recall.shape)) / count


def test_groups_that_are_alike_look_worse_than_they_are() -> None:
    recall = np.full((3, 5), 0.9)
    found = selection_bias(worst_group, recall, _resampled(recall, 100))
    assert found == pytest.approx(-1.163 * 0.03, rel=0.1), "the expected lowest of five normal draws"


def test_a_clear_worst_group_and_an_average_are_not_biased() -> None:
    recall = np.tile([0.95, 0.95, 0.6], (3, 1))
    resampled = _resampled(recall, 100)
    assert abs(selection_bias(worst_group, recall, resampled)) < 0.005
    assert abs(selection_bias(average, recall, resampled)) < 0.005
