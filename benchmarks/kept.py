"""Results in a file: rows by what was measured, and the machine they are from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

Row = dict[str, Any]
Rows = list[Row]

RESULTS = Path(__file__).with_name("results.json")
"""The results that the README shows and a later run is compared with."""


def read_rows(path: Path) -> Rows:
    """The rows of `path`; none where it is not there yet."""
    return list(json.loads(path.read_text(encoding="utf-8"))["results"]) if path.is_file() else []


def machine_of(path: Path) -> dict[str, Any]:
    """The machine that the rows of `path` are from; nothing where there are none."""
    return dict(json.loads(path.read_text(encoding="utf-8"))["machine"]) if path.is_file() else {}


def write_rows(path: Path, rows: Rows) -> None:
    """Keep `rows` with the machine that this is."""
    path.write_text(json.dumps({"machine": machine(), "results": rows}, indent=1) + "\n", encoding="utf-8")


def merged(kept: Rows, found: Rows) -> Rows:
    """The kept rows, those measured anew in the place of the old ones, new kinds at the end."""
    anew = {row["what"]: row for row in found}
    places = [anew.pop(row["what"], row) for row in kept]
    return [*places, *anew.values()]
