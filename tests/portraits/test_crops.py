"""Portraits cut to the face by the detector, as any other preparation."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from tests.data.ppb_folder import ppb_rows, write_ppb
from tests.test_photos import GREY, drawn_face, needs_dlib, needs_face, photo_with_face
from vaelab.data.prepare import prepare
from vaelab.data.sources import ClassFolders, CsvTable, Folder, Ppb, Source, Synthetic
from vaelab.data.validation import validate
from vaelab.errors import DataError
from vaelab.portraits.crops import FaceCrops


@dataclass(frozen=True)
class Portraits:
    """A PPB folder of three: two with a face, one without; and where the faces are."""

    root: Path
    names: tuple[str, ...]
    size: ClassVar[tuple[int, int]] = (420, 560)


@pytest.fixture
def portraits(tmp_path: Path) -> Portraits:
    rows = ppb_rows({"DF": 1, "LM": 2})
    root = write_ppb(tmp_path / "PPB-2017", rows)
    for row, (x, y, side) in zip(rows[:2], [(200, 180, 240), (230, 330, 300)], strict=True):
        photo_with_face(Portraits.size, (x, y), side).save(root / "imgs" / row.filename, quality=95)
    Image.new("RGB", Portraits.size, GREY).save(root / "imgs" / rows[2].filename)
    return Portraits(root, tuple(f"imgs/{row.filename}" for row in rows))


@needs_face
def test_portraits_become_faces_and_the_faceless_are_listed(portraits: Portraits, tmp_path: Path) -> None:
    store = prepare(FaceCrops(Ppb(portraits.root)), tmp_path / "out", size=64, workers=1)
    assert store.labels["image_id"].tolist() == list(portraits.names[:2])
    assert store.labels["group"].tolist() == ["DF", "LM"]
    assert [(item.image_id, item.reason) for item in store.manifest.rejected] == [
        (portraits.names[2], "no face was found")
    ]
    assert (store.manifest.source, store.manifest.crop, store.manifest.settings["crop"]) == ("ppb", "face", "face")
    assert store.manifest.licence == Ppb(portraits.root).licence_line()
    drawn = np.asarray(drawn_face(), np.float64)
    for crop in store.pixels:
        assert np.abs(crop - drawn).mean() < 0.5 * np.abs(np.array(GREY) - drawn).mean()


@needs_face
def test_the_crop_is_part_of_the_request(portraits: Portraits, tmp_path: Path) -> None:
    prepare(FaceCrops(Ppb(portraits.root)), tmp_path / "out", size=64, workers=1)
    with pytest.raises(DataError, match="another request"):
        prepare(Ppb(portraits.root), tmp_path / "out", size=64, workers=1)


@needs_face
def test_it_is_validated_like_any_source(portraits: Portraits) -> None:
    found = validate(FaceCrops(Ppb(portraits.root)))
    kinds = {problem.kind: problem.examples for problem in found.problems}
    assert kinds["no face was found"] == (portraits.names[2],)
    assert found.num_usable == 2


@needs_dlib
def test_small_faces_and_damaged_files_have_reasons(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"no picture")
    Image.new("RGB", (300, 300), GREY).save(tmp_path / "in" / "b.png")
    with FaceCrops(Folder(tmp_path / "in")).reader() as reader:
        records = Folder(tmp_path / "in").listing().records
        first, second = reader.read(records, 64)
    assert str(first).startswith("not a picture in a format that is read")
    assert second == "no face was found"


def test_it_speaks_for_its_source_in_every_process(tmp_path: Path) -> None:
    source = FaceCrops(Ppb(tmp_path))
    for one in (source, pickle.loads(pickle.dumps(source))):
        assert one.name == "ppb"
        assert one.values == Ppb.values
        assert one.published_counts == Ppb.published_counts
        assert one.crop_name == "face"


@pytest.mark.parametrize("kind", [ClassFolders, partial(Folder, non_faces=True), CsvTable])
def test_pictures_without_a_face_are_refused(tmp_path: Path, kind: Callable[[Path], Source]) -> None:
    (tmp_path / "cup").mkdir()
    rows = ["file,face"]
    for number in range(4):
        Image.new("RGB", (100, 100), GREY).save(tmp_path / "cup" / f"{number}.png")
        rows.append(f"cup/{number}.png,{number < 2}")
    if kind is CsvTable:
        (tmp_path / "labels.csv").write_text("\n".join(rows))
    count = 2 if kind is CsvTable else 4
    with pytest.raises(DataError, match=f"^{count} of 4 pictures .* show no face.*centre-square"):
        FaceCrops(kind(tmp_path)).listing()


def test_sources_without_photos_are_refused() -> None:
    with pytest.raises(DataError, match="'synthetic' reads no picture files"):
        FaceCrops(Synthetic(num_faces=2, num_nonfaces=0)).listing()
