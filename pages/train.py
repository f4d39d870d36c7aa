"""Train: start a training with any setting, and watch one as it goes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.launch.draft import draft
from pages.launch.form import all_settings, name_widget, recipe_widget
from pages.launch.needs import needs
from pages.launch.start import start
from pages.launch.under_way import under_way
from pages.live.view import live_view
from pages.shell.boundary import error_boundary
from pages.shell.loaders import find
from vaelab.runs.store import RUNS_DIR, list_runs

HERE = Path(__file__)
NEW = ""
"""Stands for a training yet to be started among the run ids."""


@error_boundary
def train() -> None:
    """The page."""
    st.title("Train", anchor=False)
    runs = [run.id for run in list_runs(RUNS_DIR)]
    first = [run.id for run, _ in under_way()]
    known = [NEW, *first, *(run_id for run_id in runs if run_id not in first)]
    wanted = st.query_params.get("run", NEW)
    chosen = st.selectbox(
        "Training",
        known,
        format_func=lambda run_id: run_id or "A new one",
        key="run",
        bind="query-params",
        width=420,
    )
    if wanted and wanted not in known:
        st.info("The link names a run that is not on this machine.", icon=":material/link_off:")
    if chosen == NEW:
        new_training()
    else:
        live_view(find(chosen))


@st.fragment
@error_boundary
def new_training() -> None:
    """The form with every setting, what the training will need, and the click."""
    st.markdown("Begin at a recipe, change what you like. Training goes on when you close the browser.")
    form, side = st.columns([5, 3], gap="large")
    config, troubles = draft().settled()
    with form:
        recipe_widget("form")
        name_widget("form")
        all_settings("form", troubles)
        if "" in troubles:
            st.error(troubles[""], icon=":material/error:")
    with side.container(border=True):
        st.subheader("What it will need", anchor=False)
        if config is None:
            st.markdown(f"First {'this setting has' if len(troubles) == 1 else 'these settings have'} to be mended:")
            for text in troubles.values():
                st.error(text, icon=":material/error:")
        else:
            needs(config)
        if st.button("Train", type="primary", icon=":material/play_arrow:", disabled=config is None, key="launch.go"):
            assert config is not None
            start(config, draft().name, HERE)
        st.markdown("The same from the command line:")
        st.code(draft().command(), language="bash", wrap_lines=True)


train()
