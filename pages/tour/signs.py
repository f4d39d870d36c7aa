"""How the tour knows that something was done: by looking at the session and at the run folders, never by asking."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.live.reports import reports
from pages.studio.state import RECIPE
from vaelab.errors import VaelabError
from vaelab.recipes import RECIPES
from vaelab.runs.store import RUNS_DIR, Run, list_runs

FIRST = "first-minute"


def first_run() -> Run | None:
    """The newest run of the first recipe with the recipe's own beta."""
    return _newest(has_own_beta=True)


def second_run() -> Run | None:
    """The newest run of the first recipe with another beta."""
    return _newest(has_own_beta=False)


def has_started() -> bool:
    """Whether there is a first run at all."""
    return first_run() is not None


def has_points() -> bool:
    """Whether the first run has reported often enough for a line."""
    run = first_run()
    return run is not None and len([row for row in reports(run) if row["kind"] == "train"]) >= 2


def has_stored_faces() -> bool:
    """Whether the first run has stored held-out faces."""
    run = first_run()
    return run is not None and run.latents_path.is_file()


def has_second() -> bool:
    """Whether a second run, with another beta, was started."""
    return second_run() is not None


def have_both_stored_faces() -> bool:
    """Whether both runs have stored held-out faces."""
    runs = (first_run(), second_run())
    return all(run is not None and run.latents_path.is_file() for run in runs)


def has_moved() -> bool:
    """Whether a slider of Explore is away from its start."""
    face = st.session_state.get(RECIPE)
    return face is not None and bool(face.edits)


def starting_face() -> Any:
    """What Explore's face began with; None before there is one."""
    face = st.session_state.get(RECIPE)
    return None if face is None else (face.start, face.seed, face.temperature, face.face, face.z)


def record_of(name: str) -> Any:
    """A page's own record in the session; None before the page was opened."""
    return st.session_state.get(name)


def has_compared_runs() -> bool:
    """Whether two runs or more are ticked in the table of runs."""
    for key, value in st.session_state.items():
        if str(key).startswith("runs.table.") and len(value.get("selection", {}).get("rows", [])) > 1:
            return True
    return False


def _newest(*, has_own_beta: bool) -> Run | None:
    own = RECIPES[FIRST].loss.beta
    for run in list_runs(RUNS_DIR):
        try:
            config = run.config
        except VaelabError:  # damaged: the Runs page names it
            continue
        if config.recipe == FIRST and not run.is_shipped and (config.loss.beta == own) == has_own_beta:
            return run
    return None
