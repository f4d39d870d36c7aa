"""What was found, as files: a row per face as CSV, everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from vaelab.detection.photographs import Result


def csv_file(found: Sequence[Result]) -> bytes:
    """A row per face of every photo."""
    from vaelab.detection.photographs import columns, rows

    return pd.DataFrame(rows(found), columns=columns(found[0].detectors)).to_csv(index=False).encode()


def json_file(found: Sequence[Result]) -> bytes:
    """Everything that was found in every photo, with thresholds and settings."""
    return json.dumps([result.record() for result in found], indent=1).encode()
