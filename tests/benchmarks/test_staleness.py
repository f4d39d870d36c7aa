"""Staleness of draw probabilities: which moments are compared, and what the two measures say of known ones."""

import numpy as np
import pytest

from benchmarks.staleness import compared


def test_moments_up_to_two_passes_apart_are_compared_by_order_and_by_what_is_drawn() -> None:
    fresh = np.array([0.1, 0.2, 0.3, 0.4])
    rows = compared({0.5: fresh, 1.0: fresh, 2.5: fresh[::-1], 4.0: fresh})
    found = {(row["passes"], row["passes_old"]): row for row in rows}
    assert set(found) == {(1.0, 0.5), (2.5, 2.0), (2.5, 1.5), (4.0, 1.5)}
    assert found[1.0, 0.5]["rank_correlation"] == pytest.approx(1.0)
    assert found[1.0, 0.5]["drawn_elsewhere"] == 0.0
    assert found[2.5, 1.5]["rank_correlation"] == pytest.approx(-1.0)
    assert found[2.5, 1.5]["drawn_elsewhere"] == pytest.approx(0.4)
