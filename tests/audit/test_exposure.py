"""Whom a member drew: shares of the data and of the draws are of the same faces."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from vaelab.audit.exposure import OVER_TIME, UNLABELLED, _shares, exposure_of
from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.data.groups import Grouping
from vaelab.data.prepare import prepare
from vaelab.data.sources import CsvTable
from vaelab.runs.store import Run


def test_shares_in_the_data_and_drawn_are_both_of_all_faces() -> None:
    faces = pd.DataFrame({"skin": ["dark"] * 5 + ["light"] * 15 + [None] * 80})
    even = {"groups": {"skin": {"dark": {"data": 0.05, "drawn": 0.05}, "light": {"data": 0.15, "drawn": 0.15}}}}
    found = _shares(Grouping.of(faces, ["skin"]), "skin", [{"images_seen": 50, **even}], 100)
    assert list(found) == ["dark", "light", UNLABELLED]
    for share in found.values():
        assert share["drawn"] == pytest.approx(share["data"]), "drawn evenly, nobody is drawn more or less"
    assert found[UNLABELLED]["data"] == 0.8


@pytest.mark.parametrize("by_an_older_version", [False, True])
def test_yes_or_no_labels_are_told_where_the_training_told_them(
    tmp_path: Path, tiny_config: Callable[..., TrainConfig], by_an_older_version: bool
) -> None:
    rows = ["file,split,skin,smiling"]
    for number in range(8):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,train,{'dark' if number < 4 else 'light'},{number < 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    store = prepare(CsvTable(tmp_path), tmp_path / "out", size=16, workers=1)
    run = Run.create(tiny_config(model="dbvae", num_images=100), root=tmp_path / "runs")
    drawn = {"skin": {"dark": {"drawn": 0.7}, "light": {"drawn": 0.3}}}
    drawn |= {} if by_an_older_version else {"smiling": {"True": {"drawn": 0.5}, "False": {"drawn": 0.5}}}
    run.append_metrics("resampling", 50, **dict.fromkeys(OVER_TIME, 1.0), groups=drawn)
    found = exposure_of(run, Collection((store,)))["groups"]
    assert found["skin"]["dark"] == {"data": 0.5, "drawn": 0.6}
    assert found.get("smiling", {}).get("True") == (None if by_an_older_version else {"data": 0.25, "drawn": 0.375})


def test_where_all_faces_have_a_label_there_is_no_other_value() -> None:
    found = _shares(Grouping.of(pd.DataFrame({"skin": ["dark", "light"]}), ["skin"]), "skin", [], 100)
    assert found == {name: {"data": 0.5, "drawn": 0.5} for name in ("dark", "light")}
