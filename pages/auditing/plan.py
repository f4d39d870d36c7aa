"""What the Audit page shows: one frozen plan in the session, which links carry and widgets only show."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pages.shell.kept import Kept
from pages.shell.links import is_link, link_was_read, page_query
from vaelab.wording import rate_name

PLAN, LINK = "audit.plan", "audit.link"
FPRS = (0.05, 0.01, 0.001)
"""False-positive rates to look at, beside an experiment's primary one."""
VIEWS = {
    "groups": "Groups",
    "arms": "Arms",
    "curves": "ROC",
    "threshold": "Threshold",
    "seeds": "Seeds",
    "exposure": "Exposure",
    "published": "Published",
    "report": "Report",
    "fixed": "Fixed 0.5",
}
"""Parts of the page beneath the verdict, one at a time. The fixed threshold is last, and says why."""


@dataclass(frozen=True)
class Plan:
    """What is looked at.

    Attributes:
        audit: name; empty for the first there is.
        split: test, or val to choose on.
        columns: labels that make the groups; empty for the experiment's own.
        fpr: one of FPRS or of the experiment; 0 for the experiment's primary one.
        view: one of VIEWS.
        arm, group: whose misses are shown; empty for none yet.
    """

    audit: str = ""
    split: str = "test"
    columns: tuple[str, ...] = ()
    fpr: float = 0.0
    view: str = "groups"
    arm: str = ""
    group: str = ""

    def to_query(self) -> dict[str, str]:
        """Query parameters that `read_plan` turns back into this plan."""
        return {
            "audit": self.audit,
            "split": self.split,
            "by": "~".join(self.columns),
            "fpr": f"{self.fpr:g}" if self.fpr else "",
            "view": self.view,
            "arm": self.arm,
            "group": self.group,
        }


def read_plan(query: Mapping[str, str]) -> tuple[Plan, list[str]]:
    """The plan in a link; whatever is unusable takes its default, with a sentence where that is so."""
    notes: list[str] = []
    fpr = _rate(query.get("fpr", ""))
    if query.get("fpr") and not fpr:
        notes.append(f"The link's false-positive rate is none of {', '.join(map(rate_name, FPRS))}.")
    if query.get("view", "groups") not in VIEWS:
        notes.append("The link asks for a part of the page that there is not.")
    return (
        Plan(
            audit=query.get("audit", "")[:80],
            split=query.get("split", "test")[:20],
            columns=tuple(filter(None, query.get("by", "")[:400].split("~"))),
            fpr=fpr,
            view=query["view"] if query.get("view") in VIEWS else "groups",
            arm=query.get("arm", "")[:80],
            group=query.get("group", "")[:200],
        ),
        notes,
    )


def _rate(text: str) -> float:
    """The rate in a link; 0 where there is none."""
    try:
        fpr = float(text)
    except ValueError:
        return 0.0
    return fpr if 0 < fpr < 1 else 0.0


def fit_plan(
    plan: Plan, splits: Sequence[str], columns: Sequence[str], rates: Sequence[float], primary: float
) -> tuple[Plan, list[str]]:
    """The plan with everything replaced that the audit does not have, and a sentence for each.

    Args:
        splits, columns: of the audit that is shown; the first split is the default.
        rates: false-positive rates that its calibration negatives allow, highest first.
        primary: its own.
    """
    notes: list[str] = []
    if plan.split not in splits and splits:
        notes.append(f"This audit has no split {plan.split}; it shows {splits[0]}.")
        plan = dataclasses.replace(plan, split=splits[0])
    known = tuple(name for name in plan.columns if name in columns)
    if len(known) < len(plan.columns):
        notes.append("The link groups by a label that these faces do not have.")
        plan = dataclasses.replace(plan, columns=known)
    if (plan.fpr or primary) not in rates:
        notes.append(
            f"At {rate_name(plan.fpr or primary)} false positives this audit has too few calibration negatives to set "
            f"a threshold; it is shown at {rate_name(rates[-1])}."
            if plan.fpr in (0, primary, *FPRS)
            else f"The link's false-positive rate is none of {', '.join(map(rate_name, rates))}."
        )
        plan = dataclasses.replace(plan, fpr=rates[-1])
    return plan, notes


plan = Kept[Plan](PLAN)
keep_plan, change, sets = plan.keep, plan.change, plan.sets


def open_plan(audits: Sequence[str]) -> list[str]:
    """Decide what the page shows: a link, else what it showed before, else the first audit."""
    notes: list[str] = []
    opened = plan.before() or Plan()
    if is_link(LINK):
        opened, notes = read_plan(page_query())
    if opened.audit not in audits:
        if opened.audit:
            notes.append("There is no audit of the name asked for on this machine, so this is another one.")
            opened = dataclasses.replace(opened, arm="", group="")
        opened = dataclasses.replace(opened, audit=audits[0])
    keep_plan(opened)
    link_was_read(LINK)
    return notes
