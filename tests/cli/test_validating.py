"""`data validate`, called as a person would."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Answer
from tests.data.ppb_folder import ppb_rows, write_ppb

Call = Callable[..., Answer]


@pytest.fixture
def ppb(tmp_path: Path) -> Path:
    """Eight portraits, one of them missing and one without a country."""
    rows = ppb_rows({"DF": 8})
    folder = write_ppb(tmp_path / "PPB-2017", [*rows[:7], replace(rows[7], country="")])
    (folder / "imgs" / rows[0].filename).unlink()
    return folder


def test_all_problems_are_listed_with_their_names(vaelab: Call, ppb: Path) -> None:
    answer = vaelab("data", "validate", "ppb", "--root", ppb)
    assert answer.code == 0
    assert answer.out.startswith("ppb: 7 pictures listed, 7 of them usable; 3 kinds of problems; it can be prepared")
    assert "left out        1 x no such file\n                    AF_Senegal_0000.jpg\n" in answer.out
    assert "kept            1 x no country" in answer.out
    assert "group DF: 7 pictures here, 271 published" in answer.out


def test_json_is_one_object_and_labels_alone_decode_nothing(vaelab: Call, ppb: Path) -> None:
    answer = vaelab("data", "validate", "ppb", "--root", ppb, "--labels-only", "--json")
    found = json.loads(answer.out)
    assert found["num_usable"] is None
    assert {(item["kind"], item["severity"]) for item in found["problems"]} == {
        ("no such file", "warns"),
        ("no country", "warns"),
        ("counts unlike the published ones", "warns"),
    }


def test_what_blocks_ends_with_one(vaelab: Call, tmp_path: Path) -> None:
    answer = vaelab("data", "validate", "ppb", "--root", tmp_path)
    assert answer.code == 1
    assert "blocks          1 x it cannot be read" in answer.out


def test_long_lists_are_cut(vaelab: Call, tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"{number}.jpg").touch()
    answer = vaelab("data", "validate", "folder", "--root", tmp_path, "--size", "32")
    assert "and 3 more" in answer.out
    assert answer.code == 1
