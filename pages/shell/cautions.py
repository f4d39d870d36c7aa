"""What has to be said about a run wherever it is shown."""

from __future__ import annotations

import streamlit as st

from vaelab.config import TrainConfig
from vaelab.settings import RANDOM_BACKBONE


def random_backbone_badge(config: TrainConfig) -> None:
    """A badge for a network that looks through layers which never learned anything; nothing for others."""
    if config.model.has_random_backbone:
        st.badge("random backbone", icon=":material/warning:", color="orange", help=RANDOM_BACKBONE)
