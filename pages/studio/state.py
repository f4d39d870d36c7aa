"""The face on the table. One recipe in the session is the truth; the panel, widgets and the address bar show it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shell.links import is_link, link_was_read, page_query
from vaelab.editing.recipe import LARGEST_VALUE, SLIDER_KEY, FaceRecipe, read_query
from vaelab.errors import DataError

RECIPE = "studio.recipe"
LINK = "studio.link"
REPLACED = "studio.replaced"
REVISION = "studio.revision"


def recipe() -> FaceRecipe:
    """The recipe of the face that is shown; there is one from `open_recipe` on."""
    kept: FaceRecipe = st.session_state[RECIPE]
    return kept


def keep(changed: FaceRecipe) -> None:
    """Make `changed` the face that is shown from the next draw on; the panel takes its sliders from it."""
    if changed != st.session_state.get(RECIPE):
        st.session_state[REVISION] = revision() + 1
    st.session_state[RECIPE] = changed


def keep_moves(values: Mapping[str, float] | None = None, hold: Sequence[str] | None = None) -> None:
    """Take over what the panel shows already: where its sliders are, and what is held fixed.

    Raises:
        DataError: the page sends what no slider of ours does.
    """
    changed = recipe()
    if values is not None:
        for key, steps in values.items():
            if not SLIDER_KEY.fullmatch(key) or not abs(steps) <= LARGEST_VALUE:
                raise DataError("The page sent a slider that does not exist. Reload it.")
        moves = tuple(sorted((key, round(steps, 2)) for key, steps in values.items() if round(steps, 2)))
        changed = dataclasses.replace(changed, edits=moves)
    if hold is not None:
        changed = changed.held(list(hold))
    st.session_state[RECIPE] = changed


def revision() -> int:
    """A number that grows whenever something else than the panel changes the face."""
    count: int = st.session_state.get(REVISION, 0)
    return count


def open_recipe(run_ids: Sequence[str]) -> list[str]:
    """Decide which face the page shows; returns sentences about what could not be honoured.

    An address that the page did not write itself (a link, or the browser's back button) wins over the session; an
    address without a query (coming back from another page) leaves the session's face as it was.
    """
    notes: list[str] = []
    if is_link(LINK):
        opened, notes = read_query(page_query(), FaceRecipe(model=run_ids[0]))
    else:
        opened = st.session_state.get(RECIPE) or FaceRecipe(model=run_ids[0])
    if opened.model not in run_ids:
        notes.append(f"There is no model of the name asked for here, so this is {run_ids[0]}.")
        opened = opened.started(model=run_ids[0])
    keep(opened)
    link_was_read(LINK)
    return notes


def show_in(name: str, value: Any) -> str:
    """Key of a widget `name` that shows `value`.

    A widget is replaced rather than changed under the visitor's hand: the browser sends the values of all widgets
    with every request, and one sent before it heard of the change would arrive as if the visitor had moved it back.
    """
    counts: dict[str, int] = st.session_state.setdefault(REPLACED, {})
    key = f"{name}.{counts.get(name, 0)}"
    if key in st.session_state and not _same(st.session_state[key], value):
        counts[name] = counts.get(name, 0) + 1
        key = f"{name}.{counts[name]}"
    if key not in st.session_state:
        st.session_state[key] = value
    return key


def _same(shown: Any, wanted: Any) -> bool:
    """Whether two widget values are equal, sliders' steps in floating point included."""
    if isinstance(shown, float) and isinstance(wanted, float):
        return math.isclose(shown, wanted, abs_tol=1e-6)
    return bool(shown == wanted)
