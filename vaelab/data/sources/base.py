"""What every source of pictures is: a listing, made before any pixel is decoded, and a reader of batches."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd

from vaelab.data.manifest import Rejected
from vaelab.data.splits import DEFAULT_FRACTIONS
from vaelab.errors import DataError

UNKNOWN_LICENCE = "terms unknown: ask whoever made the pictures before sharing them"


@dataclass(frozen=True)
class Listing:
    """All pictures of a source in its own order, with what is known about them.

    Attributes:
        records: one row per picture. Columns: `image_id` (unique text), `is_face` (bool), `split` (the
            official one, or missing), `split_key` (what is hashed into a split where no official one is
            given: the image id, or the class that has to stay together), then the attributes. A column whose
            name starts with an underscore tells the source's own reader where the picture lies and does not
            reach the store.
        rejected: what was left out already; a picture with two faults stands there twice, once for each reason. What
            comes before the first colon of a reason is the kind of fault.
        notes: warnings for the manifest.
        unlisted: files of any kind that the source's table does not name, where it has one.
    """

    records: pd.DataFrame
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads pictures of one source; lives in one process, with its files open."""

    def read(self, records: pd.DataFrame, size: int) -> Sequence[np.ndarray | str]:
        """One entry per record: (size, size, 3) uint8 RGB, or the reason why there is none."""


@dataclass(frozen=True)
class Source(ABC):
    """A family of picture collections. Instances are small and pickle: every worker process opens its own."""

    name: ClassVar[str]
    """Key in `SOURCES`, word on the command line."""
    summary: ClassVar[str]
    """One line for the command line's help."""
    store_stem: ClassVar[str] = ""
    """Beginning of the default name of its stores where that is not `name`: `nonfaces` of `nonfaces-64`."""
    licence: ClassVar[str] = UNKNOWN_LICENCE
    fractions: ClassVar[Mapping[str, float]] = DEFAULT_FRACTIONS
    """Shares of the splits for pictures without an official one."""
    values: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Label columns with all values that they were published with."""
    published_counts: ClassVar[Mapping[str, Mapping[str, int]]] = {}
    """Label columns with the number of pictures of each value in the whole collection, as published."""

    @property
    def crop_name(self) -> str:
        """The crop, as the manifest states it."""
        return str(getattr(self, "crop", "whole"))

    @abstractmethod
    def listing(self) -> Listing:
        """Finds all pictures and their labels.

        Raises:
            DataError: the source is missing or is not what it claims to be.
        """

    @abstractmethod
    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Opens the source for reading pictures; closed at the end of the `with` block."""

    def licence_line(self) -> str:
        """Terms and whom to credit, in one line."""
        return self.licence

    def identity(self) -> str:
        """What decides the pictures besides the listing; by default nothing."""
        return ""

    def settings(self) -> dict[str, Any]:
        """The source's parameters as JSON values, for the manifest."""
        return {item.name: _plain(getattr(self, item.name)) for item in dataclasses.fields(self)}


def _plain(value: Any) -> Any:
    """A parameter as a JSON value."""
    if isinstance(value, Path):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value


def existing(path: Path, what: str, hint: str = "") -> Path:
    """The path itself, after checking that it exists.

    Raises:
        DataError: it does not.
    """
    if not path.exists():
        raise DataError(f"{what} not found: {path}" + (f"; {hint}" if hint else ""))
    return path


def unlike_published(source: Source, records: pd.DataFrame) -> list[str]:
    """Where the counts of a listing differ from the published ones, one phrase for each value."""
    differences: list[str] = []
    for column, published in source.published_counts.items():
        here = records[column].value_counts()
        differences += [
            f"{column} {value}: {here.get(value, 0):,} pictures here, {count:,} published"
            for value, count in published.items()
            if here.get(value, 0) != count
        ]
    return differences


def check_records(records: pd.DataFrame, source: str) -> None:
    """Refuses listings that would make a wrong store.

    Raises:
        DataError: no picture at all, or one image id twice.
    """
    if records.empty:
        raise DataError(f"the source {source!r} has no picture that could be read")
    twice = records["image_id"][records["image_id"].duplicated()]
    if len(twice):
        shown = ", ".join(repr(str(name)) for name in twice.unique()[:5])
        raise DataError(
            f"{twice.nunique()} image ids of the source {source!r} occur more than once: {shown}; "
            "every picture needs a name of its own, so remove the repeated rows or files"
        )
