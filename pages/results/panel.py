"""The result panel: originals, reconstructions, samples, interpolations and curves of one run or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.live.curves import loss_curves
from pages.live.reports import reports
from pages.results.routes import has_data, result_address, shown_faces
from pages.results.storing import store_faces
from pages.shell.loaders import weights_stamp
from pages.shell.remote import remote_picture
from vaelab.results import KINDS, NUM_FACES, NUM_WAYS
from vaelab.runs.store import Run
from vaelab.wording import rate_name

SAMPLES_NOTE = "Eight samples from N(0, I); models with equally many latents get the same noise."
NO_DECODER = (
    "It is a detector without a decoder: nothing can be reconstructed, sampled or interpolated. What it does show is "
    "how well it tells faces from what is none."
)


def result_panel(run: Run, key: str) -> None:
    """Everything a finished run shows of itself.

    Args:
        key: prefix of the keys of what is drawn; another one for each panel on a page.
    """
    missing = why_no_pictures(run)
    if missing:
        st.markdown(missing)
    else:
        for kind in shown_kinds(run):
            st.markdown(f"**{title(run, kind)}**")
            picture(run, kind)
        st.caption(SAMPLES_NOTE)
        if not has_data(run):
            st.caption(_without_data(run))
        store_faces(run, key)
    if run.config.needs_nonfaces:
        scores(run)
    rows = reports(run)
    if rows:
        st.markdown("**Loss curves**")
        loss_curves(rows, key=f"{key}.curves.{run.id}")
    else:
        st.caption("No report yet, so there is no curve.")


def pictures_beside(runs: Sequence[Run]) -> None:
    """The same sheet of several runs beside each other, sheet by sheet; each run keeps its column."""
    trouble = {run.id: why_no_pictures(run) for run in runs}
    columns = st.columns(len(runs)) if len(runs) <= 3 else [st.container() for _ in runs]
    for column, run in zip(columns, runs, strict=True):
        with column:
            st.markdown(f"**{run.id}** · {run.config.recipe}")
            if trouble[run.id]:
                st.markdown(trouble[run.id])
                if run.config.needs_nonfaces:
                    scores(run)
                continue
            for kind in KINDS:
                st.caption(title(run, kind))
                if kind in shown_kinds(run):
                    picture(run, kind)
                else:
                    st.caption(_without_data(run))
    drawing = [run for run in runs if not trouble[run.id]]
    if len({faces for run in drawing if (faces := shown_faces(run))}) > 1:
        st.caption("They learned from different data sets: each shows held-out faces of its own.")


def picture(run: Run, kind: str) -> None:
    """One sheet, loaded when it is scrolled to."""
    shape = (NUM_FACES, NUM_WAYS if kind == "interpolations" else 1)
    remote_picture(result_address(run, kind), f"{title(run, kind)}, by {run.id}", shape=shape)


def title(run: Run, kind: str) -> str:
    """What a sheet shows; without the data set, reconstructions are of the faces whose latents are stored."""
    if kind == "reconstructions" and not has_data(run):
        return "Held-out faces, drawn from their stored latents"
    if kind == "interpolations" and not (has_data(run) or run.latents_path.is_file()):
        return "From one new face to another"
    return KINDS[kind]


def shown_kinds(run: Run) -> list[str]:
    """The sheets that this machine can draw."""
    here, stored = has_data(run), run.latents_path.is_file()
    needs = {"originals": here, "reconstructions": here or stored}
    return [kind for kind in KINDS if needs.get(kind, True)]


def why_no_pictures(run: Run) -> str:
    """A sentence where there is nothing to draw with; empty otherwise."""
    if not run.config.has_decoder:
        return NO_DECODER
    if not weights_stamp(run):
        return "It has no weights yet: pictures come with the first ones that are saved."
    return ""


def scores(run: Run) -> None:
    """How well it detects: by its report on held-out pictures, else by its last validation."""
    found = next(
        (reported for name in ("test", "val") if (reported := run.reports().get(name, {})).get("detection")), {}
    )
    table = score_rows(found.get("detection", {}))
    st.markdown("**Scores**")
    if not table.empty:
        st.dataframe(table, hide_index=True, height="content", alt=f"Detection by {run.id}")
        st.caption(f"On {found.get('num_faces', 0):,} held-out faces; in brackets 95 % intervals.")
        return
    last: Mapping[str, Any] = next((row for row in reversed(reports(run)) if "accuracy" in row), {})
    if last:
        st.markdown(f"Right at a threshold of 0.5: {last['accuracy']:.2%} of the pictures of its last validation.")
    st.caption(f"`python -m vaelab evaluate {run.id}` measures recall at matched false-positive rates, by group.")


def score_rows(detection: Mapping[str, Any]) -> pd.DataFrame:
    """Recall, and the false positives that really come, at each false-positive rate of a report."""
    rows = []
    for name, found in detection.items():
        if name.startswith("fpr_") and "overall" in found and "realised_fpr" in found:
            rows.append((rate_name(found["fpr"]), _rate(found["overall"]), _rate(found["realised_fpr"])))
    return pd.DataFrame(rows, columns=["False positives allowed", "Faces found", "False positives on held-out things"])


def _rate(rate: Mapping[str, Any]) -> str:
    return f"{rate['rate']:.2%} ({rate['low']:.2%} to {rate['high']:.2%}), n = {rate['count']:,}"


def _without_data(run: Run) -> str:
    names = ", ".join(run.config.data.datasets)
    return f"The pictures it learned from ({names}) are not on this machine, so originals cannot stand beside."
