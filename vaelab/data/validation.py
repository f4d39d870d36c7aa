"""Everything that is wrong with a source of pictures, found in one go and before anything is prepared."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from vaelab.data.mapping import LabelMapping, mapped
from vaelab.data.prepare import Progress, splits_of
from vaelab.data.sources.base import Listing, Source, unlike_published
from vaelab.data.sources.files import FilesReader
from vaelab.errors import DataError
from vaelab.wording import counted

Effect = Literal["blocks", "left out", "kept"]
"""`blocks`: nothing can be prepared until it is mended. `left out`: preparing goes on without these. `kept`: they are
prepared as they are; look at them."""

NUM_EXAMPLES = 5
_EFFECTS: tuple[Effect, ...] = ("blocks", "left out", "kept")
_CHUNK = 64
_CONTRACT = ("image_id", "is_face", "split", "split_key")


@dataclass(frozen=True)
class Problem:
    """One kind of fault.

    Attributes:
        kind: what is wrong, in a few words.
        effect: what becomes of it when the source is prepared.
        count: how often it was met.
        examples: the first few, by name, with what was met there.
    """

    kind: str
    effect: Effect
    count: int
    examples: tuple[str, ...]

    @property
    def severity(self) -> Literal["blocks", "warns"]:
        """Whether it stops a preparation."""
        return "blocks" if self.effect == "blocks" else "warns"


@dataclass(frozen=True)
class Validation:
    """What was found in a source.

    Attributes:
        source: its name in `SOURCES`.
        num_listed: pictures that it names and labels.
        num_usable: those of them that can be decoded; None where they were not tried.
        problems: what blocks first, then the most frequent first.
    """

    source: str
    num_listed: int
    num_usable: int | None
    problems: tuple[Problem, ...]

    @property
    def blocks(self) -> bool:
        """Whether nothing can be prepared from it as it is."""
        return any(problem.effect == "blocks" for problem in self.problems)

    def summary(self) -> str:
        """One sentence: how many pictures, how many problems, and whether it can be prepared."""
        usable = "" if self.num_usable is None else f", {self.num_usable:,} of them usable"
        verdict = "it cannot be prepared as it is" if self.blocks else "it can be prepared"
        kinds = len(self.problems)
        found = f"{counted(kinds, 'kind')} of problems" if kinds else "no problem"
        return f"{self.source}: {counted(self.num_listed, 'picture')} listed{usable}; {found}; {verdict}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        problems = [{"severity": item.severity, **dataclasses.asdict(item)} for item in self.problems]
        return {**dataclasses.asdict(self), "blocks": self.blocks, "problems": problems}


def validate(
    source: Source,
    *,
    size: int = 64,
    decode: bool = True,
    progress: Progress | None = None,
    mappings: Sequence[LabelMapping] = (),
) -> Validation:
    """All problems of a source at once; raises nothing about its pictures or tables.

    Args:
        size: side of the pictures that are wanted, pixels; smaller ones would be enlarged.
        decode: whether to decode every picture, which finds the damaged, repeated and small ones.
        progress: called with pictures done and in all, and 0.0 for the speed.
        mappings: labels that are to be made of the source's own.
    """
    try:
        listing = source.listing()
    except DataError as error:
        return Validation(source.name, 0, None, (Problem("it cannot be read", "blocks", 1, (str(error),)),))
    records = listing.records.reset_index(drop=True)
    problems = [*_rejected(listing), *_ids(records), *_labels(source, records), *_mappings(records, mappings)]
    num_usable = None
    if decode:
        seen = list(_pictures(source, records, size, progress))
        num_usable = len(records) - sum(problem.count for problem in seen if problem.effect == "left out")
        problems += seen
    if num_usable == 0 or records.empty:
        problems.append(Problem("no picture can be used", "blocks", 1, ()))
    ordered = sorted(problems, key=lambda problem: (_EFFECTS.index(problem.effect), -problem.count, problem.kind))
    return Validation(source.name, len(records), num_usable, tuple(ordered))


def _rejected(listing: Listing) -> Iterator[Problem]:
    """What the source left out already, and files that no row names."""
    yield from _by_kind([(item.image_id, item.reason) for item in listing.rejected])
    if listing.unlisted:
        yield Problem("no row in the table", "left out", len(listing.unlisted), listing.unlisted[:NUM_EXAMPLES])


def _by_kind(reasons: Sequence[tuple[str, str]]) -> Iterator[Problem]:
    """Names with reasons such as `too small: 5x5`, gathered by what stands before the colon."""
    examples: dict[str, list[str]] = {}
    for name, reason in reasons:
        kind, _, detail = reason.partition(": ")
        examples.setdefault(kind, []).append(f"{name} ({detail})" if detail else name)
    for kind, names in examples.items():
        yield Problem(kind, "left out", len(names), tuple(names[:NUM_EXAMPLES]))


def _ids(records: pd.DataFrame) -> Iterator[Problem]:
    """Names that more than one picture bears; `prepare` refuses them."""
    again = records["image_id"][records["image_id"].duplicated()]
    if len(again):
        yield Problem("two pictures by one name", "blocks", len(again), tuple(again.unique()[:NUM_EXAMPLES]))


def _labels(source: Source, records: pd.DataFrame) -> Iterator[Problem]:
    """Labels that are missing, values that were never published, counts that are not the published ones."""
    for column in records.columns:
        if column in _CONTRACT or str(column).startswith("_"):
            continue
        missing = records["image_id"][records[column].isna()]
        if len(missing):
            yield Problem(f"no {column}", "kept", len(missing), tuple(missing[:NUM_EXAMPLES]))
        published = source.values.get(str(column))
        if published is None:
            continue
        odd = records[records[column].notna() & ~records[column].isin(list(published))]
        if len(odd):
            examples = [f"{name} ({value!r})" for name, value in zip(odd["image_id"], odd[column], strict=True)]
            yield Problem(f"unknown {column}", "kept", len(odd), tuple(examples[:NUM_EXAMPLES]))
    differences = unlike_published(source, records)
    if differences:  # all of them: a table of groups with holes would mislead
        yield Problem("counts unlike the published ones", "kept", len(differences), tuple(differences))


def _mappings(records: pd.DataFrame, mappings: Sequence[LabelMapping]) -> Iterator[Problem]:
    """Mappings that do not fit the labels."""
    try:
        mapped(records, mappings)
    except DataError as error:
        yield Problem("labels cannot be mapped", "blocks", 1, (str(error),))


def _pictures(source: Source, records: pd.DataFrame, size: int, progress: Progress | None) -> Iterator[Problem]:
    """Pictures that cannot be decoded, that are the same to the pixel, and that are smaller than wanted."""
    undecodable: list[tuple[str, str]] = []
    repeated: list[str] = []
    leaked: list[str] = []
    small: list[str] = []
    first: dict[bytes, tuple[str, str]] = {}
    splits = splits_of(records, source.fractions)
    with source.reader() as reader:
        for start in range(0, len(records), _CHUNK):
            if progress is not None:
                progress(start, len(records), 0.0)
            part = records.iloc[start : start + _CHUNK]
            where = splits.iloc[start : start + _CHUNK]
            sides = reader.dimensions(part) if isinstance(reader, FilesReader) else [None] * len(part)
            pictures = reader.read(part, size)
            for name, split, picture, shape in zip(part["image_id"], where, pictures, sides, strict=True):
                if isinstance(picture, str):
                    undecodable.append((name, picture))
                    continue
                digest = _digest(picture)
                known, its_split = first.setdefault(digest, (name, split))
                if known != name:
                    repeated.append(f"{name} (the same as {known})")
                if its_split != split:
                    leaked.append(f"{name} in {split}, {known} in {its_split}")
                if shape is not None and min(shape) < size:
                    small.append(f"{name} ({shape[0]}x{shape[1]})")
    if progress is not None:
        progress(len(records), len(records), 0.0)
    yield from _by_kind(undecodable)
    if repeated:
        yield Problem("the same picture again", "kept", len(repeated), tuple(repeated[:NUM_EXAMPLES]))
    if leaked:
        yield Problem("the same picture in two splits", "kept", len(leaked), tuple(leaked[:NUM_EXAMPLES]))
    if small:
        yield Problem(f"sides under {size} pixels", "kept", len(small), tuple(small[:NUM_EXAMPLES]))


def _digest(picture: np.ndarray) -> bytes:
    return hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
