"""Models: the card, the settings and the measured results of every run on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from pages.live.words import UNDER_WAY, look
from pages.results.panel import result_panel
from pages.shell.boundary import error_boundary
from pages.shell.cards import card_parts, result_rows, settings_rows
from pages.shell.cautions import cautions
from pages.shell.loaders import find
from pages.shell.scorecard import scorecard
from pages.shell.welcome import first_training, key_facts
from vaelab.errors import VaelabError
from vaelab.runs.store import RUNS_DIR, Run, list_runs

WATCH_SECONDS = 4.0
CARD_HAS_RESULTS = "results-curves.png"
"""A card written with this beside it shows the result panel itself."""


@error_boundary
def models() -> None:
    """The page."""
    st.title("Models", anchor=False)
    st.markdown("What each model is, what it was measured at, and on how many pictures.")
    runs = {run.id: run for run in list_runs(RUNS_DIR)}
    watch(" ".join(runs))
    if not runs:
        first_training("There is none yet. The first one takes about a minute on two cores, without any download:")
        st.page_link(Path(__file__).with_name("explore.py"), label="Back to Explore")
        return
    wanted = st.query_params.get("card")
    names, detail = st.columns([1, 3], gap="large")
    origins = [origin(run) for run in runs.values()]
    chosen = names.radio("Model", list(runs), captions=origins, key="card", bind="query-params")
    if wanted and wanted not in runs:
        detail.info("The link names a model that is not on this machine; here is another.", icon=":material/link_off:")
    with detail:
        show_run(chosen)


def origin(run: Run) -> str:
    """Where a run comes from and how it stands, in a few words."""
    try:
        if run.is_shipped:
            return f"ships with vaelab · {run.config.model.model}"
        return f"{run.status.state} · {run.config.recipe}"
    except VaelabError:
        return "damaged"


@st.fragment
@error_boundary
def show_run(run_id: str) -> None:
    """Everything about one run."""
    run = next((run for run in list_runs(RUNS_DIR) if run.id == run_id), None)
    if run is None:
        st.info("This run was moved or deleted a moment ago.", icon=":material/delete:")
        return
    state = run.status.state
    heading(run)
    if state in UNDER_WAY:
        st.fragment(_progress, run_every=WATCH_SECONDS)(run_id, state)
    if run.card:
        show_card(run, run.card)
    if not (run.dir / CARD_HAS_RESULTS).is_file():
        st.subheader("In pictures", anchor=False)
        result_panel(run, "models.results")
    results(run)
    with st.expander("Settings", icon=":material/tune:"):
        st.dataframe(settings_rows(run.config), hide_index=True, alt=f"All settings of {run.id}")


def heading(run: Run) -> None:
    """Name, state and the few facts that one looks for first."""
    config, status = run.config, run.status
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(run.id, anchor=False, width="content")
        st.badge("ships with vaelab" if run.is_shipped else "yours", color="primary" if run.is_shipped else "gray")
        st.badge(status.state, color=look(status.state).color)
    cautions(config)
    key_facts(config, "Images seen", status.images_seen)
    if status.message:
        st.caption(status.message)


@error_boundary
def _progress(run_id: str, drawn: str) -> None:
    """How far a training has come; the page is drawn anew when it is no longer in the state that was drawn."""
    run = find(run_id)
    status = run.status
    if status.state != drawn:
        st.rerun(scope="app")
    seen, total = status.images_seen, run.config.optim.num_images
    st.progress(min(seen / total, 1.0), text=f"{status.state.capitalize()}: {seen:,} of {total:,} images")


@st.fragment(run_every=WATCH_SECONDS)
@error_boundary
def watch(seen: str) -> None:
    """Rerun the page when a run appears or is deleted."""
    if " ".join(run.id for run in list_runs(RUNS_DIR)) != seen:
        st.rerun(scope="app")


def show_card(run: Run, card: str) -> None:
    """The model card; pictures beside it in the run folder are shown, others are left out."""
    for part in card_parts(card):
        if part.picture is None:
            st.markdown(part.text)
        elif (path := run.dir / part.picture).is_file():
            st.image(path.read_bytes(), alt=part.text, caption=part.text or None, width="content")


def results(run: Run) -> None:
    """The scorecard of every report of the run, and each report in full."""
    reports = run.reports()
    if not reports:
        return
    st.subheader("Scorecard", anchor=False)
    for name in sorted(reports, key=lambda name: name != "test"):  # the figures that the card quotes come first
        report = reports[name]
        st.markdown(f"#### {name.replace('-', ' ').capitalize()}")
        if scorecard(report, f"{name} for {run.id}"):
            with st.expander("Every number", icon=":material/data_object:"):
                st.dataframe(result_rows(report), hide_index=True, alt=f"Results of {name} for {run.id}")
        else:
            st.dataframe(result_rows(report), hide_index=True, alt=f"Results of {name} for {run.id}")
        st.download_button(
            "report as JSON",
            json.dumps(report, indent=1),
            file_name=f"{run.id}-{name}.json",
            mime="application/json",
            type="tertiary",
            on_click="ignore",
            key=f"models.report.{name}",
        )


models()
