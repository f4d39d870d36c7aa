"""What the detectors make of each photo, computed once for a photo, a plan and the weights of now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.counterfactual.detectors import detector_runs
from pages.detecting.faces import forget_closely
from pages.detecting.photos import Opened
from pages.detecting.plan import Plan
from pages.shell.loaders import decoder_runs, find, load_model

if TYPE_CHECKING:
    from vaelab.detection.photographs import Detector, Result
    from vaelab.detection.search import Search
    from vaelab.inference import FaceModel

RESULTS = "detect.results"
"""Where the session keeps what was found, by id and name of the photo, detectors and plan."""


def detectors_here() -> list[str]:
    """Run ids of everything on this machine that detects, a plain cnn first."""
    return [run.id for run in detector_runs()]


def load_detectors(plan: Plan) -> list[Detector]:
    """The detectors of the plan, each at its own threshold."""
    from vaelab.detection.photographs import Detector
    from vaelab.detection.thresholds import alarm_threshold

    loaded, search = [], _search(plan)
    for name in plan.detectors:
        run = find(name)
        model = load_model(run)
        threshold = alarm_threshold(run.reports(), model.weights_fingerprint, plan.rate, search)
        loaded.append(Detector(model, threshold))
    return loaded


def results(photos: Sequence[Opened], detectors: Sequence[Detector], plan: Plan) -> list[Result]:
    """What the detectors found in each photo; those searched before are remembered as long as they are shown."""
    from vaelab.detection.photographs import detect

    looked_by = tuple((one.model.weights_fingerprint, one.threshold) for one in detectors)
    before: dict[object, Result] = st.session_state.get(RESULTS, {})
    keys = [(opened.id, opened.name, looked_by, plan) for opened in photos]
    found = {key: before[key] for key in keys if key in before}
    st.session_state[RESULTS] = found  # first, and filled below: a click ends this run wherever the bar moves
    missing = {key: opened for key, opened in zip(keys, photos, strict=True) if key not in found}
    bar = st.empty()
    for count, (key, opened) in enumerate(missing.items()):
        told = "Looking for faces" if len(missing) == 1 else f"Looking for faces, photo {count + 1} of {len(missing)}"
        bar.progress(count / len(missing), text=told)
        found[key] = detect(opened.photo, detectors, opened.name, _search(plan), opened.whole)
    bar.empty()
    return [found[key] for key in keys]


def _search(plan: Plan) -> Search:
    from vaelab.detection.search import Search

    return Search(smallest=float(plan.smallest))


def forget_all_but(photos: Sequence[Opened]) -> None:
    """Drop what was found and kept of photos that were taken away."""
    here = {(opened.id, opened.name) for opened in photos}
    kept = {key: result for key, result in st.session_state.get(RESULTS, {}).items() if key[:2] in here}
    st.session_state[RESULTS] = kept
    forget_closely(kept.values())


def painters(detectors: Sequence[Detector]) -> list[FaceModel]:
    """Models that draw a face again: the detectors that can, then the first other one that is here."""
    able = [one.model for one in detectors if one.model.has_decoder]
    names = {model.run_id for model in able}
    others = [run for run in decoder_runs() if run.id not in names]
    return able + [load_model(run) for run in others[:1]]
