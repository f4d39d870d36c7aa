"""The figures a fairness statement is about, each from recall by group: worst group, gap, variance, average."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Measure = Callable[[np.ndarray], np.ndarray]
"""From recalls (..., groups) to one figure each (...,)."""


def worst_group(recall: np.ndarray) -> np.ndarray:
    """Lowest recall of any group."""
    return np.asarray(recall.min(axis=-1))


def best_group(recall: np.ndarray) -> np.ndarray:
    """Highest recall of any group."""
    return np.asarray(recall.max(axis=-1))


def gap(recall: np.ndarray) -> np.ndarray:
    """Highest minus lowest; 0 means that all groups are found equally often, which may be never."""
    return np.asarray(recall.max(axis=-1) - recall.min(axis=-1))


def average(recall: np.ndarray) -> np.ndarray:
    """Mean over groups, whatever their size: the E[A] of Amini et al. (AIES 2019)."""
    return np.asarray(recall.mean(axis=-1))


def variance(recall: np.ndarray) -> np.ndarray:
    """Sample variance over groups in squared percentage points: the Var[A] of Amini et al. (AIES 2019)."""
    return np.asarray(np.var(100.0 * recall, axis=-1, ddof=1))


def noise_floor(recall: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """What `variance` is on average when all groups are alike, from their finite numbers of faces alone.

    Args:
        counts: (groups,) faces in each group.
    """
    return np.asarray((1e4 * recall * (1.0 - recall) / (counts - 1)).mean(axis=-1))
