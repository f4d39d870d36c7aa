"""Yes-or-no attributes of faces, from whatever columns a labels table has."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vaelab.data.ordering import natural_key

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("logistic", "mean")
"""How an attribute's direction is learned: the normal of a logistic regression, or the difference of two means."""
MIN_FACES = 30
"""An attribute with fewer faces on either side is not learned: its AUC would say nothing."""
MAX_VALUES = 12
"""Words with more different values name things rather than sort faces."""
MAX_KEY = 60
"""Letters of a key; a link takes no more."""
NOT_ATTRIBUTES = {"image_id", "split", "dataset", "is_face", "object_class", "service_test"}
"""About the file or the collection, not about the face."""
YES = {"yes", "true", "1"}
NO = {"no", "false", "0", "-1"}


@dataclass(frozen=True, eq=False)
class Attribute:
    """One question about a face, and its answer for each row of a table.

    Attributes:
        key: unique, at most MAX_KEY long, and safe in an address: lower-case letters, digits and `-`.
        name: for people, such as `Race: Black`.
        positive, negative: the values that count as yes and as no, in words.
        answers: (rows,) float32; 1 yes, 0 no, NaN unknown.
    """

    key: str
    name: str
    positive: str
    negative: str
    answers: np.ndarray

    @property
    def counts(self) -> tuple[int, int]:
        """Faces that answer yes, and no."""
        return int((self.answers == 1).sum()), int((self.answers == 0).sum())


def attributes_of(labels: pd.DataFrame) -> list[Attribute]:
    """The attributes in a labels table, column by column.

    Yes-or-no columns give one each; so do quantities (above the median against below) and ordered ranges such as
    ages (cut where the halves are most equal). Other words give one for each value against all others. Attributes
    with fewer than MIN_FACES on either side are left out.
    """
    every = itertools.chain.from_iterable(_by_column(labels).values())
    return [attribute for attribute in every if min(attribute.counts) >= MIN_FACES]


def not_learned(labels: pd.DataFrame, learned: Container[str]) -> list[str]:
    """Why columns and attributes of a labels table are not among the keys `learned`, a sentence for each."""
    told = []
    for column, attributes in _by_column(labels).items():
        count = labels[column].nunique()
        if count == 1:
            told.append(f"{column}: all faces whose value is known have the same")
        elif count and not attributes:
            told.append(f"{column}: {count:,} different words, and more than {MAX_VALUES} do not sort faces")
        for attribute in attributes:
            if attribute.key not in learned:
                yes, no = attribute.counts
                told.append(f"{attribute.name}: {yes:,} faces against {no:,} are too few")
    return told


def held_out_by_id(image_ids: pd.Series, share: float) -> np.ndarray:
    """(rows,) bool: about `share` of the rows, chosen by a hash of their id, so the same in every table."""
    hashes = np.array([zlib.crc32(str(image_id).encode()) for image_id in image_ids], dtype=np.float64)
    return np.asarray(hashes / 2.0**32 < share)


def is_quantity(values: pd.Series) -> bool:
    """Whether a label column measures something: numbers, whole or not, with more than MAX_VALUES different ones."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype  # whoever has a table has it; a page's start has none

    return is_numeric_dtype(values) and not is_bool_dtype(values) and values.nunique() > MAX_VALUES


def _by_column(labels: pd.DataFrame) -> dict[str, list[Attribute]]:
    """All attributes of each column; those whose key an earlier one has get a number: `blood-a`, `blood-a-2`."""
    taken: set[str] = set()
    return {
        str(column): [_told_apart(attribute, taken) for attribute in _of_column(str(column), labels[column])]
        for column in labels.columns
        if str(column) not in NOT_ATTRIBUTES
    }


def _told_apart(attribute: Attribute, taken: set[str]) -> Attribute:
    key, number = attribute.key, 1
    while key in taken:
        number += 1
        key = f"{attribute.key[: MAX_KEY - len(str(number)) - 1]}-{number}"
    taken.add(key)
    return replace(attribute, key=key)


def _of_column(column: str, values: pd.Series) -> list[Attribute]:
    name = column.replace("_", " ").strip().capitalize()
    if is_quantity(values):
        middle = float(values.median())
        answers = (values.astype(float) > middle).astype(np.float32).where(values.notna())
        shown = f"{middle:.3g}" if abs(middle) < 1000 else f"{middle:.0f}"
        return [_attribute(column, name, f"above {shown}", f"{shown} or below", answers)]
    texts = values.astype("string")
    levels = sorted(texts.dropna().unique().tolist(), key=natural_key)
    if not 2 <= len(levels) <= MAX_VALUES:
        return []
    yes, no = ([level for level in levels if level.lower() in words] for words in (YES, NO))
    if len(levels) == 2 and len(yes) == len(no) == 1:
        return [_attribute(column, name, "yes", "no", _against(texts, yes, no))]
    if len(levels) == 2:
        return [_attribute(f"{column} {levels[1]}", f"{name}: {levels[1]}", levels[1], levels[0],
                           _against(texts, levels[1:], levels[:1]))]  # fmt: skip
    if _are_ranges(levels):
        return [_of_ranges(column, name, texts)]
    return [
        _attribute(
            f"{column} {level}", f"{name}: {level.replace('_', ' ')}", level, "any other",
            _against(texts, [level], [other for other in levels if other != level]),
        )
        for level in levels
    ]  # fmt: skip


def _attribute(key: str, name: str, positive: str, negative: str, answers: pd.Series) -> Attribute:
    slug = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:MAX_KEY].strip("-") or f"{zlib.crc32(key.encode()):08x}"
    return Attribute(slug, name, positive, negative, answers.to_numpy(dtype=np.float32, na_value=np.nan))


def _against(texts: pd.Series, yes: list[str], no: list[str]) -> pd.Series:
    return texts.map({**dict.fromkeys(no, 0.0), **dict.fromkeys(yes, 1.0)}).astype("Float32")


def _are_ranges(levels: list[str]) -> bool:
    """Whether every value speaks of a number: 3-9, 10-19, more than 70."""
    return all(re.search(r"\d", level) for level in levels)


def _of_ranges(column: str, name: str, texts: pd.Series) -> Attribute:
    """Older against younger, and the like: cut between the two ranges that halve the faces best."""
    order = sorted(texts.dropna().unique().tolist(), key=_first_number)
    sizes = texts.value_counts().reindex(order).to_numpy(dtype=float)
    below = np.cumsum(sizes)[:-1]
    cut = int(np.argmin(np.abs(below - sizes.sum() / 2))) + 1
    answers = _against(texts, order[cut:], order[:cut])
    return _attribute(column, name, f"{order[cut]} and above", f"{order[cut - 1]} and below", answers)


def _first_number(level: str) -> tuple[float, bool]:
    """Sort key of a range: its first number; `more than 70` comes after `60-69` and after a plain 70."""
    number = re.search(r"\d+(\.\d+)?", level)
    assert number is not None
    return float(number.group()), not level[0].isdigit()
