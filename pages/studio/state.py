"""The face on the table. One recipe in the session is the truth; widgets and the address bar only show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shell.recipe import FaceRecipe, read_query

RECIPE = "studio.recipe"
LINK = "studio.link"
REPLACED = "studio.replaced"
BOTH = ["portrait", "dimensions"]
"""Keys of the two fragments that show the face; a change to it reruns one or both of them."""


def recipe() -> FaceRecipe:
    """The recipe of the face that is shown; there is one from `open_recipe` on."""
    kept: FaceRecipe = st.session_state[RECIPE]
    return kept


def keep(changed: FaceRecipe) -> None:
    """Make `changed` the face that is shown from the next draw on."""
    st.session_state[RECIPE] = changed


def open_recipe(run_ids: Sequence[str]) -> list[str]:
    """Decide which face the page shows; returns sentences about what could not be honoured.

    An address that the page did not write itself (a link, or the browser's back button) wins over the session; an
    address without a query (coming back from another page) leaves the session's face as it was.
    """
    query = st.query_params.to_dict()
    notes: list[str] = []
    if query and query != st.session_state.get(LINK):
        opened, notes = read_query(query, FaceRecipe(model=run_ids[0]))
    else:
        opened = st.session_state.get(RECIPE) or FaceRecipe(model=run_ids[0])
    if opened.model not in run_ids:
        notes.append(f"There is no model of the name asked for here, so this is {run_ids[0]}.")
        opened = opened.started(model=run_ids[0])
    keep(opened)
    return notes


def write_link() -> None:
    """Put a link to the shown face into the address bar; the browser's back button then undoes a change."""
    query = recipe().to_query()
    if query != st.query_params.to_dict():
        st.query_params.from_dict(query)
    st.session_state[LINK] = query


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
