"""A run's scorecard: every headline figure with its interval, what it was measured on, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from vaelab.scorecard import PARTS
from vaelab.scorecard.card import Row, refusals_of, rows_of

TITLES = {
    "reconstruction": "Reconstruction",
    "generation": "Four ways of making a face",
    "likelihood": "Likelihood",
    "disentanglement": "Labels in the latents",
    "detection": "Detection",
}


def scorecard(report: Mapping[str, Any], name: str) -> bool:
    """Show the figures of a report part by part; False, and nothing shown, where it has none."""
    rows = rows_of(report)
    if not rows:
        return False
    st.caption(measured_on(report))
    for part in PARTS:
        mine = [row for row in rows if row.part == part]
        if mine:
            st.markdown(f"**{TITLES[part]}**")
            if about := extractors(report) if part == "generation" else "":
                st.caption(about)
            st.dataframe(table(mine), hide_index=True, alt=f"{TITLES[part]} of {name}")
    if missing := refusals_of(report):
        with st.expander("Not measured", icon=":material/block:"):
            st.markdown("\n".join(f"- {reason}" for reason in missing))
    return True


def table(rows: list[Row]) -> pd.DataFrame:
    """The rows of one part; the column of subjects only where they differ."""
    shown = pd.DataFrame(
        [(row.measure, row.subject, row.shown, row.interval or "–", f"{row.n:,}" if row.n else "–", row.meaning)
         for row in rows],
        columns=["Measure", "Of", "Value", "95 % interval", "n", "What it means"],
    )  # fmt: skip
    return shown.drop(columns="Of") if not shown["Of"].any() else shown


def measured_on(report: Mapping[str, Any]) -> str:
    """Split, number of faces, crop and data fingerprint in one line."""
    crop, data = report.get("crop", {}), report.get("data", {})
    sets = ", ".join(
        f"{name} (crop {crop.get(name, 'unknown')}, fingerprint `{fingerprint[:16]}`)"
        for name, fingerprint in data.items()
    )
    faces = f"{report['num_faces']:,} held-out faces" if "num_faces" in report else "Held-out faces"
    return f"{faces} of split {report.get('split', 'unknown')}" + (f" · {sets}" if sets else "")


def extractors(report: Mapping[str, Any]) -> str:
    """What looked at the drawn faces; empty where nothing did."""
    found = report.get("generation", {}).get("extractors", [])
    seen = (f"Seen by {about['name']}, weights `{about['weights']}`, {about['layer']}" for about in found)
    return " · ".join(
        words + (f", pictures {about['pictures']}" if "pictures" in about else "")
        for words, about in zip(seen, found, strict=True)
    )
