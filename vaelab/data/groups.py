"""Groups of people (or things) by their labels: one object for sampling, training and reporting.

A number about a group is worth what its size allows: each carries its count and what may be said of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal, final

import numpy as np

from vaelab.data.ordering import natural_key
from vaelab.errors import DataError

if TYPE_CHECKING:  # whoever has a table has it already; a page's start has none
    import pandas as pd

Standing = Literal["counts only", "greyed", "wide", "full"]

MIN_SHOWN, MIN_SUMMARISED, MIN_NARROW = 10, 30, 100
"""Below the first a group shows its count alone, below the second it is greyed and left out of summaries,
below the third its intervals are marked wide."""
MAX_VALUES = 64
"""A column with more different values is a quantity or a name, not a grouping."""

MISSING_WORDS = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null")
"""How tables say that a label is missing. `None` is a label: some wear glasses, others none."""

ABOUT_THE_FILE = frozenset({"image_id", "split", "dataset", "is_face", "service_test"})
"""Columns that say where a picture is from and what it is for, and never make a group."""
YES, NO = "True", "False"
"""Names of the two groups of a yes-or-no label."""


def group_columns(labels: pd.DataFrame) -> list[str]:
    """The label columns that sort pictures into groups unasked: words, two to MAX_VALUES different ones.

    Ids and quantities are none; a quantity can be cut into ranges first. Nor are yes-or-no labels, of which CelebA has
    forty: `choosable_columns` offers them.
    """
    return _sorting(labels, _holds_words)


def choosable_columns(labels: pd.DataFrame) -> list[str]:
    """The label columns that somebody may choose groups by: those of `group_columns`, then the yes-or-no labels."""
    return [*group_columns(labels), *_sorting(labels, _is_yes_or_no)]


def _sorting(labels: pd.DataFrame, is_wanted: Callable[[pd.Series], bool]) -> list[str]:
    wanted = [str(name) for name in labels.columns if name not in ABOUT_THE_FILE and is_wanted(labels[name])]
    return [name for name in wanted if 2 <= labels[name].nunique() <= MAX_VALUES]


def _holds_words(column: pd.Series) -> bool:
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype | pd.CategoricalDtype):
        return True  # without a look at its values, which may be millions
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "string"


def _is_yes_or_no(column: pd.Series) -> bool:
    import pandas as pd

    if column.dtype == object:  # booleans, some of them missing
        return pd.api.types.infer_dtype(column, skipna=True) == "boolean"
    return pd.api.types.is_bool_dtype(column)


def grouped(tables: Iterable[pd.DataFrame], column: str) -> Grouping | None:
    """`Grouping.of` one column of tables that stand one below the other, with a byte a row; they need not be in memory
    together. None where `choosable_columns` would not name the column.
    """
    values: list[str] = []
    parts = [np.zeros(0, np.int8)]
    for table in tables:
        if table[column].isna().all():  # of whatever type: a data set without this label
            parts.append(np.full(len(table), -1, np.int8))
            continue
        if not (_holds_words(table[column]) or _is_yes_or_no(table[column])) or table[column].nunique() > MAX_VALUES:
            return None
        mine, codes = _values_and_codes(table, column)
        values += [value for value in mine if value not in values]
        if len(values) > MAX_VALUES:
            return None
        parts.append(np.array([*map(values.index, mine), -1], np.int8)[codes])
    if len(values) < 2:
        return None
    names = sorted(values, key=natural_key)
    keys = np.array([*map(names.index, values), -1], np.int8)[np.concatenate(parts)]
    counts = np.bincount(keys + 1, minlength=len(names) + 1)[1:]
    groups = tuple(Group(name, (name,), int(count)) for name, count in zip(names, counts, strict=True))
    return Grouping((column,), groups, keys)


def standing_of(count: int) -> Standing:
    """What may be said about a group of `count` pictures."""
    if count < MIN_SHOWN:
        return "counts only"
    if count < MIN_SUMMARISED:
        return "greyed"
    return "wide" if count < MIN_NARROW else "full"


@dataclass(frozen=True)
class Group:
    """One group: its name (`Female, White`), its value per column, and how many pictures it has."""

    name: str
    values: tuple[str, ...]
    count: int

    @property
    def standing(self) -> Standing:
        """What its size allows to be said."""
        return standing_of(self.count)

    @property
    def is_summarised(self) -> bool:
        """Whether it takes part in worst group, gap and variance."""
        return self.count >= MIN_SUMMARISED


@final
@dataclass(frozen=True, eq=False)
class Grouping:
    """The rows of a labels table, sorted into groups.

    Attributes:
        columns: the label columns whose values make a group; none makes one group of all rows.
        groups: every combination of values, naturally sorted, also those that no row has (count 0).
        keys: (n,) integers; place in `groups` of each row, -1 where one of the columns is missing.
    """

    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    keys: np.ndarray

    @staticmethod
    def of(labels: pd.DataFrame, columns: Sequence[str]) -> Grouping:
        """Groups the rows of `labels` by the values of `columns`, crossed where there are several.

        Raises:
            DataError: an unknown or repeated column, or one with more than 64 different values.
        """
        columns = tuple(columns)
        if len(set(columns)) != len(columns):
            raise DataError(f"columns to group by are repeated: {', '.join(columns)}")
        keys = np.zeros(len(labels), dtype=np.int64)
        values_by_column: list[list[str]] = []
        for column in columns:
            values, codes = _values_and_codes(labels, column)
            known = (keys >= 0) & (codes >= 0)
            keys = np.where(known, keys * len(values) + codes, -1)
            values_by_column.append(values)
        combinations = list(product(*values_by_column))
        counts = np.bincount(keys[keys >= 0], minlength=len(combinations))
        groups = tuple(
            Group(", ".join(values) or "all", values, int(count))
            for values, count in zip(combinations, counts, strict=True)
        )
        return Grouping(columns, groups, keys)

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups."""
        return tuple(group.name for group in self.groups)

    @property
    def counts(self) -> np.ndarray:
        """(groups,) int64 rows in each group."""
        return np.array([group.count for group in self.groups], dtype=np.int64)

    @property
    def num_ungrouped(self) -> int:
        """Rows in no group, because a label is missing."""
        return int((self.keys < 0).sum())

    def rows(self, name: str) -> np.ndarray:
        """Row numbers (int64, ascending) of one group.

        Raises:
            DataError: there is no such group.
        """
        if name not in self.names:
            raise DataError(f"no group {name!r} by {', '.join(self.columns)}; the groups are {'; '.join(self.names)}")
        return np.flatnonzero(self.keys == self.names.index(name))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """(groups,) float64 mean of `values` (n,) in each group; NaN in an empty one.

        Raises:
            DataError: `values` is not one number per row.
        """
        if values.shape != self.keys.shape:
            raise DataError(f"expected one value for each of {len(self.keys)} rows, met shape {values.shape}")
        grouped = self.keys >= 0
        sums = np.bincount(self.keys[grouped], weights=values[grouped].astype(np.float64), minlength=len(self.groups))
        counts = self.counts
        return np.asarray(np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0))

    def table(self) -> pd.DataFrame:
        """One row per group: a column per label, `group`, `count`, `share` of the grouped rows, `standing`."""
        import pandas as pd

        total = max(1, int(self.counts.sum()))
        columns = {column: [group.values[place] for group in self.groups] for place, column in enumerate(self.columns)}
        return pd.DataFrame(
            {
                **columns,
                "group": list(self.names),
                "count": self.counts,
                "share": self.counts / total,
                "standing": [group.standing for group in self.groups],
            }
        )


def _values_and_codes(labels: pd.DataFrame, column: str) -> tuple[list[str], np.ndarray]:
    """Different values of a column as text, naturally sorted, and each row's place among them or -1."""
    import pandas as pd

    if column not in labels:
        raise DataError(f"no label column {column!r}; there are {', '.join(map(str, labels.columns))}")
    codes, uniques = pd.factorize(labels[column])
    if len(uniques) > MAX_VALUES:
        raise DataError(
            f"column {column!r} has {len(uniques)} different values, at most {MAX_VALUES} make a grouping; "
            "cut a quantity into ranges first"
        )
    texts = [str(value) for value in uniques]
    order = sorted(range(len(texts)), key=lambda place: natural_key(texts[place]))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return [texts[place] for place in order], np.where(codes < 0, -1, ranks[codes] if len(ranks) else -1)
