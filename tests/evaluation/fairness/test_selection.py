"""Choosing the worst group by its own recall makes it look worse; where it is clear, it does not."""

import numpy as np
import pytest

from vaelab.evaluation.fairness.measures import average, worst_group
from vaelab.evaluation.fairness.selection import without_selection
from vaelab.rng import numpy_generator


def _resampled(recall: np.ndarray, count: int) -> np.ndarray:
    return numpy_generator(0, "selection").binomial(count, recall, (400, *recall.shape)) / count


def test_groups_that_are_alike_look_worse_than_they_are() -> None:
    recall = np.full((3, 5), 0.9)
    corrected, _ = without_selection(worst_group, recall, _resampled(recall, 100))
    lowest_of_five = -1.163 * 0.03
    second = np.sqrt(2) * lowest_of_five  # with twice the variance
    assert corrected - 0.9 == pytest.approx(second - 3 * lowest_of_five, rel=0.15)


def test_most_of_the_bias_is_taken_back() -> None:
    random = numpy_generator(1, "selection")
    recalls = random.binomial(100, 0.9, (300, 1, 5)) / 100
    raw = worst_group(recalls).mean() - 0.9
    corrected = [without_selection(worst_group, each, _as_resampled(random, each))[0][0] for each in recalls]
    assert raw < -0.03
    assert abs(np.mean(corrected) - 0.9) < 0.5 * abs(raw)


def test_what_is_taken_back_varies_with_the_resample() -> None:
    recall = numpy_generator(2, "selection").binomial(100, 0.9, (3, 5)) / 100
    resampled = _resampled(recall, 100)
    _, again = without_selection(worst_group, recall, resampled)
    assert again.shape == resampled.shape[:-1]
    assert again.std() > worst_group(resampled).std()


def test_a_clear_worst_group_and_an_average_are_not_biased() -> None:
    recall = np.tile([0.95, 0.95, 0.6], (3, 1))
    resampled = _resampled(recall, 100)
    for measure in (worst_group, average):
        corrected, _ = without_selection(measure, recall, resampled)
        assert np.abs(corrected - measure(recall)).max() < 0.015


def _as_resampled(random: np.random.Generator, recall: np.ndarray) -> np.ndarray:
    return random.binomial(100, recall, (100, *recall.shape)) / 100
