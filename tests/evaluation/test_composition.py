"""Composition: shares of labels among some faces beside those among all, and what differs by more than chance."""

import numpy as np
import pandas as pd
import pytest

from vaelab.evaluation.composition import Share, composition

FACES = 150


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    side = ["near"] * (FACES // 2) + ["far"] * (FACES - FACES // 2)
    age = ["3-9", "more than 70", None] * (FACES // 3)
    return pd.DataFrame({"image_id": [f"f{row}" for row in range(FACES)], "split": "train", "side": side, "age": age})


def of(found: list[Share], value: str) -> Share:
    return next(share for share in found if share.value == value)


def test_a_selection_of_one_side_differs_from_all(labels: pd.DataFrame) -> None:
    found = composition(labels, np.arange(30))
    near, far = of(found, "near"), of(found, "far")
    assert (near.selected.rate, near.selected.count, near.whole.rate, near.whole.count) == (1.0, 30, 0.5, FACES)
    assert near.differs
    assert far.selected.rate == 0.0
    assert far.differs
    assert 0.0 < far.selected.high < 0.15, "Wilson's interval of 0 in 30"


def test_a_selection_of_both_halves_does_not(labels: pd.DataFrame) -> None:
    assert not any(share.differs for share in composition(labels, np.arange(60, 90)))


def test_faces_without_a_label_count_neither_way(labels: pd.DataFrame) -> None:
    old = of(composition(labels, np.arange(30)), "more than 70")
    assert (old.selected.count, old.whole.count) == (20, 100)
    assert old.selected.rate == old.whole.rate == 0.5


def test_nobody_differs_from_nothing(labels: pd.DataFrame) -> None:
    found = composition(labels, np.empty(0, np.int64))
    assert found
    assert all(np.isnan(share.selected.rate) and not share.differs for share in found)
