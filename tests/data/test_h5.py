"""The lab's own file: turned from BGR, resized, damaged blocks rejected alone."""

from __future__ import annotations

import logging
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.data.making import store_of
from vaelab.data.sources import MitH5
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


def test_h5_damaged_blocks_are_rejected_alone(tmp_path, lab_pixels):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=lab_pixels[..., ::-1], chunks=(1, 32, 32, 3), fletcher32=True)
        file.create_dataset("labels", data=LAB_LABELS)
        block = file["images"].id.get_chunk_info(8)
    with path.open("r+b") as raw:
        raw.seek(block.byte_offset + 5)
        raw.write(b"\xaa\x55\xaa")
    row = block.chunk_offset[0]
    if row % 2:
        pytest.skip("the probe of the faces reads this row")
    store = store_of(MitH5(path), tmp_path / "out", size=32)
    assert [item.image_id for item in store.manifest.rejected] == [f"{row:06d}"]
    assert len(store) == 11
