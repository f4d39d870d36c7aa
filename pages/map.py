"""Map: all faces a model keeps, laid out by what it sees in them, and a decoder for every place on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.latentmap.colours import colour_choices
from pages.latentmap.maps import chosen_map, waiting
from pages.latentmap.place import at_place
from pages.latentmap.scene import scene
from pages.latentmap.selection import selection
from pages.latentmap.state import LEAVE, LINK, METHODS, Place, keep, open_map, put, sets, shown, to_link
from pages.latentmap.way import along_path
from pages.shell.boundary import error_boundary
from pages.shell.links import write_link
from pages.shell.loaders import find, load_model
from pages.shell.welcome import drawable_models
from pages.studio.photo import photo_controls
from pages.studio.state import show_in

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
    _header(runs, model)
    if notes:
        st.info("  \n".join(notes), icon=":material/link_off:")
    if model.latents is None:
        st.info(f"{model.run_id} stores no latents, so there are no faces to lay out. This encodes some:")
        st.code(f"python -m vaelab encode {model.run_id}", language="bash")
        write_link(to_link(shown()), LINK)
        return
    _map(run, model)
    write_link(to_link(shown()), LINK)


def _header(runs: list[str], model: FaceModel) -> None:
    """What the map is of, how it is laid out and what its colours mean."""
    st.markdown(
        "Every point is a face, and faces that the model finds alike lie near each other. The map has the decoder: "
        "press a place and a face is drawn there, go around faces and see who they are, or walk a path."
    )
    now = shown()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = show_in("map.model", now.model)
        st.selectbox("Model", runs, key=key, on_change=sets("model", key), width=240)
        key = show_in("map.method", now.method)
        st.segmented_control(
            "Laid out by", list(METHODS), format_func=METHODS.__getitem__, required=True, key=key,
            on_change=sets("method", key),
            help="Principal components are the two widest axes, at once. UMAP keeps neighbours together better.",
        )  # fmt: skip
        if model.latents is not None:
            choices = colour_choices(model)
            if now.colour not in choices:
                keep(colour=next(iter(choices)))
            key = show_in("map.colour", shown().colour)
            st.selectbox(
                "Colours", list(choices), format_func=choices.__getitem__, key=key, on_change=sets("colour", key),
                width=220,
            )  # fmt: skip


@error_boundary
def _map(run: Run, model: FaceModel) -> None:
    """The map, and beside it what lies at the place."""
    face_map = chosen_map(run, model, shown().method)
    waiting(run, model, shown().method, face_map)
    _photo(model, face_map)
    left, right = st.columns([3, 2], gap="large")
    with right:
        _guarded_place(model, face_map)
    with left:
        scene(model, face_map, _marks(), label=_spoken(model, face_map))
        _meaning(model, face_map)
    tabs = st.tabs(["Selection", "Path"])
    with tabs[0]:
        _guarded_selection(model, face_map)
    with tabs[1]:
        _guarded_path(model, face_map)


def _photo(model: FaceModel, face_map: FaceMap) -> None:
    """Your photo's place on the map."""
    with st.expander("Where is my photo?", icon=":material/add_a_photo:"):
        start = photo_controls(model)
        if start is None:
            st.session_state.pop(PHOTO, None)
            return
        assert model.latents is not None  # the page says so above, and stops
        x, y = (round(float(value), 4) for value in face_map.placed(start.mu[None], model.latents)[0])
        st.session_state[PHOTO] = (x, y)
        st.button("Go to its place", icon=":material/my_location:", on_click=put, kwargs={"point": (x, y)})
        st.caption("Placed between the faces whose latents are nearest, the same alone as among others.")


def _marks() -> dict[str, Place]:
    place: Place | None = st.session_state.get(PHOTO)
    return {} if place is None else {"your photo": place}


def _spoken(model: FaceModel, face_map: FaceMap) -> str:
    assert model.latents is not None
    return (
        f"Map of {len(model.latents.mu):,} stored faces of {model.run_id} by {METHODS[face_map.settings.method]}. "
        "Arrow keys move a cross, Enter decodes the face there."
    )


def _meaning(model: FaceModel, face_map: FaceMap) -> None:
    found = face_map.quality
    trust, kept = found.trustworthiness, found.preserved
    st.caption(
        f"{MEANING} Trustworthiness {trust.mean:.2f} ({trust.low:.2f} to {trust.high:.2f}; 1 is perfect, 0.5 chance); "
        f"of the {found.neighbours} nearest latents of a face, {kept.mean:.0%} ({kept.low:.0%} to {kept.high:.0%}) are "
        f"among its {found.neighbours} nearest here. n = {trust.n:,} faces."
    )


@error_boundary
def _guarded_place(model: FaceModel, face_map: FaceMap) -> None:
    at_place(model, face_map)


@error_boundary
def _guarded_selection(model: FaceModel, face_map: FaceMap) -> None:
    selection(model, face_map)


@error_boundary
def _guarded_path(model: FaceModel, face_map: FaceMap) -> None:
    along_path(model, face_map)


map_page()
