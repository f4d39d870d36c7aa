"""Explore: start from a face, drag what the model knows about faces, and see what else moves with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.links import write_link
from pages.shell.loaders import decoder_runs, find, is_loaded, load_model, model_stamp
from pages.shell.welcome import first_training
from pages.studio.actions import PLAIN, STRIPS, actions
from pages.studio.panel import morph_panel
from pages.studio.plain import plain_sliders
from pages.studio.samples import samples
from pages.studio.start import begin_with_model, start_controls
from pages.studio.state import LINK, keep, open_recipe, recipe, show_in
from vaelab.data.manifest import are_drawn
from vaelab.editing.recipe import fit_to_model
from vaelab.runs.store import Run

WATCH_SECONDS = 4.0
PHOTOS = (
    "Gender, age and race are what annotators thought they saw in a photograph, never what a person is. The model "
    "ties together what its training photos tied together: watch how one slider moves skin, age and gender at once."
)
DRAWINGS = (
    "These faces are drawn, so every label is exact: a bias you meet here was planted, or learned from the "
    "proportions that were drawn. Watch what one slider moves besides what you meant."
)


@error_boundary
def explore() -> None:
    """The page."""
    runs = decoder_runs()
    watch(fingerprint(runs))
    if not runs:
        empty_state()
        return
    notes = open_recipe([run.id for run in runs])
    header(runs)
    note_slot = st.container()
    run = find(recipe().model)
    if not is_loaded(run):
        with skeleton():
            load_model(run)
    fitted, more = fit_to_model(recipe(), load_model(run))
    keep(fitted)
    if notes or more:
        note_slot.info("  \n".join((*notes, *more)), icon=":material/link_off:")
    with note_slot:
        cautions(run.config)
    studio(run.id)
    random_faces(run.id)


def header(runs: list[Run]) -> None:
    """Title, the sentence about what the visitor is about to see, and the choice of model."""
    states = {run.id: _described(run) for run in runs}
    words, choice = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    with words.container(key="intro"):
        st.title("One face, many dimensions", anchor=False)
        data = find(recipe().model).config.data
        st.markdown(DRAWINGS if are_drawn(data.datasets, Path(data.data_dir)) else PHOTOS)
    key = show_in("studio.model", recipe().model)
    choice.selectbox(
        "Model",
        list(states),
        format_func=states.__getitem__,
        key=key,
        on_change=lambda: begin_with_model(st.session_state[key]),
    )


@st.fragment(key="studio")
@error_boundary
def studio(run_id: str) -> None:
    """The starting face and the panel beneath it, which rerun by themselves."""
    run = find(run_id)
    model = load_model(run)
    keep(fit_to_model(recipe(), model)[0])  # controls and samples in here change the start without the page
    photo = start_controls(model)
    st.space("xsmall")
    if st.session_state.get(PLAIN, False):
        plain_sliders(model, run)
    else:
        morph_panel(model, run, strips=st.session_state.get(STRIPS, True), photo=photo)
    actions(model)
    write_link(recipe().to_query(), LINK)


@st.fragment
@error_boundary
def random_faces(run_id: str) -> None:
    """The two grids of samples."""
    samples(load_model(find(run_id)))


@st.fragment(run_every=WATCH_SECONDS)
@error_boundary
def watch(seen: str) -> None:
    """Rerun the page when a run with faces to draw appears, learns more or is deleted."""
    if fingerprint(decoder_runs()) != seen:
        st.rerun(scope="app")


def fingerprint(runs: list[Run]) -> str:
    """Text that changes with the set of runs, their weights and their stored faces."""
    return " ".join(f"{run.id}:{model_stamp(run)}" for run in runs)


def empty_state() -> None:
    """What to do when there is no model yet; the page fills itself once there is one."""
    st.title("No face to show yet", anchor=False)
    first_training(
        "There is no model with a decoder on this machine. The first one takes about a minute on two cores, on "
        "drawn faces, without any download:"
    )
    st.caption("This page fills by itself as soon as the first weights are written.")
    st.button("Look again", icon=":material/refresh:")


@contextlib.contextmanager
def skeleton() -> Iterator[None]:
    """Placeholders in the places of the face and the sliders while a model loads."""
    held = st.empty()
    with held.container():
        st.skeleton(height=60)
        left, right = st.columns([5, 7], gap="large")
        left.skeleton(height=400)
        for column in right.columns(2, gap="large"):
            for _ in range(3):
                column.skeleton(height=118)
    yield
    held.empty()


def _described(run: Run) -> str:
    if run.is_shipped:
        return run.id
    status = run.status
    return run.id if status.state == "done" else f"{run.id} ({status.state}, {status.images_seen:,} images)"


explore()
