"""FairFace: 108,501 faces balanced over seven race labels, as published or packed in tars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from vaelab.data.manifest import Rejected
from vaelab.data.sources.base import Listing, Source, existing
from vaelab.data.sources.files import FileIndex, FilesReader, files_reader, index_files
from vaelab.data.sources.tables import read_table
from vaelab.errors import DataError

AGES = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70")
GENDERS = ("Female", "Male")
PUBLISHED = {
    "White": 18_612, "Black": 13_789, "Latino_Hispanic": 14_990, "East Asian": 13_837, "Southeast Asian": 12_210,
    "Indian": 13_835, "Middle Eastern": 10_425,
}  # fmt: skip
"""Faces by race label in both published parts together, 97,698 in all."""

_PARTS = ("train", "val")
_NO_PICTURE = "labelled, but there is no such picture"
_LABELS = ("age", "gender", "race", "service_test")
_PICTURE_SUFFIXES = (".jpg", ".webp", ".png", ".jpeg")


@dataclass(frozen=True)
class FairFace(Source):
    """FairFace in the original layout, or with `fairface-train*.tar` and `fairface-val*.tar` in place of the
    folders.

    The official train part is split by hash into train and val, 95 to 5; the official val part is the test
    split. `train/1.jpg` stands for `train/1.webp` too, and remains the image id, so that splits agree
    between both layouts.

    Source: Karkkainen and Joo, FairFace, WACV 2021. Labels are annotators' perception.

    Attributes:
        root: folder of `fairface_label_train.csv`, `fairface_label_val.csv` and the pictures.
        crop: which square of a picture is kept.
    """

    name: ClassVar[str] = "fairface"
    summary: ClassVar[str] = "FairFace: labels CSVs with train/ and val/ folders or tars beside them"
    licence: ClassVar[str] = (
        "FairFace (Karkkainen and Joo, WACV 2021), CC BY 4.0: credit its authors; labels are annotators' perception"
    )
    fractions: ClassVar[Mapping[str, float]] = {"train": 0.95, "val": 0.05}
    values: ClassVar[Mapping[str, Sequence[str]]] = {"age": AGES, "gender": GENDERS, "race": tuple(PUBLISHED)}
    published_counts: ClassVar[Mapping[str, Mapping[str, int]]] = {"race": PUBLISHED}

    root: Path
    crop: str = "whole"

    def listing(self) -> Listing:
        """Finds all pictures and their labels; rejects pictures without a row and rows without a picture."""
        tables: list[pd.DataFrame] = []
        rejected: list[Rejected] = []
        for number, part in enumerate(_PARTS):
            table = _read_labels(self.root / f"fairface_label_{part}.csv")
            index = index_files(self._containers()[number])
            names = _picture_names(index, part)
            stems = table["file"].map(_stem)
            found = stems.map(names)
            rejected += [Rejected(file, _NO_PICTURE) for file in table["file"][found.isna()]]
            labelled = set(stems)
            rejected += [Rejected(f"{part}/{stem}", "no row in the labels") for stem in names if stem not in labelled]
            rejected += index.rejected
            kept = table[found.notna()].reset_index(drop=True)
            places = index.table([str(name) for name in found.dropna()], number)
            tables.append(pd.concat([_columns(kept, part), places], axis=1))
        return Listing(pd.concat(tables, ignore_index=True), tuple(rejected))

    @contextmanager
    def reader(self) -> Iterator[FilesReader]:
        """Opens both parts."""
        with files_reader(self._containers(), self.crop) as reader:
            yield reader

    def _containers(self) -> list[Path]:
        return [_container(self.root, part) for part in _PARTS]


def _container(root: Path, part: str) -> Path:
    folder = root / part
    if folder.is_dir():
        return folder
    tars = sorted(root.glob(f"fairface-{part}*.tar")) or sorted(root.glob(f"{part}.tar"))
    if len(tars) != 1:
        raise DataError(
            f"FairFace pictures not found: expected the folder {folder} or one tar "
            f"fairface-{part}*.tar beside it, met {len(tars)} tars; unpack the published archive "
            "there or choose another --root"
        )
    return tars[0]


def _read_labels(path: Path) -> pd.DataFrame:
    table = read_table(existing(path, "FairFace labels", "--root is the folder that holds them"))
    missing = [column for column in ("file", *_LABELS) if column not in table]
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r}; met {', '.join(map(str, table.columns))}")
    return table


def _stem(file: str) -> str:
    """`train/12.jpg` -> `12`."""
    return file.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _picture_names(index: FileIndex, part: str) -> dict[str, str]:
    """Stem -> path in the container, of the pictures directly under it (folder) or under `part/` (tar)."""
    names: dict[str, str] = {}
    for name in index.sorted_names():
        inner = name.removeprefix(f"{part}/")
        if "/" not in inner and inner.lower().endswith(_PICTURE_SUFFIXES):
            names[_stem(inner)] = name
    return names


def _columns(table: pd.DataFrame, part: str) -> pd.DataFrame:
    """Contract columns and labels of one part."""
    return pd.DataFrame(
        {
            "image_id": table["file"],
            "is_face": np.ones(len(table), dtype=bool),
            "split": pd.Series(["test" if part == "val" else None] * len(table), dtype="str"),
            "split_key": table["file"],
            "age": table["age"],
            "gender": table["gender"],
            "race": table["race"],
            "service_test": table["service_test"].str.lower() == "true",
        }
    )
