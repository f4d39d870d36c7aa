"""Any number of runs beside each other: curves, settings, measurements and the same faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pandas as pd
import streamlit as st

from pages.live.history import LOSSES, NEVER_NEGATIVE, OTHERS, line, parts_of
from pages.live.plot import plot
from pages.live.reports import reports
from pages.live.routes import preview_addresses
from pages.results.panel import pictures_beside
from pages.shell.boundary import error_boundary
from pages.shell.cards import differing_rows, result_rows
from pages.shell.cautions import cautions
from pages.shell.loaders import find, load_model, weights_stamp
from pages.shell.remote import remote_picture
from pages.shell.routes import stored_address
from vaelab.runs.store import Run

SHOWN_FACES = 8
MOST_MODELS = 6
"""Models whose faces are drawn at once; each is loaded for it."""
FACES = {**LOSSES, **OTHERS}


@st.fragment
@error_boundary
def comparison(run_ids: Sequence[str]) -> None:
    """Everything in which the runs can be compared."""
    runs = [find(run_id) for run_id in run_ids]
    for run in runs:
        cautions(run.config, run.id)
    results, curves, settings, measured, faces = st.tabs(
        ["Results", "Curves", "Settings", "Measured", "The same faces"]
    )
    with results:
        pictures_beside(runs)
    with curves:
        overlaid(runs)
    with settings:
        table = differing_rows(runs)
        if table.empty:
            st.markdown("All settings are the same.")
        else:
            st.dataframe(table, hide_index=True, height="content", alt="Settings that differ between the runs")
    with measured:
        show_measured(runs)
    with faces:
        if st.toggle("Draw them", key="runs.faces", help=f"Loads up to {MOST_MODELS} models."):
            same_faces(runs[:MOST_MODELS])


def overlaid(runs: Sequence[Run]) -> None:
    """Each quantity of all runs in one panel; solid in training, dashed on held-out pictures."""
    by_run = {run.id: reports(run) for run in runs}
    parts = [part for part in FACES if any(part in parts_of(rows, FACES) for rows in by_run.values())]
    panels = []
    for part in parts:
        lines = []
        for ink, (run_id, rows) in enumerate(by_run.items()):
            lines += [
                line(rows, part, "train", run_id, ink),
                line(rows, part, "validation", f"{run_id}, held out", ink),
            ]
        panels.append({"title": FACES[part], "positive": part in NEVER_NEGATIVE, "lines": [x for x in lines if x["x"]]})
    if not panels:
        st.caption("None of these runs has reported anything.")
        return
    plot(panels, key=f"runs.curves.{'.'.join(by_run)}")
    if len({run.config.loss.likelihood for run in runs}) > 1:
        st.caption("These runs have different likelihoods: their losses are not on one scale, KL and PSNR are.")


def show_measured(runs: Sequence[Run]) -> None:
    """The last validation of each, and their reports with intervals."""
    last = {run.id: _last_validation(run) for run in runs}
    if any(last.values()):
        st.markdown("**Last validation during training**")
        st.dataframe(merged(last), hide_index=True, height="content", alt="Last validation of each run")
    names = sorted({name for run in runs for name in run.reports()})
    for name in names:
        found = {run.id: run.reports().get(name, {}) for run in runs}
        with st.expander(f"Report {name.replace('-', ' ')}, with 95 % intervals", expanded=name == "test"):
            st.dataframe(merged(found), hide_index=True, alt=f"Report {name} of each run")
    if not names:
        st.caption("No run has a report yet: `python -m vaelab evaluate RUN` measures with intervals on test faces.")


def merged(found: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """Reports side by side: a row for each measure, a column for each run, a dash where one lacks it."""
    tables = [result_rows(report).rename(columns={"Value": run_id}) for run_id, report in found.items() if report]
    if not tables:
        return pd.DataFrame({"Measure": []})
    return reduce(lambda one, other: one.merge(other, on="Measure", how="outer", sort=False), tables).fillna("–")


def same_faces(runs: Sequence[Run]) -> None:
    """The faces that all stored-latent models share, as each draws them; else each run's last preview."""
    models = [load_model(run) for run in runs if run.config.has_decoder and weights_stamp(run)]
    stored = [model for model in models if model.latents is not None]
    shared: list[str] = []
    if stored:
        ids = [list(model.latents.labels["image_id"]) for model in stored if model.latents is not None]
        common = set(ids[0]).intersection(*ids[1:])
        shared = [str(image_id) for image_id in ids[0] if image_id in common][:SHOWN_FACES]
    by_id = {model.run_id: model for model in stored}
    for run in runs:
        st.markdown(f"**{run.id}**")
        previews = list(preview_addresses(run, "recon").items())
        if run.id in by_id and shared:
            latents = by_id[run.id].latents
            assert latents is not None
            rows = pd.Index(latents.labels["image_id"]).get_indexer(pd.Index(shared)).tolist()
            remote_picture(stored_address(by_id[run.id], rows), f"{len(rows)} stored faces by {run.id}")
        elif previews:
            seen, address = previews[-1]
            remote_picture(address, f"Held-out faces by {run.id}")
            st.caption(f"Held-out faces after {seen:,} images")
        elif run.config.has_decoder:
            st.caption("It stores no face that the others store too: `python -m vaelab encode` stores them.")
        else:
            st.caption("A detector alone draws no faces.")


def _last_validation(run: Run) -> dict[str, object]:
    row: dict[str, Any] = next((row for row in reversed(reports(run)) if row["kind"] == "validation"), {})
    told = {name: value for name, value in row.items() if name not in ("kind", "kl_per_dim", "recall_by_group")}
    groups = (row.get("recall_by_group") or {}).get("groups", {})
    return told | {f"recall, {name}": group["recall"] for name, group in groups.items()}
