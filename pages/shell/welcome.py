"""What pages say and show in the same words: what to train first, what a network is, and where photos go."""

from __future__ import annotations

import re

import streamlit as st

from pages.shell.loaders import decoder_runs
from vaelab.config import TrainConfig

FIRST = "python -m vaelab train --recipe first-minute"
FIRST_DETECTOR = "python -m vaelab train --recipe cnn --datasets synthetic-64 --num-images 16000"
"""On drawn faces and things, so that it needs no data set."""
OWN_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def first_training(words: str, command: str = FIRST) -> None:
    """Why there is nothing to see, and the command that changes it."""
    st.markdown(words)
    st.code(command, language="bash")


def drawable_models() -> list[str]:
    """Names of the models that draw faces; where there are none, the page says how to get one and should stop."""
    names = [run.id for run in decoder_runs()]
    if not names:
        first_training("There is no model with a decoder on this machine yet. The first one takes about a minute:")
    return names


def key_facts(config: TrainConfig, images: str, num_images: int) -> None:
    """The few settings that one looks for first; `images` names the number of images."""
    shown = {
        "Network": config.model.model,
        "Latents": f"{config.model.latent}" if config.has_decoder else "none",
        "Picture": f"{config.data.size} px",
        images: f"{num_images:,}",
    }
    with st.grid(4, min_column_width=120):
        for name, value in shown.items():
            st.metric(name, value)


def serving_computer() -> str:
    """Where vaelab runs and photos go: this machine, unless the visitor's address leads to another one."""
    host = _host()
    return "this machine" if host in OWN_HOSTS else f"the computer at {host}"


def camera_caution() -> None:
    """Say that browsers withhold the camera, where they do."""
    if _host() not in OWN_HOSTS and not (st.context.url or "").startswith("https:"):
        st.caption("Browsers give no camera to a page from another computer over plain http. Choose a file instead.")


def _host() -> str:
    return re.sub(r":\d*$", "", st.context.headers.get("Host", OWN_HOSTS[0]))
