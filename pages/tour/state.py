"""Where a visitor is on the tour: one frozen record in the session, its step in the address too.

The session forgets when the page is reloaded, the address does not. What was done is looked up anew each time, in the
session and in the run folders, so a tour that is taken up again knows what is there already.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shell.links import TOUR

TOUR_STATE, TOUR_LEFT = "tour.state", "tour.left"


@dataclass(frozen=True)
class Tour:
    """A tour under way.

    Attributes:
        step: key of the step that the card shows; empty for the first.
        done: keys of the steps that were done.
        visited: pages (by their path in the address) that were seen during this step.
        before: the step's record in the session as its page opened; None before that.
        is_folded: whether only the card's heading is shown.
    """

    step: str = ""
    done: frozenset[str] = frozenset()
    visited: frozenset[str] = frozenset()
    before: Any = None
    is_folded: bool = False


def tour_now() -> Tour | None:
    """The tour that this visitor is on; None if on none."""
    kept: Tour | None = st.session_state.get(TOUR_STATE)
    return kept


def keep_tour(changed: Tour) -> None:
    """Go on with `changed`."""
    st.session_state[TOUR_STATE] = changed


def change_tour(**changes: Any) -> None:
    """Change parts of the tour under way, if there is one."""
    now = tour_now()
    if now is not None:
        keep_tour(dataclasses.replace(now, **changes))


def begin(step: str = "") -> None:
    """Start the tour, or start it again, at a step; an empty one is the first."""
    st.session_state.pop(TOUR_LEFT, None)
    keep_tour(Tour(step=step))


def go_to(step: str) -> None:
    """Show another step; what it asks for is watched from now on."""
    change_tour(step=step, visited=frozenset(), before=None, is_folded=False)


def leave() -> None:
    """End the tour."""
    st.session_state.pop(TOUR_STATE, None)
    st.session_state[TOUR_LEFT] = True
    st.query_params.pop(TOUR, None)


def meet_address(known: list[str]) -> None:
    """Take a tour up from the address after a reload, and write the step of the one under way into it."""
    asked = st.query_params.get(TOUR)
    now = tour_now()
    if asked is not None and st.session_state.get(TOUR_LEFT, False):
        st.query_params.pop(TOUR, None)  # from a browser that had not heard of the end yet
    elif now is None and asked is not None:
        begin(asked if asked in known else "")
        now = tour_now()
    if now is not None:
        step = now.step if now.step in known else known[0]
        if step != now.step:
            change_tour(step=step)
        if asked != step:
            st.query_params[TOUR] = step
