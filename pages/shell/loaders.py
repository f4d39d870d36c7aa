"""Runs and models for the pages. Small and stable: Streamlit drops a cache whose function's body changes."""

from __future__ import annotations

import streamlit as st

from vaelab.errors import RunError
from vaelab.inference import FaceModel
from vaelab.recipes import RECIPES
from vaelab.runs.stamps import model_stamp, weights_stamp
from vaelab.runs.store import RUNS_DIR, Run, list_runs

__all__ = ["decoder_runs", "find", "is_loaded", "load_model", "model_stamp", "weights_stamp"]

KEPT_MODELS = 12
"""Models in memory for all visitors: one page asks for up to six at every rerun. The largest that ships takes 25 MB."""
_seen: set[tuple[str, str]] = set()
"""(run id, model stamp) of the models that were loaded since the server started."""


def decoder_runs() -> list[Run]:
    """Runs whose faces can be drawn now: they have a decoder and weights.

    Shipped ones first, small pictures before large ones, in the order of the recipes: the first is what a visitor meets
    first. Then the newest.
    """
    runs = [run for run in list_runs(RUNS_DIR) if _is_drawable(run)]
    order = {recipe: place for place, recipe in enumerate(RECIPES)}

    def shipped_place(run: Run) -> tuple[int, int]:
        return run.config.data.size, order.get(run.config.recipe, len(order))

    return sorted((r for r in runs if r.is_shipped), key=shipped_place) + [r for r in runs if not r.is_shipped]


def find(run_id: str) -> Run:
    """The run with this id, looked up by name only, so that nothing from a link is ever used as a path.

    Raises:
        RunError: there is none.
    """
    for run in list_runs(RUNS_DIR):
        if run.id == run_id:
            return run
    raise RunError("This model is gone: its run folder was moved or deleted. Reload the page to see what there is.")


def load_model(run: Run) -> FaceModel:
    """The model of `run` with the weights, latents and priors it has now, kept in memory for all visitors.

    Torch is imported for its first picture, not here.
    """
    model: FaceModel = _load(run.id, model_stamp(run), run)
    return model


def is_loaded(run: Run) -> bool:
    """Whether `load_model` would answer at once; a hint for showing placeholders, no promise."""
    return (run.id, model_stamp(run)) in _seen


@st.cache_resource(max_entries=KEPT_MODELS, show_spinner=False)
def _load(run_id: str, stamp: str, _run: Run) -> FaceModel:
    model = FaceModel.open(_run)
    _seen.add((run_id, stamp))
    return model


def _is_drawable(run: Run) -> bool:
    try:
        return run.config.has_decoder and run.weights_path.is_file()
    except RunError:  # half written or damaged: the models page says so, here it is only passed over
        return False
