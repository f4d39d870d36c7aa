"""Counterfactual: move a face along a direction and watch where each detector stops seeing one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.counterfactual.controls import controls
from pages.counterfactual.detectors import detector_runs, load_detectors, original
from pages.counterfactual.figure import alternative, walk_figure
from pages.counterfactual.files import csv_file, json_file, strip_file
from pages.counterfactual.plan import LINK, Plan, fit_plan, keep_plan, open_plan, plan
from pages.counterfactual.survey import survey_section
from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.links import write_link
from pages.shell.loaders import find, load_model
from pages.shell.pictures import png
from pages.shell.places import file_of
from pages.shell.welcome import drawable_models
from vaelab.counterfactual import Detector, Walk, in_words, walk
from vaelab.editing.sliders import REACH, edited_latent, find_slider, step_vector
from vaelab.wording import signed, with_minus

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

Latent = NDArray[np.float32]

STEPS = 20
"""Pictures to either side of the start."""
MOST_STILLS = 6
TRAIN_PAGE = file_of("train")


@error_boundary
def counterfactual() -> None:
    """The page."""
    st.title("What would it take?", anchor=False)
    st.markdown(
        "Move one face along a direction until a detector no longer sees it. Each detector is compared with itself "
        "along the way, at a threshold that gives all of them the same share of false alarms."
    )
    runs = drawable_models()
    if not runs:
        return
    notes = open_plan(runs)
    model = load_model(find(plan().recipe.model))
    detectors = [run.id for run in detector_runs(model.size)]
    fitted, more = fit_plan(plan(), model, detectors)
    keep_plan(fitted)
    if notes or more:
        st.info("  \n".join((*notes, *more)), icon=":material/link_off:")
    choices, picture = st.columns([1, 3], gap="large")
    with choices:
        controls(model, runs, detectors)
    with picture:
        if detectors:
            show_walk(model, plan())
        else:
            no_detector(model.size)
    if detectors:
        survey_section()
    write_link(plan().to_query(), LINK)


def no_detector(size: int) -> None:
    """What is missing, and where to make it."""
    st.info(
        f"No run on this machine detects faces in pictures of {size} pixels. Train a cnn or a dbvae with size {size} "
        "and a data set of that size.",
        icon=":material/visibility_off:",
    )
    st.page_link(TRAIN_PAGE, label="Train one", icon=":material/play_arrow:")


def show_walk(model: FaceModel, now: Plan) -> None:
    """Figure, sentences, stills, caveats and downloads."""
    slider = find_slider(model, now.recipe.method, now.along, find(model.run_id).slider_names)
    seen_by = load_detectors(now.detectors, now.fpr)
    for name in now.detectors:
        cautions(find(name).config, name)
    vector = step_vector(model, now.recipe, slider)
    start = edited_latent(model, now.recipe)
    walked = walk(model, seen_by, start, vector, now.reach, STEPS)
    words = [in_words(sight, walked.reach) for sight in walked.sights]
    held = f", {len(now.recipe.hold)} held fixed" if now.recipe.hold else ""
    st.plotly_chart(
        walk_figure(walked, now.scale, f"{slider.name}{held}, steps"),
        config={"displayModeBar": False},
        key="walk.figure",
        alt=alternative(words, slider.name),
    )
    st.markdown("  \n".join(f"**{line}**" for line in words))
    show_stills(model, start, vector, walked)
    show_level(model, now, walked, seen_by)
    with st.container(horizontal=True):
        _download("Faces (PNG)", functools.partial(strip_file, model, now, walked), "png", "image/png")
        _download("Numbers (CSV)", functools.partial(csv_file, walked), "csv", "text/csv")
        _download("Walk (JSON)", functools.partial(json_file, model, now, walked), "json", "application/json")


def show_stills(model: FaceModel, start: Latent, vector: Latent, walked: Walk) -> None:
    """The start, the faces at the crossings and the ends of the walk, large enough to look at."""
    places: dict[float, list[str]] = {float(position): [] for position in walked.positions[[0, -1]]} | {0.0: ["start"]}
    for sight in walked.sights:
        for crossing in sight.crossings:
            change = "stops seeing" if crossing.is_loss else "begins to see"
            places.setdefault(crossing.position, []).append(f"{sight.detector} {change}")
    nearest = [*sorted(places, key=abs)[: MOST_STILLS - 2], -walked.reach, walked.reach]
    positions = np.array(sorted(set(nearest)))
    pictures = model.decode((start + positions[:, None] * vector).astype(np.float32))
    with st.grid(max(5, len(positions)), min_column_width=104):  # few faces are no reason for large ones
        for position, picture in zip(positions, pictures, strict=True):
            note = ", ".join(places[float(position)])
            where = signed(float(position))
            with st.container(gap="xsmall"):
                st.image(png(picture), width="stretch", output_format="PNG", alt=f"The face at {where}. {note}")
                st.caption(f"{where} {note}" if position else "start")


def show_level(model: FaceModel, now: Plan, walked: Walk, seen_by: Sequence[Detector]) -> None:
    """What the thresholds are, and how sure of a drawn face the detectors are beside the picture behind it."""
    middle = len(walked.positions) // 2
    photo = None if now.recipe.edits else original(model, find(now.recipe.model), now.recipe)
    levels = []
    for detector, sight in zip(seen_by, walked.sights, strict=True):
        drawn = f"{sight.face_logit[middle]:.1f} on the face as drawn"
        taken = "" if photo is None else f", {float(detector.model.face_logit(photo[None])[0]):.1f} on the original"
        level = with_minus(f"{sight.threshold.logit:.2f}")
        levels.append(f"**{detector.name}**: threshold {level} ({sight.threshold.source}); log-odds {drawn}{taken}")
    beyond = f" Beyond {REACH:g} steps lie faces that hardly any real face comes near." if walked.reach > REACH else ""
    st.caption(
        "  \n".join(levels) + "  \nA model's faces are smoother than the pictures it learned from, so read where a "
        f"line falls, not how high it lies; thresholds were set on such pictures.{beyond}"
    )


def _download(label: str, made: Callable[[], bytes], suffix: str, mime: str) -> None:
    """A file that is made only when its button is pressed."""
    st.download_button(
        label,
        made,
        file_name=f"walk-{plan().recipe.model}-{plan().along}.{suffix}",
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        key=f"walk.download.{suffix}",
    )


counterfactual()
