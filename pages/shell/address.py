"""The address bar, shared by a page and the frame around it: a page reads and writes its own part only.

A page takes an address that it did not write for a link, so what the frame keeps there must not look like one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

TOUR = "tour"
FRAME = (TOUR,)
"""Query parameters that belong to the frame."""


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
