"""A run's reports, parsed once for all who watch it. Small and stable: a cache is lost when its function changes."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

import streamlit as st

from vaelab.runs.metrics import Reports, read_reports
from vaelab.runs.store import Run

RECENT = 5
"""Reports that the speed of the moment is told from."""
KEPT_RUNS = 256
"""Runs whose reports stay in memory: a list of runs asks for all of them at every rerun."""


def reports(run: Run) -> list[dict[str, Any]]:
    """All reports of the run as they are now. Shared by all visitors: nobody may change them."""
    return _current(run).rows


def damaged_lines(run: Run) -> list[int]:
    """Numbers, from 1, of the lines among the reports that cannot be read; the curves do without them."""
    return _current(run).damaged


def speed(rows: list[dict[str, Any]]) -> float | None:
    """Images per second by the latest reports; None before the first."""
    found = [row["images_per_second"] for row in rows[-4 * RECENT :] if row.get("images_per_second")][-RECENT:]
    return statistics.median(found) if found else None


def _current(run: Run) -> Reports:
    path = run.dir / "metrics.jsonl"
    try:
        stat = path.stat()
    except FileNotFoundError:
        return Reports([], [])
    latest: _Latest = _latest(str(path.resolve()))
    stamp, found = latest.read
    if stamp != (stat.st_mtime_ns, stat.st_size):
        found = read_reports(path)
        latest.read = ((stat.st_mtime_ns, stat.st_size), found)
    return found


@dataclass
class _Latest:
    """What a metrics file held when it was read last, behind its time and size then."""

    read: tuple[tuple[int, int], Reports] = ((0, -1), Reports([], []))


@st.cache_resource(max_entries=KEPT_RUNS, show_spinner=False)
def _latest(path: str) -> _Latest:
    """One place for each run: a training that reports every second leaves nothing old in memory."""
    return _Latest()
