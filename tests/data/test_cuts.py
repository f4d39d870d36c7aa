"""Faces cut anew: as many as asked, in the split of their face, where the numbers say; and parts that are none."""

from pathlib import Path

import numpy as np
import pytest

from tests.drawn import draw
from vaelab.data.prepare import prepare
from vaelab.data.sources import Cuts
from vaelab.data.sources.cuts import PART, cut
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> DatasetStore:
    folder = tmp_path_factory.mktemp("data") / "faces-32"
    return draw(folder, 200, 20, 32)


def test_training_faces_are_cut_often_and_nothing_changes_split(faces: DatasetStore, tmp_path: Path) -> None:
    made = prepare(Cuts(faces.path, cuts=3, parts=0.5), tmp_path / "cuts-16", size=16, workers=1)
    table = made.labels.assign(face=made.labels["image_id"].str.split("#").str[0])
    whole = faces.labels.set_index("image_id")
    of_faces = table[table["is_face"]]
    counts = of_faces.groupby("face").size()
    assert set(counts.index) == set(whole.index[whole["is_face"]])
    assert (counts == np.where(whole["split"].loc[counts.index] == "train", 3, 1)).all()
    assert (table["split"].to_numpy() == whole["split"].loc[table["face"]].to_numpy()).all()
    assert (of_faces["skin"].to_numpy() == whole["skin"].loc[of_faces["face"]].to_numpy()).all()
    parts = table[~table["is_face"]]
    assert 0.4 < len(parts) / len(of_faces) < 0.6
    assert set(parts["object_class"]) == {PART}
    assert parts["skin"].isna().all()


def test_the_seed_decides_and_the_store_is_credited(faces: DatasetStore, tmp_path: Path) -> None:
    one, same, other = (
        prepare(Cuts(faces.path, seed=seed), tmp_path / name, size=16, workers=1)
        for name, seed in (("one", 0), ("same", 0), ("other", 1))
    )
    assert one.fingerprint == same.fingerprint
    assert one.fingerprint != other.fingerprint
    assert one.manifest.licence == faces.manifest.licence


def marked() -> np.ndarray:
    """A grey picture with one red square, centred at three quarters across and a quarter down."""
    picture = np.full((64, 64, 3), 100, np.uint8)
    picture[12:20, 44:52] = (250, 0, 0)
    return picture


def middle_of_red(picture: np.ndarray) -> np.ndarray:
    red = picture[..., 0].astype(float) - picture[..., 1]
    rows, columns = np.indices(red.shape)
    weight = np.clip(red, 20, None) - 20
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum() + 0.5


def test_a_cut_of_the_whole_is_the_picture_made_smaller() -> None:
    assert np.abs(cut(marked(), 0.5, 0.5, 1.0, 0.0, 64).astype(int) - marked()).mean() < 0.5, "edges ring a little"
    assert np.allclose(middle_of_red(cut(marked(), 0.5, 0.5, 1.0, 0.0, 32)), [24, 8], atol=0.2)


def test_place_side_and_turn_mean_what_they_say() -> None:
    assert np.allclose(middle_of_red(cut(marked(), 0.75, 0.25, 0.5, 0.0, 64)), [32, 32], atol=0.3)
    # half the side: what was a quarter beside the centre is a half
    assert np.allclose(
        middle_of_red(cut(marked(), 0.6, 0.4, 0.5, 0.0, 64)), [32 + 0.15 * 128, 32 - 0.15 * 128], atol=0.4
    )
    # the square turns counter-clockwise, so what it shows turns clockwise
    assert np.allclose(middle_of_red(cut(marked(), 0.5, 0.5, 1.0, 90.0, 64)), [48, 48], atol=0.3)


def test_beyond_the_edge_lies_its_mirror_image() -> None:
    ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    shown = cut(ramp, 0.0, 0.5, 0.5, 0.0, 32)[16, :, 0].astype(int)
    assert np.abs(shown[:16][::-1] - shown[16:]).max() <= 6
    assert shown[0] > shown[15]


@pytest.mark.parametrize("wrong", [{"cuts": 0}, {"parts": 1.5}, {"turn": -1.0}])
def test_numbers_that_cut_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match="cuts must be at least 1"):
        Cuts(Path("data"), **wrong)  # type: ignore[arg-type]


def test_pictures_without_faces_are_cut_into_squares(tmp_path: Path) -> None:
    things = draw(tmp_path / "things", 0, 20, 16)
    source = Cuts(things.path, cuts=2)
    records = source.listing().records
    assert not records["is_face"].any()
    assert (records["_side"].between(0.5, 1.0)).all()
    assert (records["object_class"].to_numpy() == things.labels["object_class"].iloc[records["_row"]].to_numpy()).all()
    made = prepare(source, tmp_path / "squares", size=16, workers=1)
    whole = things.labels.set_index("image_id")["split"]
    assert (
        made.labels["split"].to_numpy() == whole.loc[made.labels["image_id"].str.split("#").str[0]].to_numpy()
    ).all()
    assert len(made) == (whole == "train").sum() * 2 + (whole != "train").sum()
