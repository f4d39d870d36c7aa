"""Faces laid into photos: where the numbers say, in photos of their split, with squares around them that are none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.drawn import draw
from vaelab.data.prepare import prepare
from vaelab.data.sources import Laid
from vaelab.data.sources.laid import BESIDE, OF_PHOTOS, laid
from vaelab.data.splits import PHOTO_FRACTIONS, split_of
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError
from vaelab.evaluation.average_precision import overlaps


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> DatasetStore:
    folder = tmp_path_factory.mktemp("data") / "faces-32"
    return draw(folder, 200, 20, 32)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(12):
        Image.new("RGB", (160, 120), (0, 0, 20 * number)).save(folder / f"{number}.png")
    return folder


def test_a_face_lies_where_the_numbers_say() -> None:
    photo, face = np.zeros((100, 200, 3), np.uint8), np.full((32, 32, 3), 200, np.uint8)
    scene, (left, top, side) = laid(photo, face, x=1.0, y=0.5, wide=1.0)
    assert (left, top, side) == (140, 20, 60)
    assert photo.max() == 0, "the photo itself stays as it is"
    assert scene[50, 170].tolist() == [200, 200, 200]
    assert scene[20, 140].max() < 20, "it fades out towards its edges"
    scene[top : top + side, left : left + side] = 0
    assert scene.max() == 0


def test_faces_and_photos_keep_their_split(faces: DatasetStore, photos: Path) -> None:
    records = Laid(faces.path, photos, cuts=2).listing().records
    of_photos = [split_of(name, PHOTO_FRACTIONS) for name in records["_file"]]
    assert of_photos == [OF_PHOTOS[split] for split in records["split"]]
    of_faces = records[records["is_face"]]
    assert (faces.labels["skin"].iloc[of_faces["_row"]].to_numpy() == of_faces["skin"].to_numpy()).all()
    beside = records[~records["is_face"]]
    assert len(beside) == len(of_faces)
    assert set(beside["object_class"]) == {BESIDE}
    assert beside["skin"].isna().all()
    assert records["image_id"].is_unique


def test_squares_around_a_face_share_less_than_a_third_with_it(faces: DatasetStore, photos: Path) -> None:
    records = Laid(faces.path, photos, cuts=8).listing().records
    squares = records[["_right", "_down", "_side"]].to_numpy()
    shared = overlaps(squares, np.array([[0.0, 0.0, 1.0]]))[:, 0]
    is_face = records["is_face"].to_numpy(dtype=bool)
    assert shared[is_face].min() > 0.45
    assert shared[~is_face].max() < 1 / 3
    assert (shared[~is_face] > 0).mean() > 0.9, "nearly all show some of the face"


def test_what_is_cut_shows_the_face_in_its_photo(faces: DatasetStore, photos: Path, tmp_path: Path) -> None:
    made = prepare(Laid(faces.path, photos, terms="my own"), tmp_path / "laid-32", size=32, workers=1)
    assert made.manifest.licence == f"{faces.manifest.licence}; laid into photos: my own"
    assert not made.manifest.rejected
    again = prepare(Laid(faces.path, photos), tmp_path / "again-32", size=32, workers=1)
    assert again.fingerprint == made.fingerprint
    number = int(np.flatnonzero(made.labels["is_face"])[0])
    whole = faces.labels.index[faces.labels["image_id"] == made.labels["image_id"].iloc[number].split("#")[0]][0]
    one, other = (
        np.asarray(store.pixels[at], np.float64)[8:24, 8:24] for store, at in ((made, number), (faces, whole))
    )
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.3


def test_photos_that_are_too_small_are_told(faces: DatasetStore, tmp_path: Path) -> None:
    for number in range(12):
        Image.new("RGB", (40, 40)).save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match="too small: 40x40"):
        prepare(Laid(faces.path, tmp_path), tmp_path / "none-16", size=16, workers=1)


def test_names_of_no_photo_are_noted(faces: DatasetStore, photos: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("1.png\ngone.png\n", encoding="utf-8-sig")
    listing = Laid(faces.path, photos, leave_out=listed).listing()
    assert "1.png" not in set(listing.records["_file"])
    assert ["'gone.png'" in note for note in listing.notes] == [True]


def test_nothing_to_lay_or_to_lay_into_is_refused(faces: DatasetStore, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 1"):
        Laid(faces.path, photos, cuts=0)
    things = draw(tmp_path / "things", 0, 20, 16)
    with pytest.raises(DataError, match="holds no face"):
        Laid(things.path, photos).listing()
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(path.name for path in photos.iterdir()))
    with pytest.raises(DataError, match="not left out"):
        Laid(faces.path, photos, leave_out=listed).listing()
