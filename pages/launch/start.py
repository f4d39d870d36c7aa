"""From a settled draft to a run: what the click starts, and where it leads."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import streamlit as st

from pages.launch.draft import draft, keep_draft
from vaelab import jobs
from vaelab.config import TrainConfig
from vaelab.runs.store import RUNS_DIR

TRAIN_LINK, TRAIN_CHOSEN = "train.link", "train.chosen"
"""Session: the run in the address as the Train page wrote it, and the run it shows."""


def start(config: TrainConfig | None, name: str, page: Path | None) -> None:
    """Start the training and go to its live view.

    Args:
        config: None while settings have to be corrected; then nothing is started, and a note says so.
        page: the Train page's file; None from that page itself.

    Raises:
        VaelabError: what `jobs.start` refuses; nothing was started then.
    """
    if config is None:
        st.toast("Nothing was started: first correct what is marked red.", icon=":material/error:")
        return
    run = jobs.start(config, name=name or None, root=RUNS_DIR)
    keep_draft(dataclasses.replace(draft(), name=""))  # a name is used once; the settings stay for the next one
    if page is not None:
        st.switch_page(page, query_params={"run": run.id})
    st.session_state[TRAIN_CHOSEN] = run.id  # a page cannot switch to itself
    st.rerun(scope="app")
