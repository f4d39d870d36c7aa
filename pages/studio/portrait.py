"""The face itself, beside the one it started from, with what one can do to it as a whole."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import streamlit as st

from pages.shell.boundary import error_boundary
from pages.shell.faces import current_latent, described, draw, record, start_latent
from pages.shell.loaders import find, load_model
from pages.shell.pictures import keepsake, png
from pages.studio.start import spoken_labels
from pages.studio.state import BOTH, keep, recipe, write_link

if TYPE_CHECKING:
    from pages.shell.recipe import FaceRecipe
    from vaelab.inference import FaceModel

LARGE = 512


@st.fragment(key="portrait")
@error_boundary
def portrait(run_id: str) -> None:
    """The current face large, the starting face small, captions and downloads; this is all that a slider reruns."""
    model, face = load_model(find(run_id)), recipe()
    with st.container(key="portrait"):
        large, small = st.columns([2.4, 1], gap="small", wrap=False)
        with large.container(key="current"):
            st.image(
                _current_png(model, face),
                width="stretch",
                output_format="PNG",
                alt=f"The current face: {described(face)}",
            )
        with small.container(key="beginning", gap="xsmall"):
            start = face.started()
            st.image(
                _start_png(model, start),
                width="stretch",
                output_format="PNG",
                alt=f"The starting face: {described(start)}",
            )
            st.caption("Start")
        st.caption(_legend(model, face))
        with st.container(horizontal=True, key="portrait-actions"):
            st.button(
                "Reset all",
                icon=":material/restart_alt:",
                disabled=not face.edits,
                on_click=_reset,
                help="Back to the starting face",
            )
            with st.popover("Keep this face", icon=":material/download:"):
                _downloads(model, face)
    write_link()


def _reset() -> None:
    keep(recipe().started())
    st.rerun(BOTH)


def _downloads(model: FaceModel, face: FaceRecipe) -> None:
    """Files of the face; each is made only when its button is pressed, and pressing reruns nothing."""
    name = f"{model.run_id}-{face.face.replace('/', '-') if face.start == 'stored' else face.seed}"
    for label, side in (("PNG, as drawn", model.size), ("PNG, enlarged", LARGE)):
        st.download_button(
            f"{label} ({side} px)",
            functools.partial(_keepsake, model, face, side),
            file_name=f"{name}-{side}.png",
            mime="image/png",
            on_click="ignore",
            width="stretch",
            key=f"studio.download.{side}",
        )
    st.download_button(
        "Recipe (JSON)",
        functools.partial(_recipe_file, model, face),
        file_name=f"{name}.json",
        mime="application/json",
        on_click="ignore",
        width="stretch",
        key="studio.download.recipe",
    )
    st.caption("Marked as generated. The address bar links to this face.")


def _keepsake(model: FaceModel, face: FaceRecipe, side: int) -> bytes:
    return keepsake(draw(model, current_latent(model, face)), record(model, face), side)


def _recipe_file(model: FaceModel, face: FaceRecipe) -> bytes:
    return json.dumps(record(model, face), indent=1).encode()


def _current_png(model: FaceModel, face: FaceRecipe) -> bytes:
    return png(draw(model, current_latent(model, face)))


def _start_png(model: FaceModel, start: FaceRecipe) -> bytes:
    return _drawn_start(f"{model.weights_fingerprint} {start}", start, model)


@st.cache_data(max_entries=256, show_spinner=False)
def _drawn_start(key: str, _start: FaceRecipe, _model: FaceModel) -> bytes:
    """The starting face as a PNG, drawn once for all moves of its sliders; `key` names weights and recipe."""
    return png(draw(_model, start_latent(_model, _start)))


def _legend(model: FaceModel, face: FaceRecipe) -> str:
    if face.start == "stored":
        changed = f" · {len(face.edits)} changed" if face.edits else ""
        return f"Stored face, labelled {spoken_labels(model, face.face)}{changed}"
    words = described(face)
    return words[0].upper() + words[1:]
