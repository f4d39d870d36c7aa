"""Non-faces in ImageNet-style class folders, or in a tar with a CSV of file, class and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from vaelab.data.manifest import Rejected
from vaelab.data.sources.base import Listing, Source, existing
from vaelab.data.sources.files import FileIndex, FilesReader, files_reader, index_files
from vaelab.data.sources.tables import find_column, read_table
from vaelab.data.splits import HELD_OUT_CLASS_FRACTIONS
from vaelab.errors import DataError

_CLASS_ALIASES = ("wnid", "class", "object_class", "label", "synset")
_WORDS_ALIASES = ("words", "class_name", "name", "description")
_FILE_ALIASES = ("file", "filename", "file_name", "path", "image")


@dataclass(frozen=True)
class ClassFolders(Source):
    """Pictures of objects, whole classes held out: a detector is tested on kinds of things it never saw.

    Attributes:
        root: a folder with one sub-folder per class, or a tar.
        csv: table of file, class id and words; needed where folders do not say the class. By default the CSV
            that lies beside a tar under the same name (`nonfaces-64.tar`: `nonfaces-64.csv` or
            `nonfaces.csv`).
        crop: which square of a picture is kept.
    """

    name: ClassVar[str] = "class-folders"
    summary: ClassVar[str] = "non-faces: one folder per object class (ImageNet style), or a tar with a CSV"
    store_stem: ClassVar[str] = "nonfaces"
    licence: ClassVar[str] = (
        "ImageNet and its subsets: non-commercial research and education only (ImageNet terms of access)"
    )
    fractions: ClassVar[Mapping[str, float]] = HELD_OUT_CLASS_FRACTIONS

    root: Path
    csv: Path | None = None
    crop: str = "centre-square"

    def listing(self) -> Listing:
        """Finds all pictures and their classes."""
        index = index_files(existing(self.root, "folder or tar of non-faces"))
        csv = self.csv or _csv_beside(self.root)
        names = index.sorted_names()
        if csv is None:
            table, rejected = _classes_from_folders(names)
        else:
            table, rejected = _classes_from_table(existing(csv, "table of classes"), index, names)
        if table.empty:
            raise DataError(
                f"{self.root} holds no picture in a class folder; expected CLASS/picture files, or "
                "a table given by --csv"
            )
        records = pd.DataFrame(
            {
                "image_id": table["image_id"],
                "is_face": np.zeros(len(table), dtype=bool),
                "split": pd.Series([None] * len(table), dtype="str"),
                "split_key": table["object_class"],
                "object_class": table["object_class"],
                "object_words": table["object_words"],
            }
        )
        places = index.table(list(table["_file"]))
        return Listing(pd.concat([records, places], axis=1), (*index.rejected, *rejected))

    @contextmanager
    def reader(self) -> Iterator[FilesReader]:
        """Opens the folder or tar."""
        with files_reader([self.root], self.crop) as reader:
            yield reader


def _csv_beside(root: Path) -> Path | None:
    """The table of a tar: same name, or the name without its trailing `-64`."""
    if root.is_dir():
        return None
    stems = (root.stem, root.stem.rsplit("-", 1)[0])
    return next((path for stem in stems if (path := root.with_name(f"{stem}.csv")).is_file()), None)


def _classes_from_folders(names: list[str]) -> tuple[pd.DataFrame, list[Rejected]]:
    """The class is the outermost folder: `n01443537/images/n01443537_0.JPEG` belongs to `n01443537`."""
    inside = [name for name in names if "/" in name]
    classes = [name.split("/", 1)[0] for name in inside]
    table = pd.DataFrame(
        {"image_id": inside, "object_class": classes, "object_words": classes, "_file": inside}, dtype="str"
    )
    return table, [Rejected(name, "lies in no class folder") for name in names if "/" not in name]


def _classes_from_table(csv: Path, index: FileIndex, names: list[str]) -> tuple[pd.DataFrame, list[Rejected]]:
    table = read_table(csv)
    file_column = find_column(table, _FILE_ALIASES, csv, "the file name")
    class_column = find_column(table, _CLASS_ALIASES, csv, "the object class")
    words_column = find_column(table, _WORDS_ALIASES, csv)
    present = table[file_column].isin(index.files.keys())
    rejected = [
        Rejected(str(name), "in the table, but there is no such picture") for name in table[file_column][~present]
    ]
    listed = set(table[file_column])
    rejected += [Rejected(name, "no row in the table") for name in names if name not in listed]
    kept = table[present]
    return (
        pd.DataFrame(
            {
                "image_id": kept[file_column],
                "object_class": kept[class_column],
                "object_words": kept[words_column or class_column],
                "_file": kept[file_column],
            }
        ).reset_index(drop=True),
        rejected,
    )
