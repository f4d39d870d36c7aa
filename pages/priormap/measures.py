"""What the page knows of a model's priors: draws, holes, likelihoods; computed once for each, kept for all visitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from vaelab.editing.recipe import START_OF, STARTS
from vaelab.wording import counted

if TYPE_CHECKING:
    from vaelab.evaluation.holes import Surroundings
    from vaelab.evaluation.intervals import MeanWithInterval
    from vaelab.evaluation.rates import Rate
    from vaelab.inference import FaceModel

NUM_DRAWS = 2000
"""Latents drawn from each prior to measure it."""
SHELL_FROM = 10
"""Latents from which 99 % of the draws from N(0, I) lie at more than half their typical distance from 0."""


def prior_name(prior: str) -> str:
    """A prior's name for people, the same as on Explore."""
    return STARTS[START_OF[prior]]


def latents_key(model: FaceModel) -> str:
    """Text that changes with the weights, the stored latents and the fitted priors of a model."""
    stored = 0.0 if model.latents is None else float(model.latents.mu.sum())
    fitted = 0.0 if model.fitted_priors is None else float(model.fitted_priors.mixture.means.sum())
    return f"{model.run_id}/{model.weights_fingerprint}/{stored!r}/{fitted!r}"


def surroundings(model: FaceModel) -> Surroundings:
    """The encoded faces of a model that stores some."""
    found: Surroundings = _surroundings(latents_key(model), model)
    return found


def draws(model: FaceModel, prior: str, temperature: float) -> NDArray[np.float32]:
    """(NUM_DRAWS, latent) draws; the same noise in every prior."""
    return model.sample_latents(NUM_DRAWS, 0, prior, temperature)


def table(model: FaceModel, temperature: float) -> pd.DataFrame:
    """A row for each prior: likelihood of held-out faces, holes, faces left out."""
    rows = []
    for prior in model.priors:
        in_holes, left_out = _shares(latents_key(model), prior, temperature, model)
        likelihoods = {} if model.fitted_priors is None else model.fitted_priors.likelihoods
        nats = likelihoods[prior].over_standard if prior in likelihoods and prior != "standard" else None
        rows.append((prior_name(prior), gained(nats), shown(in_holes), shown(left_out)))
    columns = ["Prior", "Held-out faces, nats over N(0, I)", "Draws in holes", "Faces left out"]
    return pd.DataFrame(rows, columns=columns)


def shares(model: FaceModel, prior: str, temperature: float) -> tuple[Rate, Rate]:
    """Draws in holes, and faces left out, of one prior."""
    found: tuple[Rate, Rate] = _shares(latents_key(model), prior, temperature, model)
    return found


def shown(share: Rate) -> str:
    """A share with its interval, for tables and sentences."""
    return f"{share.rate:.1%} ({share.low:.1%} to {share.high:.1%})"


def lengths_of_draws(num_latents: int) -> str:
    """How far from 0 draws of N(0, I) lie, as a sentence."""
    where, around = f"In {counted(num_latents, 'dimension')}", f"around {num_latents**0.5:.1f}"
    if num_latents < SHELL_FROM:
        return f"{where} draws from N(0, I) lie {around}, widely spread."
    return f"{where} N(0, I) is a thin shell {around}."


def gained(nats: MeanWithInterval | None) -> str:
    """A gain in nats with its interval, or a dash."""
    if nats is None:
        return "–"
    return f"{nats.mean:+.1f} ({nats.low:+.1f} to {nats.high:+.1f})".replace("-", "−")


@st.cache_resource(max_entries=8, show_spinner=False)
def _surroundings(key: str, _model: FaceModel) -> Surroundings:
    from vaelab.evaluation.holes import Surroundings

    assert _model.latents is not None  # the page asks only where there are some
    return Surroundings.of(_model.latents)


@st.cache_resource(max_entries=200, show_spinner=False)
def _shares(key: str, prior: str, temperature: float, _model: FaceModel) -> tuple[Rate, Rate]:
    around, z = surroundings(_model), draws(_model, prior, temperature)
    return around.in_holes(z), around.left_out(z)
