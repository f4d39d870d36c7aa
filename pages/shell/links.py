"""Links: a page keeps what it shows in the address bar, and knows an address that it did not write there itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st


def address_query() -> dict[str, list[str]]:
    """All values of each query parameter in the address bar."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def is_link(key: str) -> bool:
    """Whether the address has a query that `write_link` did not write under `key`: a link, or the back button.

    An address without a query is none: a visitor comes back from another page, and finds what the page showed.
    """
    query = address_query()
    return bool(query) and query != st.session_state.get(key)


def write_link(query: Mapping[str, str | Sequence[str]], key: str) -> None:
    """Put a link to what is shown into the address bar; the browser's back button then undoes a change.

    Args:
        query: its parameters; empty ones are left out, since an address brings none of them back.
        key: where the session keeps what was written, for `is_link`.
    """
    written = {name: [value] if isinstance(value, str) else list(value) for name, value in query.items() if value}
    if written != address_query():
        st.query_params.from_dict(written)
    st.session_state[key] = written
