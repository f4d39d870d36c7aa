"""`detect` and `calibrate`: files as promised, thresholds that the next search takes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.cli.conftest import Answer
from tests.pages.tiny_runs import keep_photo_threshold, make_detector
from vaelab.cli.detecting import DEFAULT_RUN
from vaelab.data.prepare import prepare
from vaelab.data.sources import Windows
from vaelab.data.splits import PHOTO_FRACTIONS, split_of
from vaelab.detection import photographs, thresholds

Call = Callable[..., Answer]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve photos of noise, and the runs `keen` and `detector` beside them."""
    monkeypatch.chdir(tmp_path)
    keep_photo_threshold(make_detector(tmp_path, "keen"), -1e6)
    keep_photo_threshold(make_detector(tmp_path, "detector", "dbvae"), 1e6)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 256, (80, 110, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{number:02}.png")
    return folder


def test_two_runs_and_every_file(vaelab: Call, photos: Path) -> None:
    answer = vaelab("detect", photos / "00.png", photos / "01.png", "--run", "keen", "--run", "detector",
                    "--out", "marked.png", "--csv", "faces.csv", "--json")  # fmt: skip
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    table = pd.read_csv("faces.csv")
    assert len(table) == sum(len(one["faces"]) for one in found) > 0
    assert table["detector face_logit"].isna().all(), "its threshold is beyond reach"
    for number in (1, 2):
        with Image.open(f"marked-{number}.png") as marked:
            assert marked.size == (110, 80)


def test_squares_of_a_large_photo_are_cut_where_they_were_found(vaelab: Call, photos: Path) -> None:
    """A photo of twice the side that is searched, stored on its side; its red tells the column, its green the row."""
    rows, columns = np.indices((1600, 3200)) // 16
    upright = np.stack([columns, rows, np.full_like(rows, 7)], axis=2).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    shutil.rmtree(photos)
    photos.mkdir()
    Image.fromarray(upright).rotate(90, expand=True).save(photos / "large.png", exif=exif)
    options = ("--run", "keen", "--smallest", 400, "--csv", "mined.csv")
    assert vaelab("detect", photos / "large.png", *options).code == 0
    mined = pd.read_csv("mined.csv")
    assert mined["x"].max() > 1600
    made = prepare(Windows(photos, windows=0, mined=Path("mined.csv")), Path("windows-16"), size=16, workers=1)
    pixels = np.asarray(made.pixels[:]).astype(float)
    inside = pixels[..., 2] > 6.5  # black beyond the edge
    for row, (x, y, side) in enumerate(mined[["x", "y", "side"]].itertuples(index=False)):
        if inside[row].all():
            assert np.allclose(pixels[row, ..., :2].mean(axis=(0, 1)), (x / 16 - 0.5, y / 16 - 0.5), atol=1.0)
            assert np.ptp(pixels[row, ..., 0]) == pytest.approx(side / 16, rel=0.1)
    assert inside.all(axis=(1, 2)).any()


def test_the_help_names_the_detector_that_looks(vaelab: Call) -> None:
    (line,) = (line for line in vaelab("--help").out.splitlines() if "vaelab detect" in line)
    assert line.endswith(f"by the run `{DEFAULT_RUN}`")


def test_without_faces_the_table_has_its_columns(vaelab: Call, photos: Path) -> None:
    answer = vaelab("detect", photos / "00.png", "--csv", "faces.csv")
    assert answer.code == 0, answer.err
    assert "detector sees no face here." in answer.out
    assert "1 false alarm per photo, set on 100 photos" in answer.err
    assert "detector face_logit" in pd.read_csv("faces.csv").columns


def test_calibration_sets_the_threshold_of_the_next_search(
    vaelab: Call, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thresholds, "LEAST_ALARMS", 3)
    (photos / "01.png").rename(photos / "a family.png")
    Path("people.txt").write_text("00.png\na family.png\ngone.png\n", encoding="utf-8-sig")
    answer = vaelab("calibrate", "keen", photos, "--leave-out", "people.txt", "--json")
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    assert report["num_photos"] == 10
    assert "note: people.txt names photos that are not there: 'gone.png'" in answer.err
    answer = vaelab("detect", *sorted(photos.glob("*.png"))[1:-1], "--run", "keen", "--false-alarms", "0.3", "--json")
    assert sum(len(one["faces"]) for one in json.loads(answer.out)) == 3


def test_only_the_photos_of_a_split_are_counted(vaelab: Call, photos: Path) -> None:
    counts = {
        split: json.loads(vaelab("calibrate", "keen", photos, "--split", split, "--json").out)["num_photos"]
        for split in ("train", "calibration", "test")
    }
    names = [path.name for path in photos.glob("*.png")]
    assert counts == {split: sum(split_of(name, PHOTO_FRACTIONS) == split for name in names) for split in counts}
    assert sum(counts.values()) == len(names)


def test_a_damaged_file_costs_only_itself(vaelab: Call, photos: Path) -> None:
    (photos / "01.png").write_bytes((photos / "01.png").read_bytes()[:2000])
    three = [photos / f"{number:02}.png" for number in range(3)]
    answer = vaelab("detect", *three, "--run", "keen", "--out", "marked.png", "--csv", "faces.csv")
    assert answer.code == 1
    assert f"error: {three[1]}: This file cannot be read as a photo" in answer.err
    assert "1 of 3 files could not be read" in answer.err
    assert len(answer.out.splitlines()) == 2
    assert set(pd.read_csv("faces.csv")["photo"]) == {str(three[0]), str(three[2])}
    assert sorted(path.name for path in Path().glob("marked*")) == ["marked-1.png", "marked-3.png"]
    answer = vaelab("calibrate", "keen", photos, "--json")
    assert answer.code == 1
    assert json.loads(answer.out)["num_photos"] == 11
    assert "1 of 12 files could not be read" in answer.err


@pytest.mark.parametrize("flags", [("--out", "marked.jpg"), ("--out", "file/marked.png"), ("--csv", "photos")])
def test_what_cannot_be_written_is_said_before_the_search(
    vaelab: Call, photos: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, str]
) -> None:
    Path("file").touch()
    searched: list[object] = []
    monkeypatch.setattr(photographs, "detect", lambda *given: searched.append(given))
    answer = vaelab("detect", photos / "00.png", *flags)
    assert answer.code == 1
    assert f"{flags[0]} is {flags[1]}" in answer.err
    assert not searched


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("detect", "gone.jpg"), "cannot read gone.jpg"),
        (("detect", "people.txt"), "people.txt: This file cannot be read as a photo"),
        (("detect", "photos/00.png", "--run", "gone"), "there is no run 'gone'"),
        (("detect", "photos/00.png", "--out", "marked.jpg"), "its name must end in .png"),
        (("detect", "photos/00.png", "--smallest", "2"), "the smallest face is 2 pixels wide"),
        (("calibrate", "keen", "gone"), "cannot read gone"),
        (("calibrate", "keen", "."), "has no photo left"),
    ],
)
def test_what_cannot_be_done_is_said(vaelab: Call, photos: Path, arguments: tuple[str, ...], words: str) -> None:
    Path("people.txt").write_text("no picture")
    answer = vaelab(*arguments)
    assert answer.code == 1
    assert words in answer.err
