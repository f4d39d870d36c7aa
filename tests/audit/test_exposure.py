"""Whom a member drew: shares of the data and of the draws are of the same faces."""

import pandas as pd
import pytest

from vaelab.audit.exposure import UNLABELLED, _shares
from vaelab.data.groups import Grouping


def test_shares_in_the_data_and_drawn_are_both_of_all_faces() -> None:
    faces = pd.DataFrame({"skin": ["dark"] * 5 + ["light"] * 15 + [None] * 80})
    even = {"groups": {"skin": {"dark": {"data": 0.05, "drawn": 0.05}, "light": {"data": 0.15, "drawn": 0.15}}}}
    found = _shares(Grouping.of(faces, ["skin"]), "skin", [{"images_seen": 50, **even}], 100)
    assert list(found) == ["dark", "light", UNLABELLED]
    for share in found.values():
        assert share["drawn"] == pytest.approx(share["data"]), "drawn evenly, nobody is drawn more or less"
    assert found[UNLABELLED]["data"] == 0.8


def test_where_all_faces_have_a_label_there_is_no_other_value() -> None:
    found = _shares(Grouping.of(pd.DataFrame({"skin": ["dark", "light"]}), ["skin"]), "skin", [], 100)
    assert found == {name: {"data": 0.5, "drawn": 0.5} for name in ("dark", "light")}
