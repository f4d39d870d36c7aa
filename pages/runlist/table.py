"""Runs as rows of a table, and which of them a search means. Pure: no Streamlit here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from pages.live.reports import reports
from vaelab.errors import VaelabError
from vaelab.runs.store import Run
from vaelab.wording import with_minus

COLUMNS = (
    "Run",
    "State",
    "Recipe",
    "Network",
    "Progress",
    "Images seen",
    "Training",
    "Held-out loss",
    "PSNR",
    "Tags",
    "Notes",
    "Made",
)


def runs_table(runs: Sequence[Run]) -> pd.DataFrame:
    """One row per run; of a damaged one only its name and what is wrong with it, under notes."""
    return pd.DataFrame([_row(run) for run in runs], columns=list(COLUMNS))


def matching(table: pd.DataFrame, search: str) -> pd.DataFrame:
    """The rows that hold every word of `search` somewhere, whatever its case."""
    words = search.lower().split()
    if not words or table.empty:
        return table
    text = table[["Run", "State", "Recipe", "Network", "Tags", "Notes"]].astype(str).agg(" ".join, axis=1).str.lower()
    return table[[all(word in row for word in words) for row in text]].reset_index(drop=True)


def nats(loss: Any) -> str:
    """Four digits at least and one decimal at least: `−67,554.4`, `0.01234`."""
    digits = 3 - math.floor(math.log10(abs(loss))) if loss else 1
    return with_minus(f"{loss:,.{max(digits, 1)}f}")


def _row(run: Run) -> dict[str, Any]:
    try:
        config, status = run.config, run.status
        validation: dict[str, Any] = next((row for row in reversed(reports(run)) if row["kind"] == "validation"), {})
        return {
            "Run": run.id,
            "State": "ships with vaelab" if run.is_shipped else status.state,
            "Recipe": config.recipe,
            "Network": config.model.model,
            "Progress": round(min(status.images_seen / config.optim.num_images, 1.0), 2),
            "Images seen": status.images_seen,
            "Training": round(status.train_seconds / 60, 1),
            "Held-out loss": validation.get("loss"),
            "PSNR": validation.get("psnr"),
            "Tags": ", ".join(run.tags),
            "Notes": run.notes,
            "Made": _made(run),
        }
    except VaelabError as error:
        return {"Run": run.id, "State": "damaged", "Notes": str(error)}


def _made(run: Run) -> datetime | None:
    """When the run was made, UTC."""
    try:
        return datetime.strptime(str(run.about.get("created", "")), "%Y%m%d-%H%M%S")
    except ValueError:
        return None
