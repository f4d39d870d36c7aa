"""`data lightness`: a table that joins the labels of its data set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Answer
from vaelab.data.extra_labels import joined, read_labels
from vaelab.data.groups import group_columns
from vaelab.data.prepare import prepare
from vaelab.data.sources import Folder
from vaelab.data.store import DatasetStore

Call = Callable[..., Answer]


@pytest.fixture
def shades(tmp_path: Path) -> Path:
    """A data set of nine shades of skin and one picture without any; returns the folder of the data sets."""
    (tmp_path / "in").mkdir()
    for number, share in enumerate(np.linspace(0.3, 1.0, 9)):
        Image.new("RGB", (16, 16), tuple(int(level * share) for level in (241, 194, 164))).save(
            tmp_path / "in" / f"{number}.png"
        )
    Image.new("RGB", (16, 16), (0, 0, 255)).save(tmp_path / "in" / "blue.png")
    prepare(Folder(tmp_path / "in"), tmp_path / "shades", size=16, workers=1)
    return tmp_path


def test_the_table_joins_and_groups(vaelab: Call, shades: Path) -> None:
    answer = vaelab("data", "lightness", "shades", "--data-dir", shades)
    assert answer.code == 0
    assert "10 faces, 10.0% without enough skin" in answer.out
    assert "never a skin type" in answer.out
    labels, matched = joined(
        DatasetStore.open(shades / "shades").labels, read_labels(shades / "shades-lightness.csv"), "lightness"
    )
    assert matched == 10
    assert "apparent_lightness" in group_columns(labels)
    by_name = labels.set_index("image_id")
    assert by_name.loc["0.png", "apparent_lightness"].startswith("darker third")
    assert by_name.loc["8.png", "apparent_lightness"].startswith("lighter third")
    assert by_name.loc[["blue.png"], ["ita", "apparent_lightness"]].isna().all(axis=None)


def test_json_names_the_cuts(vaelab: Call, shades: Path) -> None:
    answer = vaelab("data", "lightness", "shades", "--data-dir", shades, "--out", shades / "x.csv", "--json")
    facts = json.loads(answer.out)
    assert facts["path"] == str(shades / "x.csv")
    assert facts["cuts"] == sorted(facts["cuts"])
    assert facts["ita_quantiles"]["0.05"] < facts["ita_quantiles"]["0.95"]


def test_a_place_that_cannot_be_written_is_said(vaelab: Call, shades: Path) -> None:
    answer = vaelab("data", "lightness", "shades", "--data-dir", shades, "--out", shades / "none" / "x.csv")
    assert answer.code == 1
    assert "choose another --out" in answer.err
