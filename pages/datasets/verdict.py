"""What a check of pictures found, as a sentence and a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.datasets.checking import Check
from pages.shell.boundary import error_boundary
from vaelab.data.validation import Validation

KEY = "data.checked"
TICK_SECONDS = 1.0
BECOMES = {
    "blocks": "nothing can be prepared until it is mended",
    "left out": "left out, with the reason on record",
    "kept": "prepared as it is",
}


def verdict() -> None:
    """The visitor's last check; ticks only while it is under way."""
    check: Check | None = st.session_state.get(KEY)
    if check is not None:
        alive = not check.is_over
        st.fragment(_shown, run_every=TICK_SECONDS if alive else None)(alive)


def stop_check() -> None:
    """Ask the visitor's check to stop, if one is under way."""
    check: Check | None = st.session_state.get(KEY)
    if check is not None:
        check.cancel.set()


@error_boundary
def _shown(was_alive: bool) -> None:
    check: Check = st.session_state[KEY]
    if was_alive and check.is_over:
        st.rerun(scope="app")
    if not check.is_over:
        words, button = st.columns([5, 1], vertical_alignment="center")
        share = check.done / check.total if check.total else 0.0
        counted = f"{check.done:,} of {check.total:,} pictures" if check.total else "looking for pictures"
        words.progress(share, text=f"Checking **{check.what}**: {counted}")
        button.button("Stop", key="data.check.stop", on_click=stop_check)
    elif check.found is None:
        st.error(f"**{check.what}**: {check.error}", icon=":material/error:")
    else:
        _told(check.what, check.found)


def _told(what: str, found: Validation) -> None:
    sentence = f"**{what}**, {found.summary()}."
    if found.blocks:
        st.error(sentence, icon=":material/block:")
    elif found.problems:
        st.warning(sentence, icon=":material/warning:")
    else:
        st.success(sentence, icon=":material/check_circle:")
    if found.problems:
        st.dataframe(
            problems_table(found),
            hide_index=True,
            height="content",
            column_config={"Count": st.column_config.NumberColumn(format="localized")},
            alt=f"{len(found.problems)} kinds of problems",
        )


def problems_table(found: Validation) -> pd.DataFrame:
    """One row per kind of problem, what blocks first."""
    rows = [(item.kind, item.count, BECOMES[item.effect], "; ".join(item.examples) or "–") for item in found.problems]
    return pd.DataFrame(rows, columns=["Problem", "Count", "What becomes of it", "The first of them"])
