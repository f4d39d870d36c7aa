"""Reading metrics.jsonl: what is damaged is passed over and told, never fatal."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Reports:
    """The lines of a metrics file.

    Attributes:
        rows: reports, ordered by `images_seen`, then as they were written.
        damaged: numbers (from 1) of the lines that are no report; an unfinished last line is none of them.
    """

    rows: list[Row]
    damaged: list[int]


def read_reports(path: Path) -> Reports:
    """All reports in `path`; none where there is no file yet."""
    if not path.is_file():
        return Reports([], [])
    rows, damaged = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1], start=1):
        row = _report(line)
        if row is None:
            damaged.append(number)
        else:
            rows.append(row)
    # an intervention outlives the reports that a resumed run writes anew, and then stands before them
    return Reports(sorted(rows, key=lambda row: row["images_seen"]), damaged)


def kept_after_resume(rows: Sequence[Row], images_seen: int) -> list[Row]:
    """The reports that a run resumed from `images_seen` does not write again.

    It writes again all later ones, and a resampling at that very clock, which opens the step that comes next.
    Interventions stay, later ones too: they are part of the schedule that the run follows.
    """
    again = ("resampling", images_seen)
    return [
        row
        for row in rows
        if row["kind"] == "event" or (row["images_seen"] <= images_seen and (row["kind"], row["images_seen"]) != again)
    ]


def _report(line: str) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    is_report = isinstance(row, dict) and isinstance(row.get("kind"), str) and type(row.get("images_seen")) is int
    return row if is_report else None
