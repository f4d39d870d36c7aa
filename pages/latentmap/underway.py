"""What a process of its own is making for the map: how long it has been at it, or why it failed."""

from __future__ import annotations

import streamlit as st

from pages.shell.boundary import error_boundary
from pages.shell.endings import at_end
from pages.shell.loaders import find
from vaelab.jobs.mapping import forget, standing, stop_maps
from vaelab.runs.store import Run

LOOK_AGAIN_SECONDS = 2.0

at_end(stop_maps)


def under_way(run: Run, key: str, file: str, words: str, failed: str) -> None:
    """Say that `key` is being made, and draw the page anew once it is; or say why it could not be made.

    Args:
        file: name of the file in the run's folder by which it comes.
        words: what is being made, in sentences.
        failed: what could not be done, the beginning of a sentence.
    """
    now = standing(run, key)
    if now is not None and now.error:
        st.warning(f"{failed}: {now.error}", icon=":material/warning:")
        st.button("Try again", on_click=forget, args=(run, key), key=f"map.again.{run.id}.{key}")
        return
    _watch(run.id, key, file, words)


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
@error_boundary
def _watch(run_id: str, key: str, file: str, words: str) -> None:
    run = find(run_id)
    now = standing(run, key)
    if (run.dir / file).is_file() if now is None else now.is_over:
        st.rerun(scope="app")
    seconds = 0.0 if now is None else now.seconds
    st.info(f"{words} At it for {seconds:.0f} s.", icon=":material/hourglass_top:")
