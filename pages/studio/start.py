"""Where the face begins: a prior with a seed, or one of the faces the model stores."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shell.recipe import MAX_SEED, STARTS, TEMPERATURES
from pages.shell.routes import stored_address
from pages.shell.sheet import face_sheet
from pages.studio.state import keep, recipe, show_in
from vaelab.rng import numpy_generator

if TYPE_CHECKING:
    import pandas as pd

    from vaelab.inference import FaceModel

SHOWN_FACES = 8
MOST_VALUES = 30
"""A label with more different values is a measurement, not a choice."""
ANY = "Any"
SHUFFLE, JUMP = "studio.shuffle", "studio.jump"


def start_controls(model: FaceModel) -> None:
    """The row of controls that decide the starting face."""
    starts = [start for start in STARTS if model.latents is not None or start == "prior"]
    with st.container(horizontal=True, vertical_alignment="bottom", key="start-controls"):
        key = show_in("studio.start", recipe().start)
        st.segmented_control(
            "Start from",
            starts,
            required=True,
            format_func=STARTS.__getitem__,
            key=key,
            on_change=_begin_elsewhere,
            args=(key,),
        )
        if recipe().start != "stored":
            _prior_controls()
        st.button("Another face", type="primary", shortcut="N", on_click=_another, help="A new random start; edits go.")
    if recipe().start == "stored":
        _stored_controls(model)


def attributes(labels: pd.DataFrame) -> dict[str, list[str]]:
    """Labels worth choosing by, each with its values in a sensible order."""
    found = {}
    for name in labels.columns.difference(["image_id", "split"], sort=False):
        values = labels[name].dropna().astype(str).unique().tolist()
        if 2 <= len(values) <= MOST_VALUES:
            found[str(name)] = sorted(values, key=_by_number)
    return found


def matching_rows(labels: pd.DataFrame, wanted: dict[str, str]) -> NDArray[np.int64]:
    """Positions of the stored faces whose labels are all as wanted."""
    matches = np.ones(len(labels), dtype=bool)
    for name, value in wanted.items():
        matches &= np.asarray(labels[name].astype(str) == value)
    return np.flatnonzero(matches)


def _prior_controls() -> None:
    low, high = TEMPERATURES
    seed = show_in("studio.seed", recipe().seed)
    temperature = show_in("studio.temperature", recipe().temperature)
    st.number_input(
        "Seed",
        0,
        MAX_SEED,
        step=1,
        width=130,
        key=seed,
        help="The same seed always draws the same start.",
        on_change=lambda: keep(recipe().started(seed=int(st.session_state[seed]))),
    )
    st.slider(
        "Temperature",
        low,
        high,
        step=0.05,
        width=190,
        key=temperature,
        help="How far from the average face the prior may stray: low is plain, high is daring.",
        on_change=lambda: keep(recipe().started(temperature=round(st.session_state[temperature], 2))),
    )


def _stored_controls(model: FaceModel) -> None:
    """Filters by label, and some faces that match, to press."""
    assert model.latents is not None  # `fit_to_model` starts elsewhere without
    labels = model.latents.labels
    choices = attributes(labels)
    wanted: dict[str, str] = {}
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        for name, values in list(choices.items())[:4]:
            key = f"studio.filter.{name}"
            label = name.replace("_", " ").capitalize()
            value = st.selectbox(label, [ANY, *values], key=key, width=150, on_change=_jump, persist_state="session")
            if value != ANY:
                wanted[name] = value
    rows = matching_rows(labels, wanted)
    if not len(rows):
        st.info("No stored face has all of these labels. Set one back to Any.", icon=":material/filter_alt_off:")
        return
    shuffle = numpy_generator(int(st.session_state.get(SHUFFLE, 0)), "stored faces")
    shown = shuffle.choice(rows, size=min(SHOWN_FACES, len(rows)), replace=False)
    faces = [str(labels["image_id"].iloc[row]) for row in shown]
    if st.session_state.pop(JUMP, False):
        keep(recipe().started(face=faces[0]))
    face_sheet(
        [(stored_address(model, [int(row) for row in shown]), f"{len(faces)} stored faces, as the model redraws them")],
        [f"Start from {spoken_labels(model, face)}" for face in faces],
        label="Stored faces to start from",
        key="studio.stored",
        selected=faces.index(recipe().face) if recipe().face in faces else None,
        on_pick=lambda index: keep(recipe().started(face=faces[index])),
    )
    st.caption(f"{len(faces)} of {len(rows):,} stored faces with these labels. Press one, or ask for another.")


def spoken_labels(model: FaceModel, face: str) -> str:
    """The labels of a stored face in one line, or its id where it has none."""
    if model.latents is None:
        return face
    labels = model.latents.labels
    row = labels[labels["image_id"] == face]
    if row.empty:
        return face
    values = [str(row[name].iloc[0]) for name in attributes(labels)]
    return " · ".join(values) or face


def _begin_elsewhere(key: str) -> None:
    """Another kind of start; among the stored faces, one that matches the filters."""
    start = str(st.session_state[key])
    keep(recipe().started(start=start))
    if start == "stored":
        _jump()


def _another() -> None:
    """A new random start of the same kind."""
    if recipe().start == "stored":
        st.session_state[SHUFFLE] = secrets.randbelow(MAX_SEED)
        _jump()
    else:
        keep(recipe().started(seed=secrets.randbelow(10_000)))


def _jump() -> None:
    """Show a face of the next selection."""
    st.session_state[JUMP] = True


def _by_number(value: str) -> tuple[float, str]:
    """Sort key that puts 3-9 before 10-19, and words after or among their numbers."""
    number = re.search(r"\d+", value)
    return (float(number.group()) if number else -1.0) + (0.5 if value.lower().startswith("more") else 0.0), value
