"""A fast version of `python -m benchmarks.coverage`: intervals hold the truth, rules claim what is there."""

import numpy as np
import pytest

from benchmarks.coverage import World, simulate, wilson

SIMULATIONS = 10
"""Few: what intervals really cover is the benchmark's to find; here only what would be badly wrong shows."""
LAGGING = (3.6, 3.6, 3.6, 3.6, 2.6)


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    """Shares in small experiments: one group lags under arms a and b, none under c."""
    world = World("small", (LAGGING, LAGGING, (3.6,) * 5), 6, 80, 600, 0.05)
    return simulate(world, SIMULATIONS, resamples=60)


@pytest.mark.thorough
def test_intervals_hold_the_truth(found: dict[str, float]) -> None:
    intervals = {name: share for name, share in found.items() if "verdict" not in name and "permutation" not in name}
    assert len(intervals) == 19
    assert np.mean(list(intervals.values())) > 0.85, intervals


@pytest.mark.thorough
def test_what_is_there_is_claimed_and_what_is_not_is_not(found: dict[str, float]) -> None:
    assert found["verdict improved, c against a"] > 0.4
    assert found["any verdict where nothing differs"] < 0.35
    assert found["gap of a by permutation"] > 0.6
    assert found["gap of c by permutation"] < 0.35


def test_wilsons_interval_covers_small_groups() -> None:
    assert all(0.92 < share < 0.98 for share in wilson(20_000).values())
