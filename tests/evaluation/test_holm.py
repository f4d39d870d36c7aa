"""Holm's correction against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from vaelab.evaluation.holm import holm


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100])
def test_it_is_that_of_statsmodels(count: int) -> None:
    p_values = np.random.default_rng(count).random(count) ** 3
    assert np.array_equal(holm(p_values), multipletests(p_values, method="holm")[1])


def test_equal_and_extreme_p_values_are_corrected_alike() -> None:
    p_values = np.array([0.01, 1.0, 0.01, 0.0, 0.04])
    assert holm(p_values) == pytest.approx([0.04, 1.0, 0.04, 0.0, 0.08])
    assert np.array_equal(holm(p_values), multipletests(p_values, method="holm")[1])
    assert len(holm(np.array([]))) == 0
