"""Links: a page keeps what it shows in the address bar, and knows an address that it did not write there itself.

The frame around the pages keeps a word in the address too; a page reads and writes its own part only, for what the
frame keeps there must not look like a link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

TOUR = "tour"
FRAME = (TOUR,)
"""Query parameters that belong to the frame."""
WRITER = "links.writer"
"""Where the session keeps which page wrote the address last."""
REMEMBERED = 20
"""Earlier addresses of a page that a late click may still carry."""


def page_query() -> dict[str, str]:
    """The page's own query parameters, the last value of each."""
    return {name: value for name, value in st.query_params.to_dict().items() if name not in FRAME}


def page_query_lists() -> dict[str, list[str]]:
    """The page's own query parameters with all their values."""
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in FRAME}


def write_page_query(query: Mapping[str, str | Sequence[str]]) -> None:
    """Replace the page's own query parameters; the frame's stay."""
    kept = {name: st.query_params[name] for name in FRAME if name in st.query_params}
    st.query_params.from_dict({**query, **kept})


def lead_on(page: Path) -> NoReturn:
    """Go to a page, with all that the address asks for."""
    st.switch_page(page, query_params={name: st.query_params.get_all(name) for name in st.query_params})


def is_link(key: str) -> bool:
    """Whether the address has a query that is not known under `key`: a link, or the back button.

    An address without a query is none: a visitor comes back from another page, and finds what the page showed. Nor is
    one that the page itself wrote a moment ago: a click that was on its way before the browser had the new address
    brings the one before, and following it would undo the click.
    """
    query = page_query_lists()
    if not query or query == st.session_state.get(key):
        return False
    was_here = st.session_state.get(WRITER) == key
    return _is_history_navigation() or not was_here or query not in st.session_state.get(f"{key}.before", [])


def _is_history_navigation() -> bool:
    """Whether the browser's back or forward button led here."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def link_was_read(key: str) -> None:
    """Follow a link once; to be called as soon as the session keeps what it says.

    A click while the page is still being drawn ends the run before `write_link`, and the next run would follow the
    same link again and undo the click.
    """
    st.session_state[key] = page_query_lists()


def write_link(query: Mapping[str, str | Sequence[str]], key: str) -> None:
    """Put a link to what is shown into the address bar; the browser's back button then undoes a change.

    Args:
        query: its parameters; empty ones are left out, since an address brings none of them back.
        key: where the session keeps what was written, for `is_link`.
    """
    written = {name: [value] if isinstance(value, str) else list(value) for name, value in query.items() if value}
    if written != page_query_lists():
        write_page_query(written)
    if (last := st.session_state.get(key)) != written:
        st.session_state[f"{key}.before"] = [*st.session_state.get(f"{key}.before", []), last][-REMEMBERED:]
    st.session_state[key], st.session_state[WRITER] = written, key
