"""Which split a picture belongs to: by a hash of its name, whatever the order, the count or the machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from vaelab.errors import DataError

SPLITS = ("train", "val", "calibration", "test")

DEFAULT_FRACTIONS: Mapping[str, float] = {"train": 0.90, "val": 0.05, "test": 0.05}
HELD_OUT_CLASS_FRACTIONS: Mapping[str, float] = {
    "train": 0.44,
    "val": 0.05,
    "calibration": 0.33,
    "test": 0.18,
}
"""For non-faces: a threshold at 1 % false positives needs 10,000 calibration negatives, a third of 32,000."""

PHOTO_FRACTIONS: Mapping[str, float] = {"train": 0.33, "calibration": 0.45, "test": 0.22}
"""For photos without faces, by file name: a threshold at one false alarm in ten photos needs a hundred photos."""


def hash_fraction(key: str) -> float:
    """Where SHA-256 puts `key` in [0, 1): uniform over keys, the same everywhere."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64


def split_of(key: str, fractions: Mapping[str, float] = DEFAULT_FRACTIONS) -> str:
    """The split of the picture (or of the whole object class) called `key`.

    Adding or removing other pictures never moves this one. Splits always lie in the order of `SPLITS`,
    so that the order in which `fractions` was written does not matter either.

    Args:
        key: image id, or the name of the class that has to stay together.
        fractions: share of each split; they sum to 1.

    Raises:
        DataError: an unknown split, a negative share or a sum other than 1.
    """
    check_fractions(fractions)
    position = hash_fraction(key)
    edge = 0.0
    chosen = ""
    for split in SPLITS:
        share = fractions.get(split, 0.0)
        if share > 0.0:
            chosen = split
            edge += share
            if position < edge:
                break
    return chosen


def check_fractions(fractions: Mapping[str, float]) -> None:
    """Refuses shares that are not a partition of the whole.

    Raises:
        DataError: an unknown split, a negative share or a sum other than 1.
    """
    unknown = sorted(set(fractions) - set(SPLITS))
    if unknown:
        raise DataError(f"unknown split {unknown[0]!r}; the splits are {', '.join(SPLITS)}")
    if any(not share >= 0.0 for share in fractions.values()):
        raise DataError(f"split shares must be 0 or more, met {dict(fractions)}")
    total = sum(fractions.values())
    if abs(total - 1.0) > 1e-6:
        raise DataError(f"split shares must sum to 1, met {dict(fractions)} with sum {total:g}")
