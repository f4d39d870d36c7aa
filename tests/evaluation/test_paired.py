"""Paired comparisons against statsmodels, and how often the interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from vaelab.evaluation.paired import corrected, paired


def test_paired_differences_agree_with_statsmodels() -> None:
    random = np.random.default_rng(0)
    one, other = random.random(200) < 0.9, random.random(200) < 0.8
    result = paired("one", "other", one, other)
    table = [[0, int((one & ~other).sum())], [int((other & ~one).sum()), 0]]
    assert result.p_value == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert result.difference == pytest.approx(one.mean() - other.mean())
    assert result.low < result.difference < result.high
    same = paired("one", "one", one, one)
    assert (same.p_value, same.difference) == (1.0, 0.0)
    assert same.low < 0 < same.high


def test_the_interval_of_a_paired_difference_covers_the_truth() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        draw = random.random(120)
        result = paired("a", "b", draw < 0.85, (draw > 0.05) & (draw < 0.8))
        covered += result.low <= 0.10 <= result.high
    assert covered / 400 > 0.92


def test_holm_multiplies_the_smallest_p_value_by_their_number() -> None:
    random = np.random.default_rng(2)
    draws = random.random((3, 80)) < np.array([[0.5], [0.6], [0.9]])
    found = [paired("a", "b", draws[i], draws[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    smallest = min(range(3), key=lambda index: found[index].p_value)
    after = corrected(found)
    assert after[smallest].p_holm == pytest.approx(min(1.0, 3 * found[smallest].p_value))
    assert all(new.p_holm >= old.p_value for new, old in zip(after, found, strict=True))
    assert corrected([]) == []
