from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.drawn import draw
from vaelab.data.manifest import Rejected
from vaelab.data.prepare import prepare
from vaelab.data.sources import Folder
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError


@pytest.fixture
def store(tmp_path: Path) -> DatasetStore:
    return draw(tmp_path / "drawn-16", 30, 20, 16)


def test_store_holds_what_the_contract_says(store):
    assert store.pixels.shape == (50, 16, 16, 3)
    assert store.pixels.dtype == np.uint8
    assert len(store) == 50
    assert list(store.labels.columns[:3]) == ["image_id", "is_face", "split"]
    assert store.labels["image_id"].is_unique
    assert store.labels["is_face"].dtype == bool
    assert store.manifest.counts["total"] == 50
    assert store.manifest.counts["by_is_face"] == {"true": 30, "false": 20}
    assert sum(store.manifest.counts["by_split"].values()) == 50
    assert store.manifest.name == "drawn-16"
    assert sorted(path.name for path in store.path.iterdir()) == [
        "labels.parquet",
        "manifest.json",
        "pixels.u8",
    ]


def test_pixels_cannot_be_written(store):
    with pytest.raises(ValueError, match="read-only"):
        store.pixels[0] = 0


def test_indices_select_by_split_and_kind(store):
    train = store.indices("train")
    assert (store.labels["split"].iloc[train] == "train").all()
    assert len(store.indices()) == 50
    assert store.indices(is_face=True).tolist() == list(range(30))
    parts = [store.indices(split, is_face=False) for split in ("train", "val", "calibration", "test")]
    assert sorted(np.concatenate(parts).tolist()) == list(range(30, 50))
    with pytest.raises(DataError, match="unknown split 'dev'"):
        store.indices("dev")


def test_pickles_as_a_path(store):
    copy = pickle.loads(pickle.dumps(store))
    assert len(pickle.dumps(store)) < 1_000
    assert copy.fingerprint == store.fingerprint
    assert (copy.pixels[3] == store.pixels[3]).all()


def test_verify_notices_one_changed_byte(store):
    store.verify()
    with (store.path / "pixels.u8").open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(DataError, match="was changed"):
        store.verify()


def test_verify_notices_one_changed_label(store):
    labels = pd.read_parquet(store.path / "labels.parquet")
    labels.loc[4, "split"] = "val" if labels.loc[4, "split"] != "val" else "train"
    labels.to_parquet(store.path / "labels.parquet", index=False)
    with pytest.raises(DataError, match="was changed"):
        DatasetStore.open(store.path).verify()


def test_missing_store_says_how_to_make_it(tmp_path):
    with pytest.raises(
        DataError, match=r"no prepared data in .*fairface-64; make it with `python -m vaelab data prepare"
    ):
        DatasetStore.open(tmp_path / "fairface-64")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99, expected 1"),
        ({"colour": "red"}, "unknown entries: colour"),
        ({"size": 8}, "pixels.u8 has 38400 bytes, expected 9600"),
    ],
)
def test_manifest_that_does_not_fit_is_refused(store, change, message):
    path = store.path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=message):
        DatasetStore.open(store.path)


def test_damaged_files_are_refused(store):
    (store.path / "labels.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match="damaged"):
        DatasetStore.open(store.path)
    (store.path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        DatasetStore.open(store.path)


def test_cut_pixels_are_refused(store):
    with (store.path / "pixels.u8").open("r+b") as file:
        file.truncate(1_000)
    with pytest.raises(DataError, match="1000 bytes, expected 38400"):
        DatasetStore.open(store.path)


def test_lost_column_is_refused(store):
    labels = pd.read_parquet(store.path / "labels.parquet").drop(columns="is_face")
    labels.to_parquet(store.path / "labels.parquet", index=False)
    with pytest.raises(DataError, match="no column 'is_face'"):
        DatasetStore.open(store.path)


def test_manifest_keeps_every_rejected_file(tmp_path, write_scenes):
    write_scenes(tmp_path / "in", 3)
    (tmp_path / "in" / "empty.jpg").touch()
    store = prepare(Folder(tmp_path / "in"), tmp_path / "out", size=16, workers=1)
    assert DatasetStore.open(store.path).manifest.rejected == (Rejected("empty.jpg", "empty file (0 bytes)"),)
