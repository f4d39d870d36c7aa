"""What a training will need on this machine, said before the click."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.live.words import duration, size_in_words
from pages.shell.cautions import cautions
from vaelab.config import TrainConfig
from vaelab.jobs.needs import PROBE_SECONDS, Needs, estimate, finished_seconds, known
from vaelab.jobs.queue import ahead, device_of
from vaelab.runs.store import RUNS_DIR
from vaelab.wording import counted, listed

TIGHT = 0.8
"""A run that takes more of the free disk than this is warned about."""


def needs_line(config: TrainConfig) -> None:
    """The same in one line, for the sidebar."""
    measured = known(config, RUNS_DIR)
    if measured is None:
        words = finished_words(config)
    else:
        words = f"About {duration(measured.seconds)}, {size_in_words(measured.memory_bytes)}."
    st.caption(f"{words} {queue_words(config)}".lstrip())


def needs(config: TrainConfig) -> None:
    """Time, memory, disk and place in the queue."""
    measured = known(config, RUNS_DIR)
    if measured is None:
        st.markdown(f":material/timer: {finished_words(config) or 'Nothing like it was measured on this machine yet.'}")
    else:
        _measured(measured)
    if measure_button(is_again=measured is not None, key="launch.measure"):
        bar = st.progress(0.0)
        _fill(bar, 0.0)
        estimate(config, on_progress=lambda share: _fill(bar, share), root=RUNS_DIR, anew=measured is not None)
        st.rerun(scope="fragment")
    st.markdown(f":material/hourglass_top: {queue_words(config)}")
    words = config.loss.effective_beta if config.has_decoder else "a detector alone: no KL"
    st.markdown(f":material/balance: {words[0].upper() + words[1:]}.")
    cautions(config)


def finished_words(config: TrainConfig) -> str:
    """How long finished runs of these settings trained on this machine; empty where there is none."""
    times = finished_seconds(config, RUNS_DIR)
    if not times:
        return ""
    ends = dict.fromkeys((duration(times[0]), duration(times[-1])))
    return f"{counted(len(times), 'finished run')} of these settings trained here for {' to '.join(ends)}."


def measure_button(*, is_again: bool, key: str) -> bool:
    """The button that measures, the first time or once more; whether it was pressed."""
    label, kind = ("Measure again", "tertiary") if is_again else ("Measure on this machine", "secondary")
    return st.button(label, icon=":material/speed:", type=kind, key=key)  # type: ignore[arg-type]


def conditions(was_alone: bool) -> str:
    """Under which a measured time holds."""
    return "while nothing else runs" if was_alone else "beside the training that was at work when it was measured"


def queue_words(config: TrainConfig) -> str:
    """Whether it would start at once, or behind which runs."""
    mine = device_of(config)
    others = [run.id for run in ahead(mine, RUNS_DIR)]
    if not others:
        return f"It starts at once, on the {mine}."
    return f"It waits for the {mine} behind {listed(others, 3)}, then starts by itself."


def _fill(bar: DeltaGenerator, share: float) -> None:
    bar.progress(min(share, 1.0), text=f"Taking real steps for {PROBE_SECONDS:.0f} seconds")


def _measured(found: Needs) -> None:
    """Three facts and what is tight about them."""
    with st.grid(3, min_column_width=90):
        st.metric("Time", duration(found.seconds))
        st.metric("Memory", size_in_words(found.memory_bytes))
        st.metric("Disk", size_in_words(found.disk_bytes))
    st.caption(
        f"{duration(found.seconds_low)} to {duration(found.seconds_high)} by the quicker and slower tenth of the "
        f"measured steps, {found.images_per_second:,.0f} images per second {conditions(found.was_alone)}. "
        f"{size_in_words(found.free_disk_bytes)} of disk are free."
    )
    if found.disk_bytes > TIGHT * found.free_disk_bytes:
        st.warning("The disk is nearly too full for it: make room first.", icon=":material/hard_drive:")
