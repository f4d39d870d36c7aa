"""What the walk page shows: one frozen plan in the session, which links carry and widgets only show."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shell.kept import Kept
from pages.shell.links import is_link, link_was_read, page_query
from pages.studio.state import RECIPE
from vaelab.editing.recipe import FaceRecipe, fit_to_model, read_query
from vaelab.editing.sliders import sliders

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

PLAN, LINK = "walk.plan", "walk.link"
REACHES = (1.0, 12.0)
SCALES = {"probability": "Probability", "odds": "Log-odds"}
MOST_DETECTORS = 4
FALSE_POSITIVE_RATES = (0.01, 0.001)
"""At 5 % both shipped detectors call almost everything a face; a walk would show nothing."""


@dataclass(frozen=True)
class Plan:
    """A face, a way to go, and who looks.

    Attributes:
        recipe: the start with its edits; what it holds fixed is held along the walk too.
        along: key of the slider whose direction is walked; empty for the model's first.
        reach: how far to either side, in steps of the direction.
        fpr: false-positive rate that all detectors are held to.
        detectors: run ids; empty for the first two there are.
        scale: one of SCALES.
    """

    recipe: FaceRecipe
    along: str = ""
    reach: float = 6.0
    fpr: float = FALSE_POSITIVE_RATES[0]
    detectors: tuple[str, ...] = ()
    scale: str = "probability"

    def to_query(self) -> dict[str, str]:
        """Query parameters that `read_plan` turns back into this plan."""
        return {
            **self.recipe.to_query(),
            "along": self.along,
            "reach": f"{self.reach:g}",
            "fpr": f"{self.fpr:g}",
            "with": "~".join(self.detectors),
            "y": self.scale,
        }


def read_plan(query: Mapping[str, str], default: Plan) -> tuple[Plan, list[str]]:
    """The plan in a link; whatever is missing or unusable keeps its value, with a sentence where that is so."""
    recipe, notes = read_query(query, default.recipe)
    changes: dict[str, Any] = {"recipe": recipe, "along": query.get("along", "")[:80]}
    if text := query.get("reach", ""):
        low, high = REACHES
        if text.isascii() and text.isdigit() and low <= int(text[:4]) <= high:
            changes["reach"] = float(int(text[:4]))
        else:
            notes.append(f"The link's reach is not a whole number from {low:g} to {high:g}.")
    if text := query.get("fpr", ""):
        rates = {f"{fpr:g}": fpr for fpr in FALSE_POSITIVE_RATES}
        if text in rates:
            changes["fpr"] = rates[text]
        else:
            notes.append(f"The link's false-positive rate is none of {', '.join(rates)}.")
    changes["detectors"] = tuple(filter(None, query.get("with", "")[:800].split("~")))
    if query.get("y", "") in SCALES:
        changes["scale"] = query["y"]
    return dataclasses.replace(default, **changes), notes


def fit_plan(plan: Plan, model: FaceModel, detectors: Sequence[str]) -> tuple[Plan, list[str]]:
    """The plan with everything replaced that this model or this machine does not have, and a sentence for each."""
    recipe, notes = fit_to_model(plan.recipe, model)
    keys = [slider.key for slider in sliders(model, recipe.method)]
    if plan.along not in keys:
        if plan.along:
            notes.append(f"{model.run_id} has no such direction as the link asks for; its first one is walked.")
        plan = dataclasses.replace(plan, along=keys[0])
    kept = tuple(name for name in plan.detectors if name in detectors)[:MOST_DETECTORS]
    if len(kept) < len(plan.detectors):
        notes.append("A detector that the link names is not on this machine, or takes pictures of another size.")
    return dataclasses.replace(plan, recipe=recipe, detectors=kept or tuple(detectors[:2])), notes


plan = Kept[Plan](PLAN)
keep_plan, change = plan.keep, plan.change


def explored() -> FaceRecipe | None:
    """The face on the Explore page in this session."""
    recipe = st.session_state.get(RECIPE)
    return recipe if isinstance(recipe, FaceRecipe) else None


def open_plan(run_ids: Sequence[str]) -> list[str]:
    """Decide what the page shows: a link, else what it showed before, else the face from Explore."""
    notes: list[str] = []
    default = Plan(explored() or FaceRecipe(model=run_ids[0]))
    if is_link(LINK):
        opened, notes = read_plan(page_query(), Plan(FaceRecipe(model=run_ids[0])))
    else:
        opened = plan.before() or default
    if opened.recipe.model not in run_ids:
        notes.append(f"There is no model of the name asked for here, so this is {run_ids[0]}.")
        opened = Plan(opened.recipe.started(model=run_ids[0]))
    keep_plan(opened)
    link_was_read(LINK)
    return notes
