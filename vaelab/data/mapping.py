"""Labels that a person makes of other labels, on record: nothing is ever mapped on our own account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaelab.errors import DataError

RESERVED = ("image_id", "is_face", "split", "split_key", "dataset")
_EXPECTED = '{"new column": {"from": "column", "values": {"old value": "new value", ...}}, ...}'


@dataclass(frozen=True)
class LabelMapping:
    """One new label column.

    Attributes:
        column: its name.
        source: the column it is made from.
        values: new value of each old one, compared as text; an old value that is not named becomes missing.
    """

    column: str
    source: str
    values: Mapping[str, str]


def read_mappings(written: Any) -> tuple[LabelMapping, ...]:
    """Mappings from JSON values: `{new column: {"from": column, "values": {old: new}}}`.

    Raises:
        DataError: names every fault of the structure.
    """
    if not isinstance(written, Mapping):
        raise DataError(f"label mappings are {type(written).__name__}; expected {_EXPECTED}")
    faults: list[str] = []
    mappings: list[LabelMapping] = []
    for column, about in written.items():
        fault = _fault(about)
        if fault:
            faults.append(f"{column!r} {fault}")
        else:
            mappings.append(LabelMapping(str(column), about["from"], dict(about["values"])))
    if faults:
        raise DataError(f"label mappings cannot be read: {'; '.join(faults)}; expected {_EXPECTED}")
    return tuple(mappings)


def written_mappings(mappings: Sequence[LabelMapping]) -> dict[str, Any]:
    """The JSON values that `read_mappings` reads."""
    return {item.column: {"from": item.source, "values": dict(item.values)} for item in mappings}


def mapped(labels: pd.DataFrame, mappings: Sequence[LabelMapping]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """`labels` with the new columns at their end, and a sentence on each for the record.

    The sentence says whose mapping it is, how many rows each new value got, and how many got none and why.

    Raises:
        DataError: names every unknown column, taken name and unknown old value of all mappings.
    """
    faults = [fault for place, item in enumerate(mappings) for fault in _misfits(labels, item, mappings[:place])]
    if faults:
        raise DataError(f"labels cannot be mapped: {'; '.join(faults)}")
    result = labels.copy()
    sentences: list[str] = []
    for item in mappings:
        old = _as_text(labels[item.source])
        result[item.column] = old.map(dict(item.values)).astype("str")
        sentences.append(_sentence(item, old))
    return result, tuple(sentences)


def _fault(about: Any) -> str:
    """What is wrong with one entry, or nothing."""
    if not isinstance(about, Mapping) or set(about) != {"from", "values"}:
        return "needs exactly `from` and `values`"
    if not isinstance(about["from"], str):
        return f"is made from {about['from']!r}, which is no column's name"
    values = about["values"]
    if not isinstance(values, Mapping) or not values:
        return "names no values"
    odd = [old for old, new in values.items() if not isinstance(old, str) or not isinstance(new, str) or not new]
    return f"maps {', '.join(map(repr, odd))} to what is no text" if odd else ""


def _misfits(labels: pd.DataFrame, item: LabelMapping, before: Sequence[LabelMapping]) -> list[str]:
    """Why one mapping does not fit the labels."""
    faults: list[str] = []
    if not item.column or item.column in RESERVED or item.column.startswith("_"):
        faults.append(f"{item.column!r} cannot name a label")
    if item.column in labels or item.column in [other.column for other in before]:
        faults.append(f"there is a column {item.column!r} already")
    if item.source not in labels or item.source.startswith("_"):
        there = ", ".join(str(name) for name in labels if not str(name).startswith("_") and name not in RESERVED)
        return [*faults, f"{item.column!r} is made from {item.source!r}, and there is no such column; met {there}"]
    known = set(_as_text(labels[item.source]).dropna())
    unknown = [old for old in item.values if old not in known]
    if unknown:
        shown = ", ".join(sorted(known)[:20])
        faults.append(f"{item.source} has no value {', '.join(map(repr, unknown))}; it has {shown}")
    return faults


def _as_text(values: pd.Series) -> pd.Series:
    """Each value as text, missing where it is."""
    text: pd.Series = values.map(str).astype("str")
    return text.where(values.notna())


def _sentence(item: LabelMapping, old: pd.Series) -> str:
    counts = old.value_counts()
    told = ", ".join(f"{before} as {after} ({counts[before]:,})" for before, after in item.values.items())
    unmapped = [f"{value} ({count:,})" for value, count in counts.items() if value not in item.values]
    if num_missing := int(old.isna().sum()):
        unmapped.append(f"no value ({num_missing:,})")
    left = f"; left without a value: {', '.join(unmapped)}" if unmapped else ""
    return (
        f"{item.column} was made from {item.source} by whoever prepared these data, not by vaelab: {told}{left}; "
        f"of {len(old):,} rows"
    )
