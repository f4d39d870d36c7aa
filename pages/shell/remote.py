"""Pictures that the browser fetches from one of our routes by itself; `st.image` takes none without a host."""

from __future__ import annotations

import html

import streamlit as st


def remote_picture(address: str, alt: str, *, widest: int = 900, shape: tuple[int, int] | None = None) -> None:
    """Show the picture at `address` across the room there is, at most `widest` pixels; loaded when scrolled to.

    Args:
        shape: width and height in any unit, so that its room is kept until it is there.
    """
    room = f";aspect-ratio:{shape[0]}/{shape[1]};background:rgb(128 128 128 / 0.12)" if shape else ""
    st.html(
        f'<img src="{html.escape(address)}" alt="{html.escape(alt)}" loading="lazy" '
        f'style="display:block;width:100%;max-width:{widest}px;border-radius:8px{room}">'
    )
