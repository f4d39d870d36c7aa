"""Train: start a training with any setting, and watch one as it goes."""

from __future__ import annotations

import streamlit as st

from pages.launch.draft import draft
from pages.launch.form import all_settings, name_widget, recipe_widget
from pages.launch.needs import needs
from pages.launch.start import TRAIN_CHOSEN, TRAIN_LINK, start
from pages.launch.under_way import under_way
from pages.live.view import live_view
from pages.shell.boundary import error_boundary
from pages.shell.links import write_page_query
from pages.shell.loaders import find
from pages.studio.state import show_in
from vaelab.runs.store import RUNS_DIR, list_runs

NEW = ""
"""Stands for a training yet to be started among the run ids."""


@error_boundary
def train() -> None:
    """The page."""
    st.title("Train", anchor=False)
    chosen = choice()
    if chosen == NEW:
        new_training()
    else:
        live_view(find(chosen))


def choice() -> str:
    """Which training is shown: what a link asks for, else what the visitor chose; kept in the address.

    A link may lead from this page to itself (the sidebar's, or a start), so an address that the page did not write
    itself wins over the widget.
    """
    first = [run.id for run, _ in under_way()]
    known = [NEW, *first, *(run.id for run in list_runs(RUNS_DIR) if run.id not in first)]
    wanted = st.query_params.get("run", NEW)
    if wanted != st.session_state.get(TRAIN_LINK, NEW):
        st.session_state[TRAIN_CHOSEN] = wanted if wanted in known else NEW
        if wanted not in known:
            st.info("The link names a run that is not on this machine.", icon=":material/link_off:")
    chosen = st.session_state.get(TRAIN_CHOSEN, NEW)
    key = show_in("train.choice", chosen if chosen in known else NEW)

    def choose() -> None:
        st.session_state[TRAIN_CHOSEN] = st.session_state[key]

    names: dict[str, str] = {NEW: "A new one"}
    shown: str = st.selectbox(
        "Training", known, format_func=lambda i: names.get(i, i), key=key, on_change=choose, width=420
    )
    if shown != wanted:
        write_page_query({"run": shown} if shown else {})
    st.session_state[TRAIN_LINK] = shown
    return shown


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
        # What follows changes its height with the settings: a click that leaves a field must still meet the button.
        if st.button("Train", type="primary", icon=":material/play_arrow:", key="launch.go"):
            start(config, draft().name, None)
        st.subheader("What it will need", anchor=False)
        if config is None:
            st.markdown(f"First {'this setting has' if len(troubles) == 1 else 'these settings have'} to be corrected:")
            for text in troubles.values():
                st.error(text, icon=":material/error:")
        else:
            needs(config)
        st.markdown("The same from the command line:")
        st.code(draft().command(), language="bash", wrap_lines=True)


train()
