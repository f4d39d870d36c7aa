"""How figures are written in the README."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.readme.places import ROOT


def read_kept(name: str) -> Any:
    """What a benchmark kept in `benchmarks/<name>.json`."""
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text(encoding="utf-8"))


def kept_rows(beginning: str = "") -> list[dict[str, Any]]:
    """What `make bench` kept of what begins so."""
    rows: list[dict[str, Any]] = read_kept("results")["results"]
    return [row for row in rows if row["what"].startswith(beginning)]


def bench_machine() -> str:
    """The machine that `make bench` was kept on."""
    return where(read_kept("results")["machine"])


def where(machine: dict[str, Any]) -> str:
    """The machine that something was measured on."""
    name = machine["gpu"] or f"{machine['processor']}, {machine['threads']} threads"
    return f"{name} (torch {machine['torch']})"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]


def percent(share: float) -> str:
    """A share with one digit."""
    return f"{100 * share:.1f} %"


def share(value: dict[str, float]) -> str:
    """A share and its interval."""
    return f"{100 * value['value']:.2f} % [{100 * value['low']:.2f}, {100 * value['high']:.2f}]"


def estimate(value: dict[str, float]) -> str:
    """A figure, and its interval where it has one."""
    middle = f"{value['mean'] if 'mean' in value else value['value']:.4g}"
    return f"{middle} [{value['low']:.4g}, {value['high']:.4g}]" if "low" in value else middle


def figure(value: object) -> str:
    """Three digits of a number, the ends of a range, or a word as it is."""
    if isinstance(value, list):
        return "–".join(figure(item) for item in value)
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)
