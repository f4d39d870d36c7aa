"""A subset keeps what is held out, thins what is trained on, and is a store like any other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.drawn import draw
from vaelab.data.collection import Collection
from vaelab.data.manifest import are_drawn
from vaelab.data.prepare import prepare
from vaelab.data.sources import Subset
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError
from vaelab.settings import EMBEDDED

SHARES = {"skin": {"dark": 0.1, "light": 0.9}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> DatasetStore:
    folder = tmp_path_factory.mktemp("data") / "whole-16"
    return draw(folder, 600, 60, 16)


def subset(whole: DatasetStore, folder: Path, seed: int = 0, dark: float = 0.1) -> DatasetStore:
    source = Subset(whole.path, {"skin": {"dark": dark, "light": 1 - dark}}, seed)
    return prepare(source, folder, size=16, workers=1)


def test_shares_are_as_wished_and_everything_held_out_stays(whole: DatasetStore, tmp_path: Path) -> None:
    part = subset(whole, tmp_path / "part-16")
    plan = Subset(whole.path, SHARES).plan(whole.labels).set_index("group")
    training = part.labels[(part.labels["split"] == "train") & part.labels["is_face"]]
    counts = training["skin"].value_counts()
    assert counts["dark"] == plan["kept"]["dark"] == round(plan["kept"]["light"] / 9)
    assert counts["light"] == plan["available"]["light"]
    assert "medium" not in counts
    for name in ("val", "test", "calibration"):
        rows = whole.labels["split"] == name
        assert (part.labels["split"] == name).sum() == rows.sum()
    assert (~part.labels["is_face"]).sum() == (~whole.labels["is_face"]).sum()


def test_pixels_and_labels_are_those_of_the_whole(whole: DatasetStore, tmp_path: Path) -> None:
    part = subset(whole, tmp_path / "part-16")
    places = whole.labels.set_index("image_id").index.get_indexer(part.labels["image_id"])
    assert (places >= 0).all()
    assert np.array_equal(part.pixels[:], whole.pixels[:][places])
    assert part.manifest.licence == whole.manifest.licence
    assert part.fingerprint != whole.fingerprint


def test_a_smaller_share_holds_no_face_that_a_larger_one_lacks(whole: DatasetStore, tmp_path: Path) -> None:
    def dark(share: float) -> set[str]:
        store = subset(whole, tmp_path / f"part-{share}", dark=share)
        training = store.labels[(store.labels["split"] == "train") & (store.labels["skin"] == "dark")]
        return set(training["image_id"])

    few, more = dark(0.05), dark(0.2)
    assert len(few) < len(more)
    assert few < more


def test_a_seed_decides_who_is_left_out(whole: DatasetStore, tmp_path: Path) -> None:
    one, other = subset(whole, tmp_path / "one", seed=1), subset(whole, tmp_path / "two", seed=2)
    assert len(one) == len(other)
    assert one.fingerprint != other.fingerprint
    assert subset(whole, tmp_path / "again", seed=1).fingerprint == one.fingerprint


def test_a_training_can_name_it(whole: DatasetStore, tmp_path: Path) -> None:
    part = subset(whole, tmp_path / "part-16")
    data = Collection.open(("part-16",), tmp_path, 16)
    assert data.fingerprints == {"part-16": part.fingerprint}


def test_what_was_drawn_is_told_by_its_manifest_not_by_its_name(whole: DatasetStore, tmp_path: Path) -> None:
    part = subset(whole, tmp_path / "part-16")
    assert are_drawn(("part-16", whole.path.name), whole.path.parent) is False, "part-16 lies elsewhere"
    assert are_drawn((str(part.path), str(whole.path)), tmp_path)
    photos = tmp_path / "synthetic-looking" / "manifest.json"
    photos.parent.mkdir()
    photos.write_text(replace(part.manifest, source="folder").to_json())
    assert not are_drawn(("part-16", "synthetic-looking"), tmp_path)
    assert are_drawn((EMBEDDED,), tmp_path), "drawn when it is first used"
    no_faces = {"by_is_face": {"true": 0, "false": len(part)}}
    photos.write_text(replace(part.manifest, source="folder", counts=no_faces).to_json())
    assert are_drawn(("part-16", "synthetic-looking"), tmp_path), "photographs of other things are no faces"


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({}, "one label column"),
        ({"skin": {"dark": 1.0}, "beard": {"full": 1.0}}, "one label column"),
        ({"shoes": {"red": 1.0}}, "no label column"),
        ({"skin": {"green": 1.0}}, "no value 'green'"),
        ({"skin": {"dark": 0.0}}, "not all 0"),
        ({"skin": {"dark": -1.0, "light": 2.0}}, "0 or more"),
        ({"skin": {"dark": float("nan")}}, "0 or more"),
    ],
)
def test_shares_that_mean_nothing_are_refused(
    whole: DatasetStore, shares: dict[str, dict[str, float]], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        Subset(whole.path, shares).listing()
