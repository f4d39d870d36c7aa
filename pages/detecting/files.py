"""What was found, as files: a row per face as CSV, everything as JSON."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from vaelab.detection.photographs import Result


def told_apart(found: Sequence[Result]) -> list[Result]:
    """The results, with a number behind each name that was there before: cameras call many photos alike."""
    told: dict[str, Result] = {}
    for result in found:
        numbered = (f"{result.name} ({number})" for number in itertools.count(2))
        name = next(name for name in itertools.chain([result.name], numbered) if name not in told)
        told[name] = dataclasses.replace(result, name=name)
    return list(told.values())


def csv_file(found: Sequence[Result]) -> bytes:
    """A row per face of every photo."""
    from vaelab.detection.photographs import columns, rows

    return pd.DataFrame(rows(told_apart(found)), columns=columns(found[0].detectors)).to_csv(index=False).encode()


def json_file(found: Sequence[Result]) -> bytes:
    """Everything that was found in every photo, with thresholds and settings."""
    return json.dumps([result.record() for result in told_apart(found)], indent=1).encode()
