"""Figures of an audit as people read them. Pure: no Streamlit here."""

from __future__ import annotations

import math

from vaelab.evaluation.fairness.two_level import TwoLevel
from vaelab.wording import with_minus

RULING_LOOKS = {
    "improved": ("green", ":material/trending_up:"),
    "worse": ("red", ":material/trending_down:"),
    "no evidence": ("gray", ":material/drag_handle:"),
    "too few data": ("orange", ":material/hourglass_empty:"),
    "no ruling": ("gray", ":material/visibility:"),
}
"""Colour and icon of each verdict."""


def percent(value: float, digits: int = 1) -> str:
    """`95.1 %`; a dash where there is no number."""
    return "–" if math.isnan(value) else f"{100 * value:.{digits}f} %"


def level(found: TwoLevel | None, digits: int = 1) -> str:
    """`95.1 % [94.0, 96.0]`; a dash where nothing may be said."""
    if found is None:
        return "–"
    return f"{percent(found.value, digits)} [{100 * found.low:.{digits}f}, {100 * found.high:.{digits}f}]"


def points(found: TwoLevel) -> str:
    """A difference in percentage points: `+1.20 [+0.40, +2.00]`."""
    low, high = (f"{100 * figure:+.2f}" for figure in (found.low, found.high))
    return with_minus(f"{100 * found.value:+.2f} [{low}, {high}]")


def squared(value: float | None) -> str:
    """A variance in squared percentage points."""
    return "–" if value is None else with_minus(f"{value:.2f}")


def p_value(value: float | None) -> str:
    """`0.012`, `< 0.001`, or a dash."""
    if value is None or math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
