"""Numbers of each face that points are coloured by: what they mean, where they come from, whether they can be had."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.counterfactual.detectors import detector_runs
from pages.latentmap.underway import under_way
from pages.priormap.measures import latents_key
from pages.shell.loaders import find, weights_stamp
from vaelab.data.manifest import MANIFEST_FILE, Manifest
from vaelab.errors import DataError, RunError
from vaelab.evaluation.lightness import CAVEATS
from vaelab.jobs.mapping import begin_measure
from vaelab.runs.maps import values_path
from vaelab.runs.store import Run
from vaelab.wording import with_minus

if TYPE_CHECKING:
    from vaelab.inference import FaceModel
    from vaelab.scorecard.per_face import Measure

TYPICAL, DRAWN, ERROR, LIGHTNESS = "typical", "drawn", "error", "lightness"
SEEN = "seen:"
"""Before the run id of the detector that is asked."""
SUREST = 0.999
"""Beyond it a probability is only said to be beyond it: most faces are, and differ in their log-odds alone."""


@dataclass(frozen=True)
class Quantity:
    """One of them.

    Attributes:
        name: in the list of colours.
        low, high: what its two ends mean.
        shown: a value in words, with its unit.
        about: what it is, in a sentence or two.
        caveat: what has to be known before anything is read off it.
    """

    name: str
    low: str
    high: str
    shown: Callable[[float], str]
    about: str
    caveat: str = ""


def _surety(log_odds: float) -> str:
    share = 1.0 / (1.0 + math.exp(-min(max(log_odds, -50.0), 50.0)))
    if share > SUREST or share < 1.0 - SUREST:
        probability = f"over {SUREST:.1%}" if share > SUREST else f"under {1.0 - SUREST:.1%}"
    else:
        probability = f"{share:.1%}"
    return f"log-odds {with_minus(f'{log_odds:.1f}')} (probability {probability})"


FIXED = {
    TYPICAL: Quantity(
        "How typical it is", "unusual", "typical", lambda value: with_minus(f"{value:.0f} nats"),
        "Log density of the latent under the prior fitted to the stored faces.",
    ),
    ERROR: Quantity(
        "Reconstruction error", "near", "far off", lambda value: f"{value:.1f} levels",
        "How far the redrawing is from the picture: root mean squared difference of its values, in levels of 255.",
    ),
    LIGHTNESS: Quantity(
        "Apparent lightness", "darker", "lighter", lambda value: with_minus(f"{value:z.0f}°"),
        "Individual typology angle (ITA) of the skin in the middle of the picture, in degrees: what the picture shows, "
        "lamp and camera included, never what a person is. Grey where too little looks like skin.",
        CAVEATS,
    ),
    DRAWN: Quantity(
        "How often it is drawn", "rarely", "often", lambda value: f"{value:.2g}×",
        "How often this training's resampling would draw the face, times a fair share; even steps of the colour are "
        "equal factors. Calculated among the stored faces: the weights of the training's own faces are not kept.",
    ),
}  # fmt: skip


def quantity(chosen: str) -> Quantity | None:
    """What `chosen` means; None where it is a label's column."""
    if not chosen.startswith(SEEN):
        return FIXED.get(chosen)
    detector = chosen.removeprefix(SEEN)
    return Quantity(
        f"Seen as a face by {detector}", "least sure", "surest", _surety,
        f"How sure {detector} is that the picture is a face: log-odds, of which 0 is a probability of one half.",
    )  # fmt: skip


def offered(run: Run, model: FaceModel) -> dict[str, str]:
    """Names of the quantities that can be had here, by their keys."""
    found = [TYPICAL]
    if model.config.debias.aggregation != "none":
        found.append(DRAWN)
    measures = [ERROR, LIGHTNESS, *(SEEN + detector.id for detector in detector_runs(model.size))]
    has_all = not why_not(run)
    found += [key for key in measures if has_all or values_path(run, _key(key, model)).is_file()]
    return {key: known.name for key in found if (known := quantity(key)) is not None}


def why_not(run: Run) -> str:
    """Why nothing new can be measured on the faces' pictures; empty where it can."""
    config = run.config.data
    for name in config.datasets:
        try:
            manifest = Manifest.read(Path(config.data_dir) / name / MANIFEST_FILE)
        except DataError:
            continue
        if manifest.size == config.size and manifest.counts["by_is_face"]["true"]:
            return ""
    return (
        "Colours by reconstruction error, apparent lightness or a detector need the pictures of the faces. Their data "
        f"set, {' or '.join(config.datasets)} at {config.size} pixels, is not on this machine."
    )


def values_of(run: Run, model: FaceModel, chosen: str) -> NDArray[np.float64] | None:
    """The values of all stored faces, NaN where one has none; None while they are being measured."""
    if chosen in (TYPICAL, DRAWN):
        found: NDArray[np.float64] = _calculated(latents_key(model), chosen, model)
        return found
    key = _key(chosen, model)
    if values_path(run, key).is_file():
        kept: NDArray[np.float64] | None = _kept(key, run, model)
        if kept is not None:
            return kept
        _kept.clear()  # it is damaged, and made anew
    begin_measure(run, _measure(chosen), key)
    return None


def waiting_for_values(run: Run, model: FaceModel, chosen: str) -> None:
    """Say that faces are being measured, and for how long yet, or why they could not be."""
    about, key = quantity(chosen), _key(chosen, model)
    assert about is not None  # labels are there already
    under_way(
        run, key, values_path(run, key).name,
        f"“{about.name}” is being measured on the pictures of the faces. It is kept with the model.",
        f"“{about.name}” could not be measured",
    )  # fmt: skip


def _measure(chosen: str) -> Measure:
    from vaelab.scorecard.per_face import SEEN as BY_DETECTOR
    from vaelab.scorecard.per_face import Measure

    return Measure(BY_DETECTOR, chosen.removeprefix(SEEN)) if chosen.startswith(SEEN) else Measure(chosen)


def _key(chosen: str, model: FaceModel) -> str:
    fingerprint = ""
    if chosen.startswith(SEEN):
        detector = find(chosen.removeprefix(SEEN))
        fingerprint = _fingerprint(detector.id, weights_stamp(detector), detector)
    found: str = _values_key(latents_key(model), chosen, fingerprint, model)
    return found


@st.cache_resource(max_entries=200, show_spinner=False)
def _values_key(key: str, chosen: str, fingerprint: str, _model: FaceModel) -> str:
    from vaelab.scorecard.per_face import values_key

    assert _model.latents is not None  # the page says so above, and stops
    return values_key(_model.latents, _measure(chosen), fingerprint)


@st.cache_resource(max_entries=200, show_spinner=False)
def _fingerprint(run_id: str, stamp: str, _run: Run) -> str:
    """The same as a loaded model's, without loading it."""
    try:
        return hashlib.sha256(_run.weights_path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise RunError(f"the weights of {run_id} cannot be read ({error}); choose another detector") from error


@st.cache_resource(max_entries=16, show_spinner=False)
def _kept(key: str, _run: Run, _model: FaceModel) -> NDArray[np.float64] | None:
    from vaelab.scorecard.per_face import read_values

    assert _model.latents is not None
    found = read_values(_run, key, _model.latents)
    return None if found is None else np.asarray(found, np.float64)


@st.cache_resource(max_entries=16, show_spinner="Measuring all stored faces ...")
def _calculated(key: str, chosen: str, _model: FaceModel) -> NDArray[np.float64]:
    assert _model.latents is not None
    if chosen == DRAWN:
        from vaelab.evaluation.drawing import times_fair_share

        return np.asarray(times_fair_share(_model.latents, _model.config.debias))
    if _model.fitted_priors is not None and "mixture" in _model.priors:
        return np.asarray(_model.fitted_priors.mixture.log_density(_model.latents.mu))
    from vaelab.evaluation.priors import Gaussian

    return np.asarray(Gaussian(_model.latents.prior_mean, _model.latents.prior_factor).log_density(_model.latents.mu))
