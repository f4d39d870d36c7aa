"""How photos are searched: one frozen plan in the session, which links carry. Photos are in no link."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pages.shell.kept import Kept
from pages.shell.links import is_link, link_was_read, page_query

PLAN, LINK = "detect.plan", "detect.link"
RATES = (3.0, 1.0, 0.3, 0.1)
SMALLEST = (32, 48, 64, 96, 128)
MOST_DETECTORS = 3


@dataclass(frozen=True)
class Plan:
    """Who looks, and for what.

    Attributes:
        detectors: run ids; empty for the first there are.
        rate: false alarms per photo that all are held to.
        smallest: side of the smallest square looked at, pixels of the photo.
    """

    detectors: tuple[str, ...] = ()
    rate: float = 1.0
    smallest: int = 48

    def to_query(self) -> dict[str, str]:
        """Query parameters that `read_plan` turns back into this plan."""
        return {"with": "~".join(self.detectors), "alarms": f"{self.rate:g}", "smallest": f"{self.smallest}"}


def read_plan(query: Mapping[str, str]) -> tuple[Plan, list[str]]:
    """The plan in a link; what is missing or unusable keeps its default, with a sentence where it is unusable."""
    notes: list[str] = []
    rates = {f"{rate:g}": rate for rate in RATES}
    sides = {f"{side}": side for side in SMALLEST}
    for name, known, told in (("alarms", rates, "number of false alarms"), ("smallest", sides, "smallest face")):
        if query.get(name, "") and query[name] not in known:
            notes.append(f"The link's {told} is none of {', '.join(known)}.")
    names = tuple(filter(None, query.get("with", "")[:800].split("~")))
    rate = rates.get(query.get("alarms", ""), Plan.rate)
    return Plan(names, rate, sides.get(query.get("smallest", ""), Plan.smallest)), notes


plan = Kept[Plan](PLAN)
change = plan.change


def open_plan(detectors: Sequence[str]) -> list[str]:
    """Decide what the page shows: a link, else what it showed before; sentences about what could not be honoured."""
    notes: list[str] = []
    opened = plan.before() or Plan()
    if is_link(LINK):
        opened, notes = read_plan(page_query())
    kept = tuple(name for name in dict.fromkeys(opened.detectors) if name in detectors)[:MOST_DETECTORS]
    if len(kept) < len(opened.detectors):
        notes.append("A detector that the link names is not on this machine.")
    plan.keep(dataclasses.replace(opened, detectors=kept or tuple(detectors[:MOST_DETECTORS])))
    link_was_read(LINK)
    return notes
