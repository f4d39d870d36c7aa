"""MIT 6.S191's train_face.h5: 64x64 pictures in BGR, half of them CelebA faces, half ImageNet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np
import pandas as pd
from PIL import Image

from vaelab.data.images import Crop, crop_and_resize
from vaelab.data.sources.base import Listing, Source, existing
from vaelab.errors import DataError

log = logging.getLogger(__name__)

_LABEL_BLOCK = 65_536
_PROBE_FACES = 1_024


@dataclass(frozen=True)
class MitH5(Source):
    """The lab's file: `images` (n, side, side, 3) uint8 in BGR order, `labels` (n, 1) with 1 = face.

    It has no partition, so splits are by hash of the row number.

    Attributes:
        root: the file, or the folder that holds `train_face.h5`.
    """

    name: ClassVar[str] = "h5"
    summary: ClassVar[str] = "MIT 6.S191's train_face.h5 (BGR)"
    licence: ClassVar[str] = (
        "MIT 6.S191 lab data: CelebA and ImageNet pictures, non-commercial research; no redistribution"
    )

    root: Path

    @property
    def path(self) -> Path:
        """The HDF5 file."""
        return self.root / "train_face.h5" if self.root.is_dir() else self.root

    def listing(self) -> Listing:
        """Reads the labels, checks shapes and types, and probes the order of the colours."""
        with _opened(self.path) as file:
            images, labels = _checked(file, self.path)
            is_face = _is_face(labels, self.path)
            red, blue = _mean_red_and_blue(images, np.flatnonzero(is_face))
        notes: tuple[str, ...] = ()
        if red <= blue:
            notes = (
                f"faces have mean red {red:.1f} and blue {blue:.1f} after turning BGR into RGB; "
                "skin is redder than blue, so this file probably holds RGB: look at the pictures "
                "before training on them",
            )
            log.warning("%s: %s", self.path, notes[0])
        image_ids = pd.Series([f"{row:06d}" for row in range(len(is_face))], dtype="str")
        status = self.path.stat()
        records = pd.DataFrame(
            {
                "image_id": image_ids,
                "is_face": is_face,
                "split": pd.Series([None] * len(is_face), dtype="str"),
                "split_key": image_ids,
                "_row": np.arange(len(is_face), dtype=np.int64),
                "_file_bytes": np.full(len(is_face), status.st_size, dtype=np.int64),
                "_modified": np.full(len(is_face), status.st_mtime_ns, dtype=np.int64),
            }
        )
        return Listing(records, notes=notes)

    @contextmanager
    def reader(self) -> Iterator[H5Reader]:
        """Opens the file."""
        with _opened(self.path) as file:
            yield H5Reader(_checked(file, self.path)[0])


class H5Reader:
    """Reads rows of the `images` data set."""

    def __init__(self, images: h5py.Dataset) -> None:
        self._images = images

    def read(self, records: pd.DataFrame, size: int) -> list[np.ndarray | str]:
        """One (size, size, 3) uint8 RGB picture per record, or the reason why a damaged block has none."""
        rows = records["_row"].to_numpy()
        try:
            pixels = np.asarray(self._images[rows])[..., ::-1]
        except OSError as error:
            if len(records) == 1:
                return [f"damaged: the file cannot be read here: {error}"]
            halves = records.iloc[: len(records) // 2], records.iloc[len(records) // 2 :]
            return [result for half in halves for result in self.read(half, size)]
        if pixels.shape[1] == size:
            return list(pixels)
        whole = Crop("whole")
        return [crop_and_resize(Image.fromarray(np.ascontiguousarray(row)), size, whole) for row in pixels]


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    existing(path, "HDF5 file")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} is no readable HDF5 file ({error}); download it again") from error
    with file:
        yield file


def _checked(file: h5py.File, path: Path) -> tuple[h5py.Dataset, h5py.Dataset]:
    """The two data sets, after checking their names, shapes and types."""
    try:
        found = {str(key): file.get(key) for key in file}
    except (OSError, RuntimeError, KeyError) as error:
        raise DataError(f"{path} is damaged ({error}); download it again") from error
    for key in ("images", "labels"):
        if not isinstance(found.get(key), h5py.Dataset):
            raise DataError(f"{path} has no data set {key!r}; met {', '.join(found) or 'nothing'}")
    images, labels = found["images"], found["labels"]
    square = images.ndim == 4 and images.shape[1] == images.shape[2] and images.shape[3] == 3
    if not square or images.dtype != np.uint8:
        raise DataError(
            f"{path}: images are {images.dtype} of shape {images.shape}, expected uint8 of (n, side, side, 3)"
        )
    if labels.shape not in ((len(images), 1), (len(images),)):
        raise DataError(f"{path}: labels have shape {labels.shape}, expected ({len(images)}, 1)")
    return images, labels


def _is_face(labels: h5py.Dataset, path: Path) -> np.ndarray:
    """(n,) bool; both classes are there."""
    try:
        blocks = [np.asarray(labels[start : start + _LABEL_BLOCK]) for start in range(0, len(labels), _LABEL_BLOCK)]
    except OSError as error:
        raise DataError(f"{path}: its labels are damaged ({error}); download it again") from error
    values = np.concatenate([block.reshape(len(block)) for block in blocks]) if blocks else np.empty(0)
    odd = values[(values != 0) & (values != 1)]
    if len(odd):
        raise DataError(f"{path}: labels are 0 or 1, met {odd[0]}")
    if len(np.unique(values)) < 2:
        raise DataError(f"{path}: both classes are needed, met {'no label' if not len(values) else values[0]} only")
    return np.asarray(values == 1)


def _mean_red_and_blue(images: h5py.Dataset, faces: np.ndarray) -> tuple[float, float]:
    """Mean red and blue (0..255) of up to 1,024 faces spread over the file, BGR turned into RGB; damaged ones do not
    count, and NaN is the mean of none.
    """
    reader, side = H5Reader(images), images.shape[1]
    chosen = faces[np.arange(min(_PROBE_FACES, len(faces))) * len(faces) // min(_PROBE_FACES, len(faces))]
    totals, count = np.zeros(3), 0
    for start in range(0, len(chosen), 64):
        for picture in reader.read(pd.DataFrame({"_row": chosen[start : start + 64]}), side):
            if not isinstance(picture, str):
                totals += picture.sum(axis=(0, 1), dtype=np.float64)
                count += 1
    red, _, blue = totals / (count * side**2) if count else np.full(3, np.nan)
    return float(red), float(blue)
