"""Average precision: 1 when all faces come first, a hand-counted case, and no face counted twice."""

import numpy as np
import pytest

from vaelab.errors import DataError
from vaelab.evaluation.average_precision import Matched, average_precision, matched, recall_and_alarms

KNOWN = np.array([[50.0, 50.0, 40.0], [150.0, 60.0, 30.0]])


def test_faces_found_before_anything_else_give_one() -> None:
    found = np.vstack([KNOWN, [[300.0, 300.0, 20.0]]])
    held = matched(found, np.array([3.0, 2.0, 1.0]), KNOWN)
    assert held.is_right.tolist() == [True, True, False]
    assert average_precision([held]) == 1.0
    assert recall_and_alarms([held], 0.0) == (1.0, 1.0)
    assert recall_and_alarms([held], 2.5) == (0.5, 0.0)


def test_a_case_counted_by_hand() -> None:
    """Right, wrong, right, of three faces: precision 1 and 2/3 where recall rises by a third each."""
    photos = [Matched(np.array([9.0, 7.0]), np.array([True, True]), 2), Matched(np.array([8.0]), np.array([False]), 1)]
    assert average_precision(photos) == pytest.approx((1 + 2 / 3) / 3)


def test_only_the_surest_square_on_a_face_counts() -> None:
    twice = np.array([[51.0, 50.0, 40.0], [50.0, 50.0, 40.0]])
    held = matched(twice, np.array([1.0, 2.0]), KNOWN)
    assert held.scores.tolist() == [2.0, 1.0]
    assert held.is_right.tolist() == [True, False]


def test_half_of_the_union_has_to_be_shared() -> None:
    for shift, expected in ((0.3, True), (0.36, False)):  # (1 - s) / (1 + s) is 1/2 at s = 1/3
        held = matched(np.array([[50.0 + 40 * shift, 50.0, 40.0]]), np.array([1.0]), KNOWN)
        assert held.is_right.tolist() == [expected]


def test_nothing_found_is_zero_and_nothing_known_an_error() -> None:
    none = np.empty((0, 3))
    assert average_precision([matched(none, np.empty(0), KNOWN)]) == 0.0
    with pytest.raises(DataError, match="nothing to find"):
        average_precision([matched(KNOWN, np.ones(2), none)])
