"""A prepared store: decoded pixels as one memory map, a labels table beside it, and a manifest that says
what they are.

```
data/<name>/
  pixels.u8        n * size * size * 3 bytes, uint8 RGB, row after row
  labels.parquet   n rows aligned with the pixels: image_id, is_face, split, then the source's attributes
  manifest.json    source, crop, size, counts, fingerprint, licence, every rejected file with its reason
```
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int, Int8, UInt8

from vaelab.data.gather import PictureFile, is_mapped
from vaelab.data.labels_file import LABELS_FILE, LabelsFile
from vaelab.data.manifest import FORMAT, MANIFEST_FILE, Manifest, damaged_store, prepare_hint, replace_hint
from vaelab.data.splits import SPLITS
from vaelab.errors import DataError

Pictures = UInt8[np.ndarray, "some size size 3"]

PIXELS_FILE = "pixels.u8"
REQUIRED_COLUMNS = ("image_id", "is_face", "split")

_BLOCK_BYTES = 4 * 2**20
_LABEL_BLOCK_ROWS = 50_000


@final
@dataclass(frozen=True, eq=False)
class DatasetStore:
    """A prepared store, opened read-only. Pickles as its path: other processes open their own memory map.

    Of a store of a million pictures all labels are hundreds of megabytes, and a training asks for few of them: what is
    a face and in which split is kept in memory, `table` reads what else is asked for, and only `labels` keeps it all.

    Attributes:
        is_face: (n,) whether each picture shows a face.
        splits: (n,) which of SPLITS each picture is in, as its place there.
    """

    path: Path
    manifest: Manifest
    is_face: Bool[np.ndarray, " n"]
    splits: Int8[np.ndarray, " n"]
    _labels_file: LabelsFile

    @staticmethod
    def open(path: Path | str) -> DatasetStore:
        """Opens the store in folder `path` after checking that its three files fit each other.

        Raises:
            DataError: missing, unfinished, damaged or of another format; says how to make it.
        """
        path = Path(path)
        if not (path / MANIFEST_FILE).is_file():
            raise DataError(f"no prepared data in {path}; {prepare_hint(path.name)}")
        manifest = Manifest.read(path / MANIFEST_FILE)
        labels = LabelsFile(path)
        missing = [column for column in REQUIRED_COLUMNS if column not in labels.columns]
        if missing:
            raise DataError(f"{path / LABELS_FILE} has no column {missing[0]!r}; {replace_hint(path.name)}")
        try:
            num_bytes = (path / PIXELS_FILE).stat().st_size
        except OSError as error:
            raise damaged_store(path, error) from error
        is_face, splits = [np.zeros(0, bool)], [np.zeros(0, np.int8)]
        for block in labels.blocks(["is_face", "split"]):
            is_face.append(np.asarray(block["is_face"], bool))
            known = pc.index_in(block["split"].cast(pa.string()), pa.array(SPLITS))
            splits.append(np.asarray(pc.fill_null(known, -1), np.int8))
        num_pictures = sum(map(len, splits))
        expected = num_pictures * manifest.size**2 * 3
        if num_bytes != expected:
            raise DataError(
                f"{path / PIXELS_FILE} has {num_bytes} bytes, expected {expected} for {num_pictures} pictures "
                f"of {manifest.size}x{manifest.size}; {replace_hint(path.name)}"
            )
        return DatasetStore(path, manifest, np.concatenate(is_face), np.concatenate(splits), labels)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the labels."""
        return self._labels_file.columns

    def table(self, columns: Sequence[str] | None = None, rows: Int[np.ndarray, " some"] | None = None) -> pd.DataFrame:
        """Some labels of some pictures; all of them by default. Those of some pictures are read from the disk a column
        and a block at a time, so that what the others would take is never needed.

        Raises:
            DataError: the labels cannot be read.
        """
        names = list(self.columns if columns is None else columns)
        if rows is None:
            return self._labels_file.table(names)
        parts = [self._labels_file.column(name, rows) for name in names]
        return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=rows)

    @functools.cached_property
    def labels(self) -> pd.DataFrame:
        """All labels of all pictures, kept from then on.

        Raises:
            DataError: they cannot be read.
        """
        return self.table()

    @functools.cached_property
    def pixels(self) -> np.memmap[Any, np.dtype[np.uint8]]:
        """(n, size, size, 3) uint8 RGB, read-only, mapped from the file."""
        shape = (len(self), self.size, self.size, 3)
        return np.memmap(self.path / PIXELS_FILE, dtype=np.uint8, mode="r", shape=shape)

    def gather(self, rows: Int[np.ndarray, " some"], into: Pictures | None = None) -> Pictures:
        """The pictures of some rows, copied; from a file that does not fit into memory without its map.

        Args:
            into: where they go; by default an array of their own.

        Raises:
            DataError: the file is gone or was cut.
            IndexError: there is no such row.
        """
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"the rows of {self.path.name} are 0 to {len(self) - 1}, not {rows.min()} to {rows.max()}")
        found = np.empty((len(rows), self.size, self.size, 3), np.uint8) if into is None else into
        if self._file is None:
            np.take(self.pixels, rows, axis=0, out=found, mode="clip")  # else it would check and copy once more
        else:
            self._file.gather(rows, found)
        return found

    @functools.cached_property
    def _file(self) -> PictureFile | None:
        return None if is_mapped(len(self) * 3 * self.size**2) else PictureFile(self.path / PIXELS_FILE, self.size)

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return self.manifest.size

    @property
    def fingerprint(self) -> str:
        """SHA-256 over size, labels and pixels, as computed when the store was made."""
        return self.manifest.fingerprint

    def __len__(self) -> int:
        return len(self.is_face)

    def __reduce__(self) -> tuple[Any, ...]:
        return DatasetStore.open, (self.path,)

    def indices(self, split: str | None = None, is_face: bool | None = None) -> np.ndarray:
        """Row numbers (int64, ascending) of one split, of faces or non-faces, or of both conditions together.

        Raises:
            DataError: `split` is no split.
        """
        chosen = np.ones(len(self), dtype=bool)
        if split is not None:
            if split not in SPLITS:
                raise DataError(f"unknown split {split!r}; the splits are {', '.join(SPLITS)}")
            chosen &= self.splits == SPLITS.index(split)
        if is_face is not None:
            chosen &= self.is_face == is_face
        return np.flatnonzero(chosen)

    def verify(self) -> None:
        """Reads everything once and compares with the fingerprint.

        Raises:
            DataError: pixels or labels were changed after the store was made.
        """
        found = fingerprint(self.labels, self.path / PIXELS_FILE, self.size)
        if found != self.fingerprint:
            raise DataError(
                f"the store in {self.path} was changed after it was made: fingerprint {found[:12]}, manifest "
                f"{self.fingerprint[:12]}; {replace_hint(self.path.name)}"
            )


def fingerprint(labels: pd.DataFrame, pixels_path: Path, size: int) -> str:
    """SHA-256 over the side, the labels as CSV text and the bytes of the pixels file, read in blocks."""
    digest = hashlib.sha256(f"vaelab store {FORMAT} {size} {len(labels)}\n".encode())
    for start in range(0, len(labels), _LABEL_BLOCK_ROWS):
        block = labels.iloc[start : start + _LABEL_BLOCK_ROWS]
        digest.update(block.to_csv(index=False, header=start == 0, lineterminator="\n").encode())
    for data in _blocks(pixels_path):
        digest.update(data)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_BLOCK_BYTES):
            yield data


def counts_of(labels: pd.DataFrame) -> dict[str, Any]:
    """Rows by split, by is_face and in total, for the manifest."""
    faces = int(labels["is_face"].sum())
    return {
        "total": len(labels),
        "by_split": {split: int((labels["split"] == split).sum()) for split in SPLITS},
        "by_is_face": {"true": faces, "false": len(labels) - faces},
    }
