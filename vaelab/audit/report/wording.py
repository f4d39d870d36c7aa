"""Figures as a report writes them: percent, points, intervals, p-values; a dash where there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaelab.wording import with_minus

if TYPE_CHECKING:  # so that the command line does not pay for the statistics
    from vaelab.evaluation.fairness.two_level import TwoLevel

NOTHING = "–"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent, without the sign."""
    return NOTHING if value is None or value != value else with_minus(f"{100 * value:.{digits}f}")


def with_interval(estimate: TwoLevel | None, digits: int = 1) -> str:
    """A share in percent with its interval: `91.2 [90.1, 92.3]`."""
    if estimate is None:
        return NOTHING
    return f"{percent(estimate.value, digits)} [{percent(estimate.low, digits)}, {percent(estimate.high, digits)}]"


def points(estimate: TwoLevel) -> str:
    """A difference in percentage points with its sign and interval."""
    low, value, high = (with_minus(f"{100 * figure:+.2f}") for figure in (estimate.low, estimate.value, estimate.high))
    return f"{value} [{low}, {high}]"


def number(value: float | None, digits: int = 2) -> str:
    """A plain number."""
    return NOTHING if value is None else with_minus(f"{value:,.{digits}f}")


def p_value(value: float | None) -> str:
    """A p-value to two digits; `< 0.001` below."""
    if value is None or value != value:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.2g}"
