"""Pictures that the browser fetches from one of our routes by itself; `st.image` takes none without a host."""

from __future__ import annotations

import html

import streamlit as st


def remote_picture(address: str, alt: str, *, widest: int = 900) -> None:
    """Show the picture at `address` across the room there is, at most `widest` pixels; loaded when scrolled to."""
    st.html(
        f'<img src="{html.escape(address)}" alt="{html.escape(alt)}" loading="lazy" '
        f'style="display:block;width:100%;max-width:{widest}px;border-radius:8px">'
    )
