"""The order in which people expect names: picture 10 after picture 9."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[object, ...]:
    """Sort key that reads digits by value, ignores case at first, and goes folder by folder."""
    return tuple(_part_key(part) for part in name.split("/"))


def _part_key(part: str) -> tuple[tuple[object, str], ...]:
    pieces = _DIGITS.split(part)  # text and digits in turn, so keys compare like with like
    return tuple((int(piece), piece) if place % 2 else (piece.lower(), piece) for place, piece in enumerate(pieces))
