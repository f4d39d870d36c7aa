"""Is it only this face? The same walk of many stored faces, with counts, intervals and paired tests."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.auditing.words import percent
from pages.counterfactual.detectors import load_detectors
from pages.counterfactual.figure import survey_figure
from pages.counterfactual.plan import Plan, plan
from pages.shell.boundary import error_boundary
from pages.shell.loaders import find, load_model
from vaelab.counterfactual import Survey, random_ways, walk_many
from vaelab.editing.sliders import find_slider, step_vector
from vaelab.evaluation.paired import Paired
from vaelab.evaluation.rates import Rate
from vaelab.rng import numpy_generator
from vaelab.wording import signed, with_minus

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

SURVEY = "walk.survey"
NUM_FACES = 200
SEED = 0
STEPS = 8
"""To either side: 17 pictures of each face."""


@st.fragment
@error_boundary
def survey_section() -> None:
    """Button, progress, and the result for as long as it belongs to what is shown."""
    now = plan()
    run = find(now.recipe.model)
    model = load_model(run)
    st.subheader("Is it only this face?", anchor=False)
    if model.latents is None:
        st.info(f"{model.run_id} stores no faces. `python -m vaelab encode {model.run_id}` keeps some.")
        return
    count = min(NUM_FACES, len(model.latents.mu))
    st.markdown(
        f"One face is a story. Walk {count} stored faces the same way, chosen by lot (seed {SEED}), and count how many "
        "each detector still sees. Each face then walks a random way of its own that changes its picture about as "
        "much, which tells what the direction does from what any change does."
    )
    is_asked = st.button(f"Walk {count} faces", icon=":material/groups:", key="walk.many")
    slot = st.empty()
    if is_asked:
        st.session_state[SURVEY] = (_question(now, model), _surveyed(model, now, count, slot))
        slot.empty()
    question, survey = st.session_state.get(SURVEY, (None, None))
    if question == _question(now, model):
        show_survey(survey, find_slider(model, now.recipe.method, now.along, run.slider_names).name)


def show_survey(survey: Survey, direction: str) -> None:
    """Figure, sentences and tests."""
    words = [_in_words(survey, name) for name in survey.seen]
    st.plotly_chart(
        survey_figure(survey, direction),
        config={"displayModeBar": False},
        key="walk.survey.figure",
        alt=f"Share of {survey.num_faces} faces seen along {direction}. {' '.join(words)}",
    )
    st.markdown("  \n".join(words))
    table = pd.DataFrame(
        [
            {
                "Compared": f"{pair.first} − {pair.second}",
                "Difference, points": _points(pair),
                "Only the first": pair.only_first,
                "Only the second": pair.only_second,
                "p": f"{pair.p_value:.2g}",
                "p, corrected": f"{pair.p_holm:.2g}",
            }
            for pair in survey.comparisons()
        ]
    )
    st.dataframe(table, hide_index=True, alt="Paired comparisons of detectors and ends of the walk")
    st.caption(
        f"n = {survey.num_faces} stored faces. Bands and brackets: 95 % intervals (Wilson; Bonett and Price for "
        "differences, in percentage points). p: exact McNemar test on the faces that only one of the two sees; "
        f"corrected by Holm's method for the {len(table)} comparisons shown. A direction moves more than its name "
        "says, so a difference between its two ends is about this direction of this model, not about people."
    )


def _surveyed(model: FaceModel, now: Plan, count: int, slot: st.delta_generator.DeltaGenerator) -> Survey:
    assert model.latents is not None  # asked before
    rows = numpy_generator(SEED, "walked faces").choice(len(model.latents.mu), count, replace=False)
    vector = step_vector(model, now.recipe, find_slider(model, now.recipe.method, now.along))
    detectors = load_detectors(now.detectors, now.fpr)
    bar = slot.progress(0.0, text=f"Walking {count} faces")

    def advanced(share: float) -> None:
        bar.progress(share, f"Walking {count} faces")

    ways = random_ways(vector, model.latents.prior_factor, model.latents.posterior_std, count, SEED)
    return walk_many(
        model,
        detectors,
        model.latents.mu[rows],
        vector,
        now.reach,
        STEPS,
        ways,
        advanced,
    )


def _question(now: Plan, model: FaceModel) -> tuple[object, ...]:
    """What a survey answers: all of the plan but the face it starts from and how it is shown."""
    asked = dataclasses.replace(now, recipe=now.recipe.started(start="", seed=0, face="", z=""), scale="")
    return asked, model.weights_fingerprint


def _points(pair: Paired) -> str:
    low, difference, high = (f"{100 * share:+.1f}" for share in (pair.low, pair.difference, pair.high))
    return with_minus(f"{difference} ({low} to {high})")


def _in_words(survey: Survey, detector: str) -> str:
    shares = survey.shares(detector)
    start, ends = shares[len(shares) // 2], (shares[0], shares[-1])
    at = [
        f"{_interval(share)} at {signed(float(position))}"
        for share, position in zip(ends, survey.positions[[0, -1]], strict=True)
    ]
    words = f"{detector} sees {percent(start.rate)} of the {survey.num_faces} faces at the start, {at[0]} and {at[1]}"
    far = survey.shares(detector, is_control=True)[-1]
    return f"{words}; at the end of random ways that change as much, {_interval(far)}."


def _interval(share: Rate) -> str:
    return f"{percent(share.rate)} ({percent(share.low)} to {percent(share.high)})"
