"""A run's reports, parsed once for all who watch it. Small and stable: a cache is lost when its function changes."""

from __future__ import annotations

import statistics
from typing import Any

import streamlit as st

from vaelab.runs.store import Run

RECENT = 5
"""Reports that the speed of the moment is told from."""


def reports(run: Run) -> list[dict[str, Any]]:
    """All reports of the run as they are now. Shared by all visitors: nobody may change them."""
    try:
        stat = (run.dir / "metrics.jsonl").stat()
    except FileNotFoundError:
        return []
    rows: list[dict[str, Any]] = _reports(str(run.dir.resolve()), stat.st_mtime_ns, stat.st_size, run)
    return rows


def speed(rows: list[dict[str, Any]]) -> float | None:
    """Images per second by the latest reports; None before the first."""
    found = [row["images_per_second"] for row in rows[-4 * RECENT :] if row.get("images_per_second")][-RECENT:]
    return statistics.median(found) if found else None


@st.cache_resource(max_entries=8, show_spinner=False)
def _reports(folder: str, time_ns: int, num_bytes: int, _run: Run) -> list[dict[str, Any]]:
    return _run.metrics()
