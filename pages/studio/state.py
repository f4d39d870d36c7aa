"""The face on the table. One recipe in the session is the truth; widgets and the address bar only show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shell.recipe import FaceRecipe, read_query

RECIPE = "studio.recipe"
LINK = "studio.link"
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


def show_in(key: str, value: Any) -> str:
    """Make the widget `key` show `value` when it is drawn next; returns the key."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key
