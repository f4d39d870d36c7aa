"""From a settled draft to a run: what the click starts, and where it leads."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import streamlit as st

from pages.launch.draft import draft, keep_draft
from vaelab import jobs
from vaelab.config import TrainConfig
from vaelab.runs.store import RUNS_DIR


def start(config: TrainConfig, name: str, page: Path) -> None:
    """Start the training and go to its live view on `page`.

    Raises:
        VaelabError: what `jobs.start` refuses; nothing was started then.
    """
    run = jobs.start(config, name=name or None, root=RUNS_DIR)
    keep_draft(dataclasses.replace(draft(), name=""))  # a name is used once; the settings stay for the next one
    st.switch_page(page, query_params={"run": run.id})
