"""Map: all faces a model keeps, laid out by what it sees in them, and a decoder for every place on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.latentmap.beside import Beside, agreement_in_words, open_beside, same_face, selected_rows
from pages.latentmap.colours import Colouring, colouring, plain
from pages.latentmap.header import header
from pages.latentmap.maps import chosen_map, waiting
from pages.latentmap.overtime import over_training
from pages.latentmap.place import at_place
from pages.latentmap.quantities import quantity, waiting_for_values, why_not
from pages.latentmap.scene import scene, second_scene
from pages.latentmap.selection import selection
from pages.latentmap.solid import solid
from pages.latentmap.state import FILM, LEAVE, LINK, METHODS, Place, open_map, put, shown, to_link
from pages.latentmap.way import along_path
from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.links import write_link
from pages.shell.loaders import find, load_model
from pages.shell.welcome import drawable_models
from pages.studio.photo import photo_controls

if TYPE_CHECKING:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

PHOTO = "map.photo"
"""Where the session keeps the place of the visitor's photo."""
MEANING = (
    "What near means here: neighbours on the map are mostly alike to the model; how far apart clusters lie, how large "
    "they are and which way is up mean next to nothing."
)


@error_boundary
def map_page() -> None:
    """The page."""
    if leaving := st.session_state.pop(LEAVE, ""):
        st.switch_page(leaving)
    st.title("The map of faces", anchor=False)
    runs = drawable_models()
    if not runs:
        return
    notes = open_map(runs)
    run = find(shown().model)
    model = load_model(run)
    header(runs, run, model)
    cautions(run.config)
    if notes:
        st.info("  \n".join(notes), icon=":material/link_off:")
    if shown().view == FILM:
        _guarded_film(run, model)
        write_link(to_link(shown()), LINK)
        return
    if model.latents is None:
        st.info(f"{model.run_id} stores no latents, so there are no faces to lay out. This encodes some:")
        st.code(f"python -m vaelab encode {model.run_id}", language="bash")
        write_link(to_link(shown()), LINK)
        return
    _map(run, model)
    write_link(to_link(shown()), LINK)


@error_boundary
def _map(run: Run, model: FaceModel) -> None:
    """The map, what lies at the place, and what is inside the selection or along the path."""
    now = shown()
    face_map = chosen_map(run, model, now.method, now.dims)
    waiting(run, model, now.method, face_map)
    _photo(model, face_map)
    beside = open_beside(model)
    if beside is None:
        left, right = st.columns([3, 2], gap="large")
        with right:
            _guarded_place(model, face_map)
        with left:
            _first(run, model, face_map)
    else:
        waiting(beside.run, beside.model, now.method, beside.face_map)
        _both(run, model, face_map, beside)
    if now.dims == 2:
        tabs = st.tabs(["Selection", "Path"])
        with tabs[0]:
            _guarded_selection(model, face_map, beside)
        with tabs[1]:
            _guarded_path(model, face_map)


def _first(run: Run, model: FaceModel, face_map: FaceMap) -> None:
    """The only map, on two axes or three, with its meaning."""
    draw = scene if shown().dims == 2 else solid
    draw(model, face_map, _colours(run, model), _marks(), label=_spoken(model, face_map))
    _colours_in_words(run)
    _meaning(face_map)


def _both(run: Run, model: FaceModel, face_map: FaceMap, beside: Beside) -> None:
    """Two maps side by side, what is selected on either lit on both, and the face that was pressed under each."""
    colours = _colours(run, model)
    rows = selected_rows(face_map, beside) if shown().area else None
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{model.run_id}**")
        lit = rows if shown().area_on else None
        scene(model, face_map, colours, _marks(), label=_spoken(model, face_map), lit=lit)
    with right:
        st.markdown(f"**{beside.model.run_id}**")
        lit = None if rows is None or shown().area_on else beside.rows_of(rows)
        second_scene(face_map, beside, colours, label=_spoken(beside.model, beside.face_map), lit=lit)
    agreement_in_words(face_map, beside, rows)
    _colours_in_words(run)
    _meaning(face_map)
    left, right = st.columns(2, gap="medium")
    with left:
        _guarded_place(model, face_map)
    with right:
        same_face(face_map, beside)


def _colours(run: Run, model: FaceModel) -> Colouring:
    """The chosen colours; grey while what they show is being measured."""
    assert model.latents is not None  # the page says so above, and stops
    found = colouring(run, model, shown().colour)
    if found is None:
        waiting_for_values(run, model, shown().colour)
    return found or plain(len(model.latents.mu))


def _colours_in_words(run: Run) -> None:
    about = quantity(shown().colour)
    if about is not None:
        st.caption(f"{about.name}: {about.about}", help=about.caveat or None)
    if missing := why_not(run):
        st.caption(missing)


def _photo(model: FaceModel, face_map: FaceMap) -> None:
    """Your photo's place on the map."""
    with st.expander("Where is my photo?", icon=":material/add_a_photo:"):
        start = photo_controls(model)
        if start is None:
            st.session_state.pop(PHOTO, None)
            return
        assert model.latents is not None
        place = tuple(round(float(value), 4) for value in face_map.placed(start.mu[None], model.latents)[0])
        st.session_state[PHOTO] = place
        st.button("Go to its place", icon=":material/my_location:", on_click=put, kwargs={"point": place})
        st.caption("Placed between the faces whose latents are nearest, the same alone as among others.")


def _marks() -> dict[str, Place]:
    place: Place | None = st.session_state.get(PHOTO)
    return {} if place is None else {"your photo": place}


def _spoken(model: FaceModel, face_map: FaceMap) -> str:
    assert model.latents is not None
    keys = "Arrow keys move a cross, Enter decodes the face there." if face_map.settings.dims == 2 else "Drag to turn."
    return f"Map of {len(model.latents.mu):,} faces of {model.run_id} by {METHODS[face_map.settings.method]}. {keys}"


def _meaning(face_map: FaceMap) -> None:
    found = face_map.quality
    trust, kept = found.trustworthiness, found.preserved
    st.caption(
        f"{MEANING} Trustworthiness {trust.mean:.2f} ({trust.low:.2f} to {trust.high:.2f}; 1 is perfect, 0.5 chance); "
        f"of the {found.neighbours} nearest latents of a face, {kept.mean:.0%} ({kept.low:.0%} to {kept.high:.0%}) are "
        f"among its {found.neighbours} nearest here. n = {trust.n:,} faces."
    )


@error_boundary
def _guarded_film(run: Run, model: FaceModel) -> None:
    over_training(run, model)


@error_boundary
def _guarded_place(model: FaceModel, face_map: FaceMap) -> None:
    at_place(model, face_map)


@error_boundary
def _guarded_selection(model: FaceModel, face_map: FaceMap, beside: Beside | None) -> None:
    selection(model, face_map, selected_rows(face_map, beside))


@error_boundary
def _guarded_path(model: FaceModel, face_map: FaceMap) -> None:
    along_path(model, face_map)


map_page()
