"""FairFace as published and as packed, and the real packs where they are here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.making import store_of, write_tar
from vaelab.data.prepare import prepare
from vaelab.data.sources import ClassFolders, FairFace
from vaelab.data.splits import split_of
from vaelab.errors import DataError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")


def fairface_folder(root: Path, encode, scene, packed: bool) -> Path:
    root.mkdir()
    for part, count in (("train", 30), ("val", 5)):
        rows = "".join(
            f"{part}/{n}.jpg,{'more than 70' if n % 2 else '3-9'},{'Male' if n % 3 else 'Female'},White,{n % 2 == 0}\n"
            for n in range(1, count + 2)
        )
        (root / f"fairface_label_{part}.csv").write_text("file,age,gender,race,service_test\n" + rows)
        pictures = {f"{part}/{n}.{'webp' if packed else 'jpg'}": encode(scene(n), "PNG") for n in range(1, count + 1)}
        pictures[f"{part}/{count + 7}.webp"] = encode(scene(0), "PNG")
        if packed:
            write_tar(root / f"fairface-{part}-128.tar", pictures)
        else:
            (root / part).mkdir()
            for name, data in pictures.items():
                (root / name).write_bytes(data)
    return root


def test_fairface_is_the_same_published_or_packed(tmp_path, scene, encode):
    published = store_of(FairFace(fairface_folder(tmp_path / "a", encode, scene, packed=False)), tmp_path / "out-a")
    packed = store_of(FairFace(fairface_folder(tmp_path / "b", encode, scene, packed=True)), tmp_path / "out-b")
    assert published.fingerprint == packed.fingerprint
    assert list(packed.labels.columns) == [
        "image_id",
        "is_face",
        "split",
        "age",
        "gender",
        "race",
        "service_test",
    ]
    assert packed.labels["image_id"].iloc[0] == "train/1.jpg"
    assert {item.image_id: item.reason for item in packed.manifest.rejected} == {
        "train/31.jpg": "labelled, but there is no such picture",
        "train/37": "no row in the labels",
        "val/6.jpg": "labelled, but there is no such picture",
        "val/12": "no row in the labels",
    }


def test_fairface_splits_train_by_hash_and_keeps_val_for_testing(tmp_path, scene, encode):
    labels = store_of(FairFace(fairface_folder(tmp_path / "a", encode, scene, packed=True)), tmp_path / "out").labels
    assert (labels["split"][labels["image_id"].str.startswith("val/")] == "test").all()
    for image_id, split in zip(labels["image_id"], labels["split"], strict=True):
        if image_id.startswith("train/"):
            assert split == split_of(image_id, {"train": 0.95, "val": 0.05})


def test_fairface_says_what_is_missing(tmp_path, scene, encode):
    with pytest.raises(DataError, match="FairFace labels not found"):
        FairFace(tmp_path).listing()
    root = fairface_folder(tmp_path / "a", encode, scene, packed=True)
    (root / "fairface-val-128.tar").unlink()
    with pytest.raises(DataError, match="FairFace pictures not found"):
        FairFace(root).listing()
    (root / "fairface_label_train.csv").write_text("file,age\n")
    with pytest.raises(DataError, match="no column 'gender'"):
        FairFace(root).listing()


@needs_shared
@pytest.mark.parametrize(
    ("source", "count"),
    [(FairFace(SHARED), 45_000), (ClassFolders(SHARED / "nonfaces-64.tar"), 32_000)],
    ids=["fairface", "nonfaces"],
)
def test_real_packs(tmp_path, source, count):
    store = prepare(source, tmp_path / "out", size=64, workers=1, limit=40)
    assert len(store) == 40
    assert store.manifest.notes == (f"limited to 40 of {count} pictures, spread evenly",)
    assert store.pixels.std() > 30
