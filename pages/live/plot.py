"""Curves that take new points without being drawn anew: a zoom, the smoothing and the scales stay the visitor's.

Streamlit's own charts cannot: ECharts gets every update as a new chart (`notMerge`), and Vega's scale-bound zoom falls
back to the whole range when rows are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "live_plot",
    html=(HERE / "plot.html").read_text(encoding="utf-8"),
    css=(HERE / "plot.css").read_text(encoding="utf-8"),
    js=(HERE / "plot.js").read_text(encoding="utf-8"),
)


def plot(
    panels: Sequence[Mapping[str, Any]],
    marks: Sequence[Mapping[str, Any]] = (),
    *,
    key: str,
    height: int = 190,
    narrowest: int = 340,
    plain: bool = False,
) -> None:
    """Show panels side by side under one zoom over the images seen.

    Args:
        panels: each with `title`, `positive` (whether a log scale makes sense) and `lines`, as
            `pages.live.history.panel` makes them.
        marks: upright lines through all panels: `x`, `text`, and `strong` where somebody did something.
        height: of each panel, in pixels.
        narrowest: width below which panels go under each other, in pixels.
        plain: without the tools; dragging and the keyboard still zoom.
    """
    data = {
        "panels": list(panels),
        "marks": list(marks),
        "height": height,
        "narrowest": narrowest,
        "plain": plain,
    }
    _mount(key=key, data=data)
