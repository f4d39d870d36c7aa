"""The launcher that every page has at its side: what trains now, and a training started in four settings."""

from __future__ import annotations

import streamlit as st

from pages.launch.draft import draft
from pages.launch.form import name_widget, recipe_widget, setting_widget
from pages.launch.needs import needs_line
from pages.launch.start import start
from pages.launch.under_way import under_way
from pages.live.words import look
from pages.shell.boundary import error_boundary
from pages.shell.places import file_of
from pages.shell.warming import is_warm
from vaelab import jobs
from vaelab.runs.store import RUNS_DIR

TRAIN_PAGE = file_of("train")
MAIN_SETTINGS = ("datasets", "num_images", "latent", "beta")
WARM_TICK_SECONDS = 1.0
ALIVE_TICK_SECONDS, IDLE_TICK_SECONDS = 5.0, 20.0


def sidebar(*, with_form: bool) -> None:
    """Draw the sidebar.

    Args:
        with_form: False where the page itself shows the form.
    """
    with st.sidebar:
        busy = bool(under_way())
        st.fragment(_now, run_every=ALIVE_TICK_SECONDS if busy else IDLE_TICK_SECONDS)(busy)
        if with_form:
            st.subheader("Train a model", anchor=False)
            _launcher()


def sidebar_to_come() -> None:
    """Its place, until the server has imported what it needs."""
    with st.sidebar:
        st.fragment(_when_warm, run_every=WARM_TICK_SECONDS)()


def _when_warm() -> None:
    if is_warm():
        st.rerun(scope="app")
    st.skeleton(height=300)


@error_boundary
def _now(was_busy: bool) -> None:
    """What is under way, with a link to its live view; what waits for a device that is free begins."""
    jobs.advance(RUNS_DIR)
    runs = under_way()
    if bool(runs) != was_busy:
        st.rerun(scope="app")
    st.subheader("Under way" if runs else "Nothing is training", anchor=False)
    for run, status in runs:
        total = run.config.optim.num_images
        st.page_link(TRAIN_PAGE, label=run.id, icon=look(status.state).icon, query_params={"run": run.id})
        st.progress(min(status.images_seen / total, 1.0), text=f"{status.state} · {status.images_seen / total:.0%}")


@st.fragment
@error_boundary
def _launcher() -> None:
    """The main settings; everything else is a page away."""
    recipe_widget("side")
    config, troubles = draft().settled()
    for name in MAIN_SETTINGS:
        if name != "beta" or draft().value("model") != "cnn":
            setting_widget(name, "side", {})  # mistakes are told underneath the button, which they must not move
    name_widget("side")
    if st.button("Train", type="primary", icon=":material/play_arrow:", key="launch.side.go"):
        start(config, draft().name, TRAIN_PAGE)
    for text in troubles.values():
        st.error(text, icon=":material/error:")
    if config is not None:
        needs_line(config)
    st.page_link(TRAIN_PAGE, label="All settings", icon=":material/tune:")
