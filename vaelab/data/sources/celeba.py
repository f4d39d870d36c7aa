"""CelebA: 202,599 aligned faces of celebrities with 40 attributes and an official partition."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from vaelab.data.manifest import Rejected
from vaelab.data.sources.base import Listing, Source, existing
from vaelab.data.sources.files import FilesReader, files_reader, index_files
from vaelab.data.sources.tables import read_table
from vaelab.errors import DataError

_PARTITION = {"0": "train", "1": "val", "2": "test"}


@dataclass(frozen=True)
class CelebA(Source):
    """CelebA in its published layout; tables as published (`.txt`) or as on Kaggle (`.csv`).

    Attributes become booleans named in lower case (`Smiling` is `smiling`). Without a partition file the
    split is by hash.

    Source: Liu et al., Deep learning face attributes in the wild, ICCV 2015.

    Attributes:
        root: folder of `img_align_celeba/` (or `img_align_celeba.tar`), `list_attr_celeba.txt` and
            `list_eval_partition.txt`.
        crop: `celeba` is the 148 x 148 centre of the aligned 178 x 218 pictures.
    """

    name: ClassVar[str] = "celeba"
    summary: ClassVar[str] = "CelebA: img_align_celeba/, list_attr_celeba.txt, list_eval_partition.txt"
    licence: ClassVar[str] = "CelebA (Liu et al., ICCV 2015): non-commercial research only, no redistribution"

    root: Path
    crop: str = "celeba"

    def listing(self) -> Listing:
        """Joins attributes, partition and files."""
        table = _attributes(self.root)
        partition = _partition(self.root)
        index = index_files(self._container())
        by_name = {name.rsplit("/", 1)[-1]: name for name in index.sorted_names()}
        found = table["file"].map(by_name)
        missing = table["file"][found.isna()]
        rejected = [Rejected(file, "has attributes, but there is no such picture") for file in missing]
        listed = set(table["file"])
        rejected += [Rejected(name, "has no attributes") for name in by_name if name not in listed]
        kept = table[found.notna()].reset_index(drop=True)
        records = pd.DataFrame(
            {
                "image_id": kept["file"],
                "is_face": np.ones(len(kept), dtype=bool),
                "split": kept["file"].map(partition).astype("str"),
                "split_key": kept["file"],
            }
        )
        parts = [records, kept.drop(columns="file"), index.table(list(found.dropna()))]
        unplaced = int(records["split"].isna().sum())
        notes = (f"{unplaced} pictures have no official split; theirs is by hash",) if unplaced else ()
        return Listing(pd.concat(parts, axis=1), (*rejected, *index.rejected), notes)

    @contextmanager
    def reader(self) -> Iterator[FilesReader]:
        """Opens the pictures."""
        with files_reader([self._container()], self.crop) as reader:
            yield reader

    def _container(self) -> Path:
        tar = self.root / "img_align_celeba.tar"
        folder = self.root / "img_align_celeba"
        if tar.is_file() and not folder.is_dir():
            return tar
        return existing(folder, "CelebA's aligned pictures", "unpack img_align_celeba.zip into --root")


def _attributes(root: Path) -> pd.DataFrame:
    """Columns `file` and one boolean per attribute."""
    path = root / "list_attr_celeba.txt"
    if not path.is_file() and path.with_suffix(".csv").is_file():
        path = path.with_suffix(".csv")
        table = read_table(path)
        names, rows = list(table.columns[1:]), table.to_numpy().tolist()
    else:
        lines = _lines(path)
        if len(lines) < 2 or not lines[0][0].isdigit():
            raise DataError(f"{path} has not CelebA's two header lines: the number of pictures, then the names")
        names, rows = lines[1], lines[2:]
        if int(lines[0][0]) != len(rows):
            raise DataError(f"{path} announces {lines[0][0]} pictures and lists {len(rows)}: it was cut or edited")
    for number, row in enumerate(rows):
        if len(row) != len(names) + 1 or not set(row[1:]) <= {"1", "-1", "0"}:
            raise DataError(
                f"{path}: the row of {row[0]!r} (picture {number + 1}) has {len(row) - 1} values, expected "
                f"{len(names)} of -1 or 1"
            )
    values = np.array([[value == "1" for value in row[1:]] for row in rows], dtype=bool)
    columns = {name.lower(): values[:, place] for place, name in enumerate(names)} if len(rows) else {}
    return pd.DataFrame({"file": pd.Series([row[0] for row in rows], dtype="str"), **columns})


def _partition(root: Path) -> dict[str, str]:
    """File name -> split; empty where there is no partition file."""
    path = root / "list_eval_partition.txt"
    if path.is_file():
        rows = _lines(path)
    elif path.with_suffix(".csv").is_file():
        path = path.with_suffix(".csv")
        rows = read_table(path).to_numpy().tolist()
    else:
        return {}
    for number, row in enumerate(rows):
        if len(row) != 2 or row[1] not in _PARTITION:
            raise DataError(f"{path}, row {number + 1}: met {' '.join(row)!r}, expected a file name and 0, 1 or 2")
    return {row[0]: _PARTITION[row[1]] for row in rows}


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"CelebA table not found: {path}; --root is the folder that holds it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return [words for line in text.splitlines() if (words := line.split())]
