"""What a training will need on this machine, said before the click."""

from __future__ import annotations

import streamlit as st

from pages.launch.under_way import under_way
from vaelab.config import TrainConfig


def needs_line(config: TrainConfig) -> None:
    """The same in one line, for the sidebar."""
    st.caption(queue_words(config))


def needs(config: TrainConfig) -> None:
    """Time, memory, disk and place in the queue."""
    st.markdown(f":material/hourglass_top: {queue_words(config)}")
    words = config.loss.effective_beta if config.has_decoder else "a detector alone: no KL"
    st.markdown(f":material/balance: {words[0].upper() + words[1:]}.")


def queue_words(config: TrainConfig) -> str:
    """Whether it would start at once, or behind which runs."""
    ahead = [run.id for run, _ in under_way() if run.config.run.device in (config.run.device, "auto")]
    if not ahead:
        return "It starts at once."
    shown = ", ".join(ahead[:3]) + (f" and {len(ahead) - 3} more" if len(ahead) > 3 else "")
    return f"It waits behind {shown} and then starts by itself."
