"""The data page's check before preparing, and labels of the visitor's own."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pages.datasets import checking, preparing
from pages.datasets.own_labels import COLUMNS, mappings_in
from pages.datasets.uploads import received
from pages.datasets.verdict import KEY, problems_table
from tests.data.ppb_folder import ppb_rows, write_ppb
from tests.pages.driving import Open
from vaelab.data.mapping import LabelMapping
from vaelab.data.sources import Ppb, Synthetic
from vaelab.data.store import DatasetStore
from vaelab.data.validation import Problem, Validation
from vaelab.errors import DataError

PAGE = "data.py"


@pytest.fixture(autouse=True)
def _nothing_is_under_way() -> Iterator[None]:
    yield
    checking.stop_checks()
    preparing.stop_all()
    for standing in preparing.standings():
        preparing.put_away(standing.name)


def finish(check: checking.Check) -> checking.Check:
    deadline = time.monotonic() + 60
    while not check.is_over:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return check


def press(app: Any, key: str) -> Any:
    return next(button for button in app.button if button.key == key).click().run()


def test_a_folder_is_checked_and_nothing_is_prepared(lab: Path, open_app: Open) -> None:
    rows = ppb_rows({"DF": 3})
    folder = write_ppb(lab / "PPB-2017", rows)
    (folder / "imgs" / rows[0].filename).unlink()
    app = open_app(PAGE)
    next(box for box in app.selectbox if box.key == "data.kind").set_value("ppb").run()
    next(box for box in app.text_input if box.key == "data.path").set_value(str(folder)).run()
    press(app, "data.check")
    assert not app.exception
    finish(app.session_state[KEY])
    app.run()
    assert "2 pictures listed, 2 of them usable" in app.warning[0].value
    table = next(frame.value for frame in app.dataframe if "What becomes of it" in frame.value)
    missing = table.set_index("Problem").loc["no such file"]
    assert missing["Count"] == 1
    assert missing["The first of them"] == rows[0].filename
    assert not (lab / "data").exists()


def test_what_cannot_be_read_is_told(lab: Path, open_app: Open) -> None:
    app = open_app(PAGE)
    next(box for box in app.text_input if box.key == "data.path").set_value(str(lab / "nowhere")).run()
    press(app, "data.check")
    finish(app.session_state[KEY])
    app.run()
    assert "it cannot be prepared as it is" in app.error[0].value


def test_a_check_can_be_stopped() -> None:
    check = checking.begin_check(lambda: Synthetic(num_faces=40_000, num_nonfaces=0), "drawn", 64)
    check.cancel.set()
    finish(check)
    assert check.found is None
    assert "stopped on request" in check.error


def test_a_second_check_stops_the_first(lab: Path, open_app: Open) -> None:
    for name in ("one", "two"):
        write_ppb(lab / name, ppb_rows({"DF": 3}))
    app = open_app(PAGE)
    next(box for box in app.selectbox if box.key == "data.kind").set_value("ppb").run()
    next(box for box in app.text_input if box.key == "data.path").set_value(str(lab / "one")).run()
    first = app.session_state[KEY] = checking.begin_check(
        lambda: Synthetic(num_faces=40_000, num_nonfaces=0), "drawn", 64
    )
    press(app, "data.check")
    assert "stopped on request" in finish(first).error
    assert finish(app.session_state[KEY]).found is not None
    assert not app.session_state[KEY].cancel.is_set()


def test_an_archive_that_was_checked_leaves_nothing_behind(lab: Path) -> None:
    upload = received(io.BytesIO(b"sent"))
    source = Ppb(write_ppb(lab / "p", ppb_rows({"LM": 1})))
    assert finish(checking.begin_check(lambda: source, "p", 16, upload=upload)).found is not None
    assert not upload.dir.exists()


def test_mappings_reach_the_check_and_the_preparation(lab: Path) -> None:
    source = Ppb(write_ppb(lab / "p", ppb_rows({"DM": 1, "LM": 1})))
    wrong = [LabelMapping("tone", "skin_tone", {"olive": "x"})]
    found = finish(checking.begin_check(lambda: source, "p", 16, wrong)).found
    assert found is not None
    assert found.problems[0].kind == "labels cannot be mapped"
    right = [LabelMapping("tone", "skin_tone", {"darker": "x"})]
    preparing.begin(lambda: source, lab / "data" / "p", 16, mappings=right)
    deadline = time.monotonic() + 60
    while not preparing.standings()[0].is_over:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert DatasetStore.open(lab / "data" / "p").labels["tone"].fillna("-").tolist() == ["x", "-"]


def test_filled_in_rows_become_mappings() -> None:
    rows = [("old", "age", "70", "yes"), ("", "", "", ""), ("old", "age", "3", " no "), ("t", "tone", "I", "light")]
    assert mappings_in(pd.DataFrame(rows, columns=list(COLUMNS))) == (
        LabelMapping("old", "age", {"70": "yes", "3": "no"}),
        LabelMapping("t", "tone", {"I": "light"}),
    )
    assert mappings_in(pd.DataFrame({name: [] for name in COLUMNS})) == ()


def test_unfinished_rows_are_named_together() -> None:
    rows = [("old", "age", None, "yes"), ("t", "tone", "I", "a"), ("t", "race", "II", "a"), ("t", "tone", "I", "b")]
    with pytest.raises(DataError) as found:
        mappings_in(pd.DataFrame(rows, columns=list(COLUMNS)))
    for part in (
        "row 1 lacks old value",
        "row 3 makes t from race, and another row from tone",
        "row 4 names I of tone",
    ):
        assert part in str(found.value)


def test_the_table_says_what_becomes_of_each() -> None:
    problems = (Problem("a", "blocks", 1, ()), Problem("b", "kept", 2, ("x", "y")))
    table = problems_table(Validation("folder", 1, 1, problems))
    assert table["The first of them"].tolist() == ["–", "x; y"]
    assert table["What becomes of it"].tolist() == ["nothing can be prepared until it is mended", "prepared as it is"]
