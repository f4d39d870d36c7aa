"""Squares of photos without faces: what a detector has to call nothing, thousands of times in each photo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from PIL import Image

from vaelab.data.left_out import LeftOut
from vaelab.data.sources.base import Listing, Source, existing
from vaelab.data.sources.files import FileIndex, FilesReader, files_reader, index_files
from vaelab.data.sources.tables import read_table
from vaelab.data.splits import PHOTO_FRACTIONS
from vaelab.errors import DataError
from vaelab.rng import numpy_generator

SMALLEST = 24.0
"""Side of the smallest square, pixels of the photo."""
LONGEST_SIDE = 100_000
"""Photos are taken as they are: mined squares lie in pixels of the whole."""
MINED_COLUMNS = ("photo", "x", "y", "side")


@dataclass(frozen=True)
class Windows(Source):
    """Squares of photos that show no face, at even-handed sizes and places; and those that a detector was wrong about.

    All squares of a photo stay in one split.

    Attributes:
        root: folder or tar of photos.
        windows: of each photo.
        leave_out: text file with the names of photos to pass over, one per line: those that show people.
        mined: CSV with columns photo, x, y and side, as `detect --csv` writes it: each row becomes a square too.
        seed: of places and sizes.
        terms: licence line for the manifest.
    """

    name: ClassVar[str] = "windows"
    summary: ClassVar[str] = "squares of photos without faces, and a detector's false alarms in them"
    fractions: ClassVar[Mapping[str, float]] = PHOTO_FRACTIONS

    root: Path
    windows: int = 200
    leave_out: Path | None = None
    mined: Path | None = None
    seed: int = 0
    terms: str = ""

    def __post_init__(self) -> None:
        """Refuses a negative number of windows, and none at all."""
        if self.windows < 0 or (self.windows == 0 and self.mined is None):
            raise DataError(f"windows must be at least 1 where there are no mined ones, met {self.windows}")

    def listing(self) -> Listing:
        """The squares of one photo after another.

        Raises:
            DataError: no photo, or a list that cannot be read.
        """
        index, names, notes = photos_in(self.root, self.leave_out)
        photos, mined = index.table(names), self._mined(names)
        random = numpy_generator(self.seed, "windows")
        tables = []
        for row, name in enumerate(names):
            known = mined.get(name, np.empty((0, 3)))
            squares = np.concatenate([random.uniform(size=(self.windows, 3)), known])
            table = _records(photos.iloc[[row] * len(squares)], name, squares)
            tables.append(table.assign(_is_mined=np.arange(len(squares)) >= self.windows))
        return Listing(pd.concat(tables, ignore_index=True), tuple(index.rejected), notes)

    @contextmanager
    def reader(self) -> Iterator[WindowsReader]:
        """Opens the folder or tar."""
        with files_reader([self.root], "whole") as files:
            yield WindowsReader(files)

    def licence_line(self) -> str:
        """The terms that were stated, or that they are unknown."""
        return self.terms or self.licence

    def _mined(self, names: list[str]) -> dict[str, np.ndarray]:
        """By photo, (n, 3) centre x, centre y and side of the squares in the table, pixels."""
        if self.mined is None:
            return {}
        table = read_table(existing(self.mined, "the table of mined squares"))
        missing = [name for name in MINED_COLUMNS if name not in table]
        if missing:
            raise DataError(
                f"{self.mined} has no column {missing[0]!r}; `python -m vaelab detect --csv` writes them all"
            )
        places = table[list(MINED_COLUMNS[1:])].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        if not (np.isfinite(places).all() and (places[:, 2] >= 1.0).all()):
            raise DataError(f"{self.mined} holds squares without a place or a side; x, y and side are pixels")
        known = {Path(name).name: name for name in names}
        photos = [known.get(Path(str(path)).name, "") for path in table["photo"]]
        return {name: places[[photo == name for photo in photos]] for name in set(photos) - {""}}


@dataclass(frozen=True)
class WindowsReader:
    """Cuts squares out of photos; neighbouring records of one photo share its decoding."""

    files: FilesReader

    def read(self, records: pd.DataFrame, size: int) -> list[np.ndarray | str]:
        """One (size, size, 3) uint8 RGB picture per record, or the reason why there is none."""
        found: list[np.ndarray | str] = []
        name = ""
        whole: np.ndarray | str = "not read"
        places = records[["_file", "_x", "_y", "_side", "_is_mined"]].itertuples(index=False)
        for row, (file, x, y, side, is_mined) in enumerate(places):
            if file != name:
                name, whole = file, next(iter(self.files.whole(records.iloc[[row]], LONGEST_SIDE)))
            if isinstance(whole, str):
                found.append(whole)
            elif min(whole.shape[:2]) < SMALLEST:
                found.append(f"too small: {whole.shape[1]}x{whole.shape[0]}, and the smallest square is {SMALLEST:g}")
            else:
                across, down, wide = (x, y, side) if is_mined else _placed(whole, x, y, side)
                found.append(square_of(whole, across, down, wide, size))
        return found


def photos_in(root: Path, leave_out: Path | None) -> tuple[FileIndex, list[str], tuple[str, ...]]:
    """The files of a folder or tar, the names of those that a text file does not say to leave out, and notes on that.

    Raises:
        DataError: no photo, or a list that cannot be read.
    """
    index = index_files(root)
    left_out = LeftOut.read(leave_out)
    names = [name for name in index.sorted_names() if name not in left_out]
    if not names:
        raise DataError(f"{root} holds no photo that is not left out")
    return index, names, left_out.notes(index.files)


def _placed(photo: np.ndarray, x: float, y: float, side: float) -> tuple[float, float, float]:
    """Centre and side, in pixels, of the square that three numbers in [0, 1) stand for; sides are even in logarithm."""
    height, width = photo.shape[:2]
    wide = SMALLEST * (min(width, height) / SMALLEST) ** side
    return wide / 2 + x * (width - wide), wide / 2 + y * (height - wide), wide


def _records(photo: pd.DataFrame, name: str, squares: np.ndarray) -> pd.DataFrame:
    """One row per square of a photo."""
    image_ids = pd.Series([f"{name}#{number}" for number in range(len(squares))], dtype="str")
    contract = pd.DataFrame(
        {
            "image_id": image_ids,
            "is_face": np.zeros(len(squares), dtype=bool),
            "split": pd.Series([None] * len(squares), dtype="str"),
            "split_key": Path(name).name,
            "object_class": "part of a photo",
            "_x": squares[:, 0],
            "_y": squares[:, 1],
            "_side": squares[:, 2],
        }
    )
    return pd.concat([contract, photo.reset_index(drop=True)], axis=1)


def square_of(photo: np.ndarray, x: float, y: float, side: float, size: int) -> np.ndarray:
    """A square of a photo, centre and side in pixels, as (size, size, 3) uint8 RGB."""
    left, top, right, bottom = (round(edge) for edge in (x - side / 2, y - side / 2, x + side / 2, y + side / 2))
    square = Image.fromarray(photo).crop((left, top, right, bottom))  # black beyond the edge, as in a search
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0))
