"""Real faces marked by eye in photos, and what a detector found held against them; `photos-marked.md` has the rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from vaelab.data.sources.tables import read_table
from vaelab.errors import DataError
from vaelab.evaluation.average_precision import Matched, matched, overlaps

COLUMNS = ("photo", "x", "y", "side", "unsure")
MARKED = Path(__file__).with_name("photos-marked.csv")
SAME_PLACE = 0.3
"""A found square that shares more of their union than this with an unsure face is neither right nor wrong."""
OF_A_MARK = 0.8
"""FairFace's square in sides of a mark: the reader's rule took it for larger than it is (`benchmarks.framing`)."""


@dataclass(frozen=True, eq=False)
class MarkedPhoto:
    """What one reader saw in a photo.

    Attributes:
        name: of its file.
        faces: (n, 3) centre x, centre y and side of FairFace's square, pixels; it may reach beyond the photo.
        unsure: (m, 3) places where the reader could not tell, or where a face is cut or hidden.
    """

    name: str
    faces: np.ndarray
    unsure: np.ndarray

    def held_against(self, found: np.ndarray, scores: np.ndarray) -> Matched:
        """Squares (k, 3) that were found here, matched with the sure faces once those on an unsure one are dropped.

        A square that shares as much or more with a sure face stays: two faces side by side overlap too.
        """
        on_unsure = overlaps(found, self.unsure).max(axis=1, initial=0.0)
        on_sure = overlaps(found, self.faces).max(axis=1, initial=0.0)
        kept = (on_unsure <= SAME_PLACE) | (on_sure >= on_unsure)
        return matched(found[kept], scores[kept], self.faces)


def read_marked(path: Path = MARKED) -> list[MarkedPhoto]:
    """The photos of a table with the squares that FairFace would cut: the marks, made smaller about their centres.

    Raises:
        DataError: see `read_table_of_marks`.
    """
    framed = np.array([1.0, 1.0, OF_A_MARK])
    return [
        replace(photo, faces=photo.faces * framed, unsure=photo.unsure * framed) for photo in read_table_of_marks(path)
    ]


def read_table_of_marks(path: Path = MARKED) -> list[MarkedPhoto]:
    """The photos of a table with one row per face, by name, with the squares as they were marked.

    A photo without a face has a row of its own with no square.

    Raises:
        DataError: the table cannot be read, lacks a column, or has a row that is neither a square nor none.
    """
    table = read_table(path)
    if missing := [name for name in COLUMNS if name not in table]:
        raise DataError(f"{path} has no column {missing[0]!r}; expected {', '.join(COLUMNS)}")
    text = table[list(COLUMNS[1:4])].apply(lambda column: column.str.strip())
    is_none = (text == "").all(axis=1).to_numpy()
    squares = text.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    is_square = np.isfinite(squares).all(axis=1) & (squares[:, 2] >= 1.0)
    unsure = table["unsure"].str.strip()
    is_right = (is_none | is_square) & unsure.isin(["0", "1"]).to_numpy() & (table["photo"] != "").to_numpy()
    if not is_right.all():
        row = int(np.flatnonzero(~is_right)[0])
        met = ",".join(str(table.loc[row, column]) for column in COLUMNS)
        raise DataError(
            f"{path}, line {row + 2}: met {met!r}; expected the name of a photo, "
            f"x, y and a side of at least 1 in pixels (all three empty where it shows no face), and unsure 0 or 1"
        )
    is_unsure = (unsure == "1").to_numpy()
    photos = []
    for name, rows in sorted(table.groupby("photo").indices.items()):
        if is_none[rows].any() and len(rows) > 1:
            raise DataError(f"{path}: {name} has a row without a square and others; a photo without a face has one row")
        faces = ~is_none[rows]
        photos.append(
            MarkedPhoto(str(name), squares[rows[faces & ~is_unsure[rows]]], squares[rows[faces & is_unsure[rows]]])
        )
    return photos


def paths_of(photos: Sequence[MarkedPhoto], folder: Path) -> list[Path]:
    """Where the marked photos lie; none where the folder holds no single one of them, as with photos of one's own.

    Raises:
        DataError: some are there and some are not, so that figures would be over other photos than the table's.
    """
    paths = [folder / photo.name for photo in photos]
    missing = [path.name for path in paths if not path.is_file()]
    if missing and len(missing) < len(paths):
        raise DataError(
            f"{folder} lacks {len(missing)} of the {len(paths)} marked photos, first {missing[0]}; add them, or give "
            f"another table by --marked"
        )
    return [] if missing else paths
