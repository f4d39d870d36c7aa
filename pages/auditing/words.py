"""Figures of an audit as people read them on a screen, the report's with their units. Pure: no Streamlit here."""

from __future__ import annotations

from vaelab.audit.report import wording
from vaelab.evaluation.fairness.two_level import TwoLevel

RULING_LOOKS = {
    "improved": ("green", ":material/trending_up:"),
    "worse": ("red", ":material/trending_down:"),
    "no evidence": ("gray", ":material/drag_handle:"),
    "too few data": ("orange", ":material/hourglass_empty:"),
    "no ruling": ("gray", ":material/visibility:"),
}
"""Colour and icon of each verdict."""


def percent(value: float | None, digits: int = 1) -> str:
    """`95.1 %`; a dash where there is no number."""
    shown = wording.percent(value, digits)
    return shown if shown == wording.NOTHING else f"{shown} %"


def level(found: TwoLevel | None, digits: int = 1) -> str:
    """`95.1 % [94.0, 96.0]`; a dash where nothing may be said."""
    if found is None:
        return wording.NOTHING
    low, high = (wording.percent(end, digits) for end in (found.low, found.high))
    return f"{percent(found.value, digits)} [{low}, {high}]"
