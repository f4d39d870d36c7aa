"""What was measured beside what was kept before: what moved, and what only wavers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchmarks.kept import Row, Rows

WAVERS = 1.25
"""Absolute figures of one machine differ by so much from hour to hour; a ratio of one run tells by its own range."""
Verdict = Literal["higher", "lower", "as before", "not comparable"]


@dataclass(frozen=True)
class Comparison:
    """One figure now and before.

    Attributes:
        what: the row.
        name: the figure in it.
        verdict: where both have a range over rounds (`NAME_range`), whether the ranges lie apart; else whether they
            are further apart than WAVERS, which is asked on the machine that the kept ones are from alone.
    """

    what: str
    name: str
    now: float
    before: float
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.what}: {self.name.replace('_', ' ')} {self.now:.4g}, kept {self.before:.4g}: {self.verdict}"


def comparisons(found: Rows, kept: Rows, *, same_machine: bool) -> list[Comparison]:
    """Every figure that both have, in the order of `found`."""
    before = {row["what"]: row for row in kept}
    return [one for row in found for one in _of_row(row, before.get(row["what"], {}), same_machine)]


def _of_row(now: Row, before: Row, same_machine: bool) -> Iterator[Comparison]:
    for name, value in now.items():
        if isinstance(value, float) and isinstance(before.get(name), float):
            verdict: Verdict = "not comparable"
            if isinstance(now.get(f"{name}_range"), list) and isinstance(before.get(f"{name}_range"), list):
                verdict = _by_ranges(now[f"{name}_range"], before[f"{name}_range"])
            elif same_machine:
                verdict = _by_ranges([value, value * WAVERS], [before[name], before[name] * WAVERS])
            yield Comparison(now["what"], name, value, before[name], verdict)


def _by_ranges(now: list[float], before: list[float]) -> Verdict:
    if now[0] > before[1]:
        return "higher"
    return "lower" if now[1] < before[0] else "as before"


def summary(found: list[Comparison], missing: int) -> str:
    """The figures that moved, a line each, and how many did not; `missing` rows had nothing to compare with."""
    moved = [str(one) for one in found if one.verdict in ("higher", "lower")]
    counts = {verdict: sum(one.verdict == verdict for one in found) for verdict in ("as before", "not comparable")}
    lines = [f"Figures that moved: {len(moved)}; that did not: {counts['as before']}."]
    if counts["not comparable"]:
        lines.append(f"Figures that depend on the machine, which is another one: {counts['not comparable']}.")
    if missing:
        lines.append(f"Rows that were not kept before: {missing}.")
    return "\n".join([*lines, *moved])
