"""PPB, the Pilot Parliaments Benchmark: 1,270 portraits of members of six parliaments, by gender and skin tone."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from vaelab.data.manifest import Rejected
from vaelab.data.ordering import natural_key
from vaelab.data.sources.base import Listing, Source, existing, unlike_published
from vaelab.data.sources.files import FileIndex, FilesReader, files_reader, index_files
from vaelab.data.sources.tables import find_column, read_table
from vaelab.errors import DataError

TABLE_NAME = "PPB-2017-metadata.csv"
GENDERS = ("Female", "Male")
SKIN_TONES = ("darker", "lighter")
COUNTRIES = ("Finland", "Iceland", "Rwanda", "Senegal", "South Africa", "Sweden")
PUBLISHED = {"DF": 271, "DM": 318, "LF": 295, "LM": 386}
"""Portraits by group, 1,270 in all: the first letter is the skin tone, the second the gender."""

_ALIASES = {
    "filename": ("filename", "file_name", "file", "image", "img", "path"),
    "gender": ("gender", "sex"),
    "skin tone": ("bi_fitz", "bifitz", "skin_tone", "skin", "skin_color"),
    "country": ("country",),
}
_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".jp2")


@dataclass(frozen=True)
class Ppb(Source):
    """PPB in its published layout: `PPB-2017-metadata.csv` with `imgs/` beside it.

    The table is read whatever its line ends (the original's are CR alone), byte-order mark, names of columns
    (`bi.fitz`, `bi_fitz`) and case of values; a picture is found by its name whatever its case and suffix. All are test
    pictures. Attributes: `gender`, `skin_tone`, `country`, and `group`, the four groups of the published results.

    Source: Buolamwini and Gebru, Gender Shades, FAT* 2018. Gender is read off names, titles and looks; skin tone is
    the Fitzpatrick type, set by a dermatologist, in two halves: I to III lighter, IV to VI darker.

    Attributes:
        root: the folder PPB-2017, or one that holds it.
        csv: the table, where it lies elsewhere or goes by another name.
        crop: which square of a portrait is kept.
    """

    name: ClassVar[str] = "ppb"
    summary: ClassVar[str] = "PPB, Pilot Parliaments Benchmark: PPB-2017-metadata.csv with imgs/ beside it"
    licence: ClassVar[str] = (
        "Pilot Parliaments Benchmark (Buolamwini and Gebru, Gender Shades, 2018): by request from its authors, for "
        "research only; neither the portraits nor this data set may be passed on"
    )
    values: ClassVar[Mapping[str, Sequence[str]]] = {
        "gender": GENDERS,
        "skin_tone": SKIN_TONES,
        "country": COUNTRIES,
    }
    published_counts: ClassVar[Mapping[str, Mapping[str, int]]] = {"group": PUBLISHED}

    root: Path
    csv: Path | None = None
    crop: str = "centre-square"

    def listing(self) -> Listing:
        """Joins the table with the pictures.

        Rejected, with every reason that a row has: rows without a picture or with several, values that are no gender
        or skin tone, rows that repeat or contradict another one, pictures without a row.
        """
        path = existing(self.csv, "table") if self.csv else _table_path(existing(self.root, "PPB folder"))
        rows = _rows(read_table(path), path)
        index = index_files(self.root)
        pictures = _by_lower_name(index)
        found = [_picture(file, pictures) for file in rows["file"]]
        reasons = _value_reasons(rows)
        for place, names in enumerate(found):
            if len(names) != 1:
                met = ", ".join(names)
                reasons[place].append(f"several files go by this name: {met}" if names else "no such file")
        _mark_repeated(rows, found, reasons)
        rejected = [Rejected(file, reason) for file, own in zip(rows["file"], reasons, strict=True) for reason in own]
        claimed = {name for names in found for name in names}
        rejected += [
            Rejected(name, "no row in the table")
            for name in index.sorted_names()
            if name not in claimed and name.lower().endswith(_PICTURE_SUFFIXES)
        ]
        kept = [place for place, own in enumerate(reasons) if not own]
        names = [found[place][0] for place in kept]
        labels = rows.loc[kept, ["gender", "skin_tone", "country"]].reset_index(drop=True)
        records = pd.concat([_contract(names), labels, index.table(names)], axis=1)
        records.insert(6, "group", _initial(labels["skin_tone"]) + _initial(labels["gender"]))
        notes = [
            f"{difference}; figures for it cannot be set beside published ones as they stand"
            for difference in unlike_published(self, records)
        ]
        if labels["country"].isna().all():
            notes.append(f"{path.name} has no column of countries")
        return Listing(records, (*rejected, *index.rejected), tuple(notes))

    @contextmanager
    def reader(self) -> Iterator[FilesReader]:
        """Opens the folder."""
        with files_reader([self.root], self.crop) as reader:
            yield reader


def _table_path(root: Path) -> Path:
    """The published table in the folder or one level below, by its name in any case; else the folder's only CSV."""
    candidates = [
        path
        for pattern in ("*", "*/*")
        for path in sorted(root.glob(pattern))
        if path.suffix.lower() == ".csv" and not path.name.startswith(".")
    ]
    named = [path for path in candidates if path.name.lower() == TABLE_NAME.lower()]
    if named:
        return named[0]
    if len(candidates) == 1:
        return candidates[0]
    raise DataError(f"{root} holds no {TABLE_NAME}, and {len(candidates)} other CSV files; name the table with --csv")


def _rows(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """`file`, `gender`, `skin_tone` and `country` of every row: known values as published, others as written.

    Raises:
        DataError: names all columns that are missing.
    """
    columns = {wanted: find_column(table, aliases, path) for wanted, aliases in _ALIASES.items()}
    missing = [wanted for wanted, column in columns.items() if column is None and wanted != "country"]
    if missing:
        expected = "; ".join(f"{wanted} as {', '.join(_ALIASES[wanted])}" for wanted in missing)
        raise DataError(
            f"{path} has no column for {', '.join(missing)}; met {', '.join(map(str, table.columns))}; "
            f"expected {expected}"
        )
    country = table[columns["country"]] if columns["country"] else pd.Series("", index=table.index, dtype="str")
    return pd.DataFrame(
        {
            "file": table[columns["filename"]].str.strip().str.replace("\\", "/"),
            "gender": _as_published(table[columns["gender"]], GENDERS),
            "skin_tone": _as_published(table[columns["skin tone"]], SKIN_TONES),
            "country": _as_published(country, COUNTRIES),
        }
    )


def _as_published(written: pd.Series, values: Sequence[str]) -> pd.Series:
    """Values in their published spelling whatever the case of the letters; empty ones missing, others as they are."""
    spelling = {value.lower(): value for value in values}
    text = written.str.strip()
    plain = text.str.lower().str.replace(r"[_-]", " ", regex=True)
    known: pd.Series = plain.map(spelling).fillna(text)
    return known.where(text != "").astype("str")


def _by_lower_name(index: FileIndex) -> dict[str, list[str]]:
    """Paths of the container by file name in lower case, with its suffix and without."""
    names: dict[str, list[str]] = {}
    for name in sorted(index.files, key=natural_key):
        lower = posixpath.basename(name).lower()
        stem, suffix = posixpath.splitext(lower)
        if suffix in _PICTURE_SUFFIXES:
            names.setdefault(lower, []).append(name)
            names.setdefault(stem, []).append(name)
    return names


def _picture(file: str, pictures: Mapping[str, list[str]]) -> list[str]:
    """The picture that a row names: that of the very path, else of the name, else of the name with another suffix."""
    lower = posixpath.basename(file).lower()
    stem, suffix = posixpath.splitext(lower)
    named = pictures.get(lower) or (pictures.get(stem) if suffix in _PICTURE_SUFFIXES else None) or []
    exact = [name for name in named if name == file or name.endswith("/" + file)]
    return exact if len(exact) == 1 else named


def _value_reasons(rows: pd.DataFrame) -> list[list[str]]:
    """For each row what is wrong with its gender and its skin tone."""
    reasons: list[list[str]] = [[] for _ in range(len(rows))]
    for column, values in (("gender", GENDERS), ("skin_tone", SKIN_TONES)):
        for place, value in enumerate(rows[column]):
            if pd.isna(value):
                reasons[place].append(f"no {column.replace('_', ' ')}")
            elif value not in values:
                reasons[place].append(f"unknown {column.replace('_', ' ')}: {value!r}")
    return reasons


def _mark_repeated(rows: pd.DataFrame, found: Sequence[list[str]], reasons: list[list[str]]) -> None:
    """Adds a reason to rows that name a picture again: to the later ones, or to all where their labels differ."""
    by_picture: dict[str, list[int]] = {}
    for place, names in enumerate(found):
        if len(names) == 1:
            by_picture.setdefault(names[0], []).append(place)
    for name, places in by_picture.items():
        if len(places) < 2:
            continue
        told = rows.loc[places, ["gender", "skin_tone", "country"]].fillna("").drop_duplicates()
        for place in places if len(told) > 1 else places[1:]:
            reasons[place].append(
                f"rows contradict each other: {len(places)} of them about {name}"
                if len(told) > 1
                else f"row repeated: {name} has one already"
            )


def _contract(names: Sequence[str]) -> pd.DataFrame:
    """The columns that every listing has."""
    image_ids = pd.Series(list(names), dtype="str")
    return pd.DataFrame(
        {
            "image_id": image_ids,
            "is_face": np.ones(len(names), dtype=bool),
            "split": pd.Series(["test"] * len(names), dtype="str"),
            "split_key": image_ids,
        }
    )


def _initial(values: pd.Series) -> pd.Series:
    return values.str[0].str.upper()
