"""The lab's own file: turned from BGR, resized, damaged blocks rejected alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.data.making import store_of
from vaelab.data.sources import MitH5
from vaelab.data.validation import validate
from vaelab.errors import DataError


def write_h5(
    path: Path, rgb: np.ndarray, labels: np.ndarray, changes: dict[str, np.ndarray | None] | None = None
) -> Path:
    with h5py.File(path, "w") as file:
        for key, values in {"images": rgb[..., ::-1], "labels": labels, **(changes or {})}.items():
            if values is not None:
                file.create_dataset(key, data=values)
    return path


@pytest.fixture
def lab_pixels(scene_pixels) -> np.ndarray:
    """(12, 32, 32, 3) RGB, reddish."""
    pixels = np.stack([scene_pixels(seed, 32, 32) for seed in range(12)]).astype(int)
    pixels[..., 0] += 60
    pixels[..., 2] -= 60
    return pixels.clip(0, 255).astype(np.uint8)


LAB_LABELS = (np.arange(12) % 2)[:, None]


def test_h5_is_turned_from_bgr(tmp_path, lab_pixels):
    write_h5(tmp_path / "train_face.h5", lab_pixels, LAB_LABELS)
    store = store_of(MitH5(tmp_path), tmp_path / "out", size=32)
    assert (store.pixels == lab_pixels).all()
    assert store.labels["is_face"].tolist() == [False, True] * 6
    assert store.labels["image_id"].iloc[11] == "000011"
    assert store.manifest.notes == ()


def test_h5_can_be_resized(tmp_path, lab_pixels):
    write_h5(tmp_path / "x.h5", lab_pixels, LAB_LABELS.astype(float))
    store = store_of(MitH5(tmp_path / "x.h5"), tmp_path / "out", size=16)
    halves = lab_pixels.reshape(12, 16, 2, 16, 2, 3).mean((2, 4))
    assert np.abs(store.pixels - halves).mean() < 1.5


def test_h5_that_is_rgb_already_is_noted(tmp_path, lab_pixels, caplog):
    write_h5(tmp_path / "x.h5", lab_pixels[..., ::-1], LAB_LABELS)
    with caplog.at_level(logging.WARNING):
        store = store_of(MitH5(tmp_path / "x.h5"), tmp_path / "out", size=32)
    assert "probably holds RGB" in store.manifest.notes[0]
    assert "probably holds RGB" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "no data set 'labels'; met images"),
        ({"images": None}, "no data set 'images'"),
        ({"images": np.zeros((12, 3, 32, 32), np.uint8)}, r"expected uint8 of \(n, side, side, 3\)"),
        ({"images": np.zeros((12, 32, 32, 3), np.float32)}, "images are float32"),
        ({"labels": np.zeros((11, 1))}, r"expected \(12, 1\)"),
        ({"labels": np.zeros((12, 1))}, "both classes are needed"),
        ({"labels": np.arange(12)[:, None]}, "labels are 0 or 1, met 2"),
    ],
)
def test_h5_that_is_not_the_labs(tmp_path, lab_pixels, changes, message):
    path = write_h5(tmp_path / "x.h5", lab_pixels, LAB_LABELS, changes)
    with pytest.raises(DataError, match=message):
        MitH5(path).listing()


def test_h5_that_is_none(tmp_path):
    (tmp_path / "x.h5").write_text("<html>not found</html>")
    with pytest.raises(DataError, match="no readable HDF5 file"):
        MitH5(tmp_path / "x.h5").listing()
    with pytest.raises(DataError, match="HDF5 file not found"):
        MitH5(tmp_path / "y.h5").listing()


def test_h5_with_a_damaged_table_of_contents_is_told(tmp_path, lab_pixels):
    path = write_h5(tmp_path / "x.h5", lab_pixels, LAB_LABELS)
    path.write_bytes(path.read_bytes().replace(b"HEAP", b"HELP"))
    with pytest.raises(DataError, match="is damaged"):
        MitH5(path).listing()


def write_damaged(path: Path, rgb: np.ndarray, rows: Sequence[int], data_set: str = "images") -> Path:
    """The lab's file with a checksum for each row, and some rows of a data set that it does not fit."""
    with h5py.File(path, "w") as file:
        for key, values in (("images", rgb[..., ::-1]), ("labels", LAB_LABELS)):
            file.create_dataset(key, data=values, chunks=(1, *values.shape[1:]), fletcher32=True)
        stored = file[data_set].id
        blocks = [stored.get_chunk_info(number) for number in range(stored.get_num_chunks())]
        damaged = [block.byte_offset for block in blocks if block.chunk_offset[0] in rows]
    with path.open("r+b") as raw:
        for offset in damaged:
            raw.seek(offset)
            raw.write(b"\xaa\x55\xaa")
    return path


@pytest.mark.parametrize("rows", [[8], [5], [1, 2, 3]], ids=["non-face", "face", "several"])
def test_h5_damaged_blocks_are_rejected_alone(tmp_path, lab_pixels, rows):
    source = MitH5(write_damaged(tmp_path / "x.h5", lab_pixels, rows))
    store = store_of(source, tmp_path / "out", size=32)
    assert [item.image_id for item in store.manifest.rejected] == [f"{row:06d}" for row in rows]
    assert (store.pixels == np.delete(lab_pixels, rows, axis=0)).all()
    assert store.manifest.notes == ()
    assert validate(source, size=32).num_usable == 12 - len(rows)


def test_h5_with_no_readable_picture_is_told(tmp_path, lab_pixels):
    source = MitH5(write_damaged(tmp_path / "x.h5", lab_pixels, range(12)))
    with pytest.raises(DataError, match="none of 12 pictures could be used: damaged"):
        store_of(source, tmp_path / "out", size=32)
    assert validate(source, size=32).blocks


def test_h5_with_damaged_labels_is_told(tmp_path, lab_pixels):
    source = MitH5(write_damaged(tmp_path / "x.h5", lab_pixels, [5], "labels"))
    with pytest.raises(DataError, match="labels are damaged"):
        source.listing()
    assert "labels are damaged" in validate(source, size=32).problems[0].examples[0]
