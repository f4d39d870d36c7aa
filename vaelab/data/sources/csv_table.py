"""Pictures named by a CSV, with whatever attributes its other columns hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from vaelab.data.groups import MISSING_WORDS
from vaelab.data.manifest import Rejected
from vaelab.data.mapping import RESERVED
from vaelab.data.sources.base import Listing, Source, existing
from vaelab.data.sources.files import FileIndex, FilesReader, files_reader, index_files
from vaelab.data.sources.tables import find_column, read_table, typed
from vaelab.errors import DataError

_FILE_ALIASES = (
    "file", "filename", "file_name", "path", "image_path", "file_path", "filepath",
    "image", "image_id", "img", "picture", "name",
)  # fmt: skip
_SPLIT_ALIASES = ("split", "partition", "subset", "set")
_FACE_ALIASES = ("is_face", "face", "isface")
_SPLIT_VALUES = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "calibration": "calibration",
    "test": "test", "testing": "test",
}  # fmt: skip
_FACE_VALUES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class CsvTable(Source):
    """A table with one row per picture.

    The column of file names is found by its usual names (file, filename, path, image, ...), as are an
    optional official split (split, partition, ...) and an optional is_face; all others become
    attributes: numbers and true/false where every value is one, text otherwise. An empty value, NA, NaN or
    NULL is missing.

    Attributes:
        root: the folder or tar in which the files lie.
        csv: the table; by default the only CSV in `root`.
        crop: which square of a picture is kept.
        keep_together: a column whose equal values stay in one split, for example the person; where it is missing, a
            picture stands for itself.
        non_faces: whether pictures without an is_face column are non-faces.
        terms: licence line for the manifest.
    """

    name: ClassVar[str] = "csv"
    summary: ClassVar[str] = "a CSV with a file-name column and attribute columns"

    root: Path
    csv: Path | None = None
    crop: str = "centre-square"
    keep_together: str = ""
    non_faces: bool = False
    terms: str = ""

    def listing(self) -> Listing:
        """Joins the table with the files; rows that name no file, and odd values, are listed as rejected."""
        path = self.csv or _only_csv(self.root)
        table = read_table(existing(path, "table"))
        file_column = find_column(table, _FILE_ALIASES, path, "the file name")
        split_column = find_column(table, _SPLIT_ALIASES, path)
        face_column = find_column(table, _FACE_ALIASES, path)
        if self.keep_together and self.keep_together not in table:
            raise DataError(f"{path} has no column {self.keep_together!r}; met {', '.join(map(str, table.columns))}")
        index = index_files(existing(self.root, "folder or tar of pictures"))
        files = table[file_column].str.strip().str.replace("\\", "/").str.removeprefix("./")
        reasons = _row_reasons(table, files, index, split_column, face_column)
        rejected = [Rejected(file, reason) for file, reason in zip(files, reasons, strict=True) if reason]
        kept = np.array([not reason for reason in reasons], dtype=bool)
        rows, names = table[kept].reset_index(drop=True), list(files[kept])
        is_face = np.full(len(rows), not self.non_faces)
        if face_column is not None:
            is_face = rows[face_column].map(_face_value).to_numpy(dtype=bool)
        records = pd.DataFrame({"image_id": pd.Series(names, dtype="str"), "is_face": is_face})
        official: list[str | None] = [None] * len(rows)
        if split_column is not None:
            official = [_SPLIT_VALUES[value.strip().lower()] for value in rows[split_column]]
        records["split"] = pd.Series(official, dtype="str")
        records["split_key"] = records["image_id"]
        if self.keep_together:
            together = rows[self.keep_together].str.strip()
            records["split_key"] = together.where(~together.isin(MISSING_WORDS), records["image_id"])
        used = {file_column, split_column, face_column}
        names_stored = _names_stored([name for name in rows.columns if name not in used], path)
        attributes = {stored: typed(rows[name]) for stored, name in names_stored.items()}
        parts = [records, pd.DataFrame(attributes, index=records.index), index.table(names)]
        named = set(files)
        unlisted = tuple(name for name in index.sorted_names() if name not in named and self.root / name != path)
        notes = (f"files in the folder without a row in the table: {len(unlisted):,}",) if unlisted else ()
        return Listing(pd.concat(parts, axis=1), (*rejected, *index.rejected), notes, unlisted)

    @contextmanager
    def reader(self) -> Iterator[FilesReader]:
        """Opens the folder or tar."""
        with files_reader([self.root], self.crop) as reader:
            yield reader

    def licence_line(self) -> str:
        """The terms that were stated, or that they are unknown."""
        return self.terms or self.licence


def _only_csv(root: Path) -> Path:
    found = sorted(path for path in root.glob("*") if path.suffix.lower() == ".csv") if root.is_dir() else []
    if len(found) != 1:
        raise DataError(f"{root} holds {len(found)} CSV files; name the table with --csv")
    return found[0]


def _row_reasons(
    table: pd.DataFrame, files: pd.Series, index: FileIndex, split_column: str | None, face_column: str | None
) -> list[str]:
    """For each row why it cannot be used, or an empty text."""
    reasons = ["" if file in index.files else "no such file" for file in files]
    if split_column is not None:
        for row, value in enumerate(table[split_column]):
            if value.strip().lower() not in _SPLIT_VALUES:
                reasons[row] = reasons[row] or f"unknown split: {value!r}"
    if face_column is not None:
        for row, value in enumerate(table[face_column]):
            if _face_value(value) is None:
                reasons[row] = reasons[row] or f"{face_column} is neither true nor false: {value!r}"
    return reasons


def _face_value(text: str) -> bool | None:
    return _FACE_VALUES.get(text.strip().lower())


def _names_stored(columns: Sequence[str], path: Path) -> dict[str, str]:
    """The name in the store of each column of attributes -> the column.

    Raises:
        DataError: two columns would have one name there.
    """
    names: dict[str, str] = {}
    for column in columns:
        name = _attribute_name(column)
        if name in names:
            raise DataError(
                f"{path} has the columns {names[name]!r} and {column!r}, which would both be stored as {name!r}; "
                "rename one of them, or take it out"
            )
        names[name] = column
    return names


def _attribute_name(column: str) -> str:
    """A name that neither hides a column of the store nor looks like one of a source's own."""
    name = column.lstrip("_") or "column"
    return f"original_{name}" if name in RESERVED else name
