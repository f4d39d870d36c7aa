"""Where the face begins: a prior with a seed, one of the faces the model stores, or a photo."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shell.faces import choices, spoken_labels
from pages.shell.routes import stored_address
from pages.shell.sheet import face_sheet
from pages.studio.photo import PhotoStart, photo_controls
from pages.studio.state import keep, recipe, show_in
from vaelab.editing.recipe import MAX_SEED, PRIOR_OF, STARTS, TEMPERATURES, FaceRecipe, pack_latent, prior_starts
from vaelab.rng import numpy_generator

if TYPE_CHECKING:
    import pandas as pd

    from vaelab.inference import FaceModel

SHOWN_FACES = 16
ANY = "Any"
SHUFFLE, JUMP = "studio.shuffle", "studio.jump"
PHOTO = "photo"
"""A way to begin that ends in a latent: only the recipe of the face that was found is kept."""
PHOTO_BASE = "studio.photo.base"
"""The start that was on the table when the photo was chosen or found: any other means that the visitor moved on."""


def start_controls(model: FaceModel) -> PhotoStart | None:
    """The controls that decide the starting face; the photo it was encoded from, where it was."""
    kind = _kind()
    with st.container(horizontal=True, vertical_alignment="bottom", key="start-controls"):
        key = show_in("studio.start", kind)
        st.segmented_control(
            "Start from",
            _kinds(model, kind),
            required=True,
            format_func=lambda name: "Your photo" if name == PHOTO else STARTS[name],
            key=key,
            on_change=_begin_elsewhere,
            args=(key,),
        )
        if kind in PRIOR_OF:
            _prior_controls()
        wanted = _filters(model) if kind == "stored" else {}
        if kind != PHOTO:
            st.button(
                "Another face", type="primary", shortcut="N", on_click=_another, help="A new random start; edits go."
            )
    if kind == "stored":
        _stored_faces(model, wanted)
    return _from_photo(model) if kind == PHOTO else None


def begin_with_model(run_id: str) -> None:
    """Another model takes the table; a photo is encoded anew, everything else starts as it did."""
    if _kind() == PHOTO:
        keep(recipe().started(model=run_id, start="fitted", z=""))
        st.session_state[PHOTO_BASE] = _start(recipe())
    else:
        keep(recipe().started(model=run_id))


def _kind() -> str:
    """How the visitor chose to start: as the recipe says, or with a photo that it came or will come from."""
    return PHOTO if st.session_state.get(PHOTO_BASE) == _start(recipe()) else recipe().start


def _start(face: FaceRecipe) -> tuple[object, ...]:
    return face.model, face.start, face.seed, face.temperature, face.face, face.z


def _kinds(model: FaceModel, kind: str) -> list[str]:
    stored = [] if model.latents is None else ["stored"]
    return [*prior_starts(model), *stored, PHOTO, *(["latent"] if kind == "latent" else [])]


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
    st.number_input(  # a fraction: of a whole number typed as 1e12 the browser would read the 1 alone
        "Seed",
        0.0,
        float(MAX_SEED),
        value=None,
        step=1.0,
        format="%g",
        width=150,
        key=seed,
        help="The same seed always draws the same start.",
        on_change=lambda: _seed_again(st.session_state[seed]),
    )
    st.slider(
        "Temperature",
        low,
        high,
        step=0.05,
        width=140,  # with it the row fits a window of 1280
        key=temperature,
        help="How far from the average face the prior may stray: low is plain, high is daring.",
        on_change=lambda: keep(recipe().started(temperature=round(st.session_state[temperature], 2))),
    )


def _seed_again(typed: float | None) -> None:
    """Begin at another seed; an emptied one is no seed, and the one before comes back."""
    if typed is not None:
        keep(recipe().started(seed=int(typed)))


def _from_photo(model: FaceModel) -> PhotoStart | None:
    """The photo's controls; the face that is found goes on the table."""
    found = photo_controls(model)
    if found is None:
        return None
    face = recipe().started(start="latent", z=pack_latent(found.mu))
    if _start(face) != _start(recipe()):
        keep(face)
        st.session_state[PHOTO_BASE] = _start(face)
    return found


def _filters(model: FaceModel) -> dict[str, str]:
    """Labels that the stored faces on offer must have."""
    assert model.latents is not None  # `fit_to_model` starts elsewhere without
    wanted: dict[str, str] = {}
    for name, values in list(choices(model.latents.labels).items())[:4]:
        label = name.replace("_", " ").capitalize()
        key = f"studio.filter.{name}"
        value = st.selectbox(label, [ANY, *values], key=key, width=150, on_change=_jump, persist_state="session")
        if value != ANY:
            wanted[name] = value
    return wanted


def _stored_faces(model: FaceModel, wanted: dict[str, str]) -> None:
    """Some stored faces with these labels, to press."""
    assert model.latents is not None
    labels = model.latents.labels
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
    of_these = " with these labels" if wanted else ""
    st.caption(f"{len(faces)} of {len(rows):,} stored faces{of_these}. Press one, or ask for another.")


def _begin_elsewhere(key: str) -> None:
    """Another kind of start; among the stored faces, one that matches the filters."""
    start = str(st.session_state[key])
    st.session_state[PHOTO_BASE] = _start(recipe()) if start == PHOTO else None
    if start == PHOTO:
        return
    keep(recipe().started(start=start))
    if start == "stored":
        _jump()


def _another() -> None:
    """A new random start of the same kind; from a latent of its own, one of the prior."""
    if recipe().start == "stored":
        st.session_state[SHUFFLE] = secrets.randbelow(MAX_SEED)
        _jump()
    elif recipe().start == "latent":
        keep(recipe().started(start="fitted", z="", seed=secrets.randbelow(10_000)))
    else:
        keep(recipe().started(seed=secrets.randbelow(10_000)))


def _jump() -> None:
    """Show a face of the next selection."""
    st.session_state[JUMP] = True
