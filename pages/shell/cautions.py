"""What has to be said about a run wherever it is shown."""

from __future__ import annotations

import streamlit as st

from vaelab.config import TrainConfig


def cautions(config: TrainConfig, whose: str = "") -> None:
    """The warnings of a config, each in a box; `whose` names the run where several are shown."""
    for warning in config.warnings:
        st.warning(f"{whose}: {warning}" if whose else warning, icon=":material/warning:")
