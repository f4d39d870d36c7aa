"""The tray: the faces that everything on the page is done with."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import streamlit as st

from pages.atelier.bench import MOST_FACES, bench, change, open_in_explore, put
from pages.shell.boundary import error_boundary
from pages.shell.faces import described, draw
from pages.shell.pictures import png
from pages.studio.actions import is_wanted
from pages.studio.state import RECIPE
from vaelab.editing.recipe import START_OF, FaceRecipe, other_weights, read_record
from vaelab.editing.sliders import edited_latent
from vaelab.errors import DataError

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

THUMBNAIL = 112
LARGEST_RECIPE_BYTES = 1_000_000
READ = "bench.file.read"


def tray(model: FaceModel) -> None:
    """The faces in their order, each with what can be done to it, and ways to lay down another."""
    faces = bench().faces
    with st.container(horizontal=True, key="bench-tray", gap="xsmall"):
        for index, face in enumerate(faces):
            with st.container(width=THUMBNAIL, gap="xsmall", key=f"bench-face-{index}"):
                words = described(model, face)
                st.image(
                    png(draw(model, edited_latent(model, face))), width=THUMBNAIL, alt=f"Face {index + 1}: {words}"
                )
                _handles(index, len(faces), words)
    with st.container(horizontal=True, vertical_alignment="center", key="bench-add"):
        is_full = len(faces) >= MOST_FACES
        st.button("Random face", icon=":material/casino:", on_click=_random, args=(model,), disabled=is_full)
        if model.latents is not None:
            st.button("Stored face", icon=":material/face:", on_click=_stored, args=(model,), disabled=is_full)
        explored = st.session_state.get(RECIPE)
        if isinstance(explored, FaceRecipe) and explored.model == model.run_id:
            is_there = explored in faces
            st.button(
                "Explore's face", icon=":material/tune:", on_click=put, args=(explored,), disabled=is_full or is_there
            )
        with st.popover("A recipe", icon=":material/upload_file:", disabled=is_full):
            _recipe_file(model)
        st.button("Clear", type="tertiary", on_click=change, kwargs={"faces": ()}, disabled=not faces)
        if is_full:
            st.caption(f"{MOST_FACES} faces fill the tray.")


def _handles(index: int, count: int, words: str) -> None:
    """Small buttons under a face: one to the left, out, edit, one to the right."""
    with st.container(horizontal=True, gap=None, horizontal_alignment="center"):
        for name, icon, disabled, action in (
            ("left", "chevron_left", index == 0, _swap),
            ("right", "chevron_right", index == count - 1, _swap),
            ("edit", "tune", False, _edit),
            ("remove", "close", False, _remove),
        ):
            told = {"left": "Move to the left", "right": "Move to the right", "edit": "Open in Explore"}
            st.button(
                f"{told.get(name, 'Take out of the tray')}: face {index + 1}",  # read aloud; the style hides it
                icon=f":material/{icon}:",
                key=f"bench.{name}.{index}",
                type="tertiary",
                disabled=disabled,
                help=f"{told.get(name, 'Take out of the tray')}: face {index + 1}, {words}",
                on_click=action,
                args=(index - 1 if name == "left" else index,),
            )


def _swap(first: int) -> None:
    """Change the places of a face and the next one."""
    faces = list(bench().faces)
    faces[first], faces[first + 1] = faces[first + 1], faces[first]
    change(faces=tuple(faces))


def _remove(index: int) -> None:
    change(faces=tuple(face for place, face in enumerate(bench().faces) if place != index))


def _edit(index: int) -> None:
    open_in_explore(bench().faces[index])


def _random(model: FaceModel) -> None:
    put(FaceRecipe(model.run_id, start=START_OF[model.best_prior], seed=secrets.randbelow(10_000)))


def _stored(model: FaceModel) -> None:
    assert model.latents is not None  # there is no button without
    face = secrets.choice(model.latents.labels["image_id"].tolist())
    put(FaceRecipe(model.run_id, start="stored", face=str(face)))


@error_boundary
def _recipe_file(model: FaceModel) -> None:
    """A recipe that was kept earlier joins the tray, once for each upload."""
    file = st.file_uploader("A recipe that was kept (JSON)", type="json", key="bench.file")
    if file is None or st.session_state.get(READ) == file.file_id:
        return
    if file.size > LARGEST_RECIPE_BYTES:
        raise DataError(f"{file.name} has {file.size:,} bytes; a recipe has a few thousand")
    opened, record = read_record(file.getvalue())
    if opened.model != model.run_id:
        raise DataError(f"{file.name} is a face of {record.get('model')}; choose that model above to open it")
    if not is_wanted(other_weights(record, model, file.name), "bench.file.anyway"):
        return
    st.session_state[READ] = file.file_id
    put(opened)
    st.rerun(scope="app")
