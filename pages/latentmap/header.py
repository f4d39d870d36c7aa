"""What the map is of, how it is laid out and what its colours mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.latentmap.beside import others
from pages.latentmap.colours import colour_choices
from pages.latentmap.films import film_labels
from pages.latentmap.quantities import quantity, why_not
from pages.latentmap.state import AXES, FILM, METHODS, VIEWS, keep, sets, shown
from pages.studio.state import show_in
from vaelab.data.groups import choosable_columns

if TYPE_CHECKING:
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run


ABOUT = (
    "Every point is a face, and faces that the model finds alike lie near each other. The map has the decoder: press a "
    "place and a face is drawn there, go around faces and see who they are, or walk a path."
)
FILM_ABOUT = (
    "How the model learned to tell faces apart: every point is a face that it never trained on, at one moment of the "
    "training. Play the film, or press a face and follow it."
)


def header(runs: list[str], run: Run, model: FaceModel) -> None:
    """The choices above the map."""
    now = shown()
    st.markdown(FILM_ABOUT if now.view == FILM else ABOUT)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = show_in("map.model", now.model)
        st.selectbox("Model", runs, key=key, on_change=sets("model", key), width=220)
        key = show_in("map.view", now.view)
        st.segmented_control(
            "Show", list(VIEWS), format_func=VIEWS.__getitem__, required=True, key=key, on_change=sets("view", key),
            help="“Over training” is a film: the same held-out faces at each validation of the training, laid out so "
            "that each stays near its place.",
        )  # fmt: skip
        key = show_in("map.method", now.method)
        st.segmented_control(
            "Laid out by", list(METHODS), format_func=METHODS.__getitem__, required=True, key=key,
            on_change=sets("method", key),
            help="Principal components are the widest axes, at once. UMAP keeps neighbours together better.",
        )  # fmt: skip
        if now.view == FILM:
            _film_colours(run)
            return
        key = show_in("map.dims", now.dims)
        st.segmented_control(
            "Axes", list(AXES), format_func=AXES.__getitem__, required=True, key=key, on_change=sets("dims", key)
        )
        if model.latents is not None:
            _colours(run, model)
            _second(model)


def _colours(run: Run, model: FaceModel) -> None:
    choices = colour_choices(run, model)
    if shown().colour not in choices:
        keep(colour=next(iter(choices)))
    key = show_in("map.colour", shown().colour)
    st.selectbox(
        "Colours", list(choices), format_func=choices.__getitem__, key=key, on_change=sets("colour", key), width=230,
        help=_about_colours(run, shown().colour),
    )  # fmt: skip


def _film_colours(run: Run) -> None:
    """Labels alone: what else colours a map is known of the stored faces only."""
    labels = film_labels(run)
    choices = [] if labels is None else choosable_columns(labels)
    if not choices:
        return
    if shown().colour not in choices:
        keep(colour=choices[0])
    key = show_in("map.colour", shown().colour)
    st.selectbox(
        "Colours", choices, format_func=lambda name: name.replace("_", " ").capitalize(), key=key,
        on_change=sets("colour", key), width=230,
        help="A label of the held-out faces, in the colours of the map. It never reached the encoder.",
    )  # fmt: skip


def _second(model: FaceModel) -> None:
    """The choice of a model to lay beside, where there is one and room for it."""
    names = others(model)
    if not names or shown().dims != 2:
        return
    key = show_in("map.beside", shown().beside)
    st.selectbox(
        "Beside it", ["", *names], format_func=lambda name: name or "no other model", key=key,
        on_change=sets("beside", key), width=220,
        help="The same faces on another model's map. What is selected on either is lit on both.",
    )  # fmt: skip


def _about_colours(run: Run, chosen: str) -> str:
    """What the colours mean, and which others cannot be had."""
    about = quantity(chosen)
    said = [] if about is None else [about.about, about.caveat]
    return "\n\n".join(filter(None, [*said, why_not(run)])) or "A label of the faces, or a number that each has."
