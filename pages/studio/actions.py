"""What one can do with the face as a whole: how its sliders work, and files of it to keep."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import TYPE_CHECKING

import streamlit as st

from pages.shell.boundary import error_boundary
from pages.shell.faces import draw, record
from pages.shell.loaders import decoder_runs, load_model
from pages.shell.pictures import keepsake
from pages.studio.state import keep, recipe, show_in
from vaelab.editing.recipe import other_weights, read_record
from vaelab.editing.sliders import edited_latent
from vaelab.errors import DataError

if TYPE_CHECKING:
    from vaelab.editing.recipe import FaceRecipe
    from vaelab.inference import FaceModel

LARGE = 512
STRIPS, PLAIN = "studio.strips", "studio.plain"
METHOD_WORDS = {"logistic": "Logistic regression", "mean": "Mean difference"}


def actions(model: FaceModel) -> None:
    """The row beneath the panel."""
    face = recipe()
    with st.container(horizontal=True, vertical_alignment="center", key="studio-actions"):
        with st.popover("Keep this face", icon=":material/download:"):
            _downloads(model, face)
        with st.popover("Open a recipe", icon=":material/upload_file:"):
            _open_recipe_file()
        with st.popover("Sliders", icon=":material/tune:"):
            _settings(model)


def _settings(model: FaceModel) -> None:
    if model.directions is not None and model.directions.learned:
        key = show_in("studio.method", recipe().method)
        st.segmented_control(
            "Attribute directions by",
            list(METHOD_WORDS),
            format_func=METHOD_WORDS.__getitem__,
            required=True,
            key=key,
            on_change=lambda: keep(dataclasses.replace(recipe(), method=st.session_state[key])),
            help="Both change the attribute's log-odds by one standard deviation a step. The mean difference drags "
            "along what comes with the attribute in the data; logistic regression changes as little else as it can.",
        )
    st.toggle("Strips of faces under the sliders", value=True, key=STRIPS, persist_state="session")
    st.toggle(
        "Plain sliders",
        key=PLAIN,
        persist_state="session",
        help="Streamlit's own sliders: the face changes when one is released. For browsers that cannot draw the "
        "panel, and for screen readers that prefer them.",
    )


def _downloads(model: FaceModel, face: FaceRecipe) -> None:
    """Files of the face; each is made only when its button is pressed, and pressing reruns nothing."""
    origin = {"stored": face.face.replace("/", "-"), "latent": "face"}.get(face.start, str(face.seed))
    name = f"{model.run_id}-{origin}"
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
    words = "Marked as generated. The address bar links to this face."
    if face.start == "latent":
        words += " The link carries the face's latent vector: share it as you would share the picture."
    st.caption(words)


@error_boundary
def _open_recipe_file() -> None:
    """A recipe that was kept earlier takes the table."""
    file = st.file_uploader("A recipe that was kept (JSON)", type="json", key="studio.recipe.file")
    if file is None:
        return
    if file.size > 1_000_000:
        raise DataError(f"{file.name} has {file.size:,} bytes; a recipe has a few thousand")
    if st.session_state.get("studio.recipe.opened") == file.file_id:
        st.caption("It is on the table.")
        return
    opened, about = read_record(file.getvalue())
    run = next((run for run in decoder_runs() if run.id == opened.model), None)
    if run is not None and not is_wanted(other_weights(about, load_model(run), file.name), "studio.recipe.anyway"):
        return
    st.session_state["studio.recipe.opened"] = file.file_id
    keep(opened)
    st.rerun(scope="app")


def is_wanted(told: str, key: str) -> bool:
    """Whether to open a recipe: there is nothing to tell about it, or the visitor was told and wants it.

    Args:
        key: of the button.
    """
    if not told:
        return True
    st.warning(f"{told}.", icon=":material/warning:")
    return st.button("Open it all the same", key=key)


def _keepsake(model: FaceModel, face: FaceRecipe, side: int) -> bytes:
    return keepsake(draw(model, edited_latent(model, face)), record(model, face), side)


def _recipe_file(model: FaceModel, face: FaceRecipe) -> bytes:
    return json.dumps(record(model, face), indent=1).encode()
