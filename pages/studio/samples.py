"""Faces nobody chose: the same seeds through the standard prior and through the model's likeliest fitted one."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import streamlit as st

from pages.shell.routes import samples_address
from pages.shell.sheet import face_sheet
from pages.studio.state import keep, recipe
from vaelab.editing.recipe import START_OF

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

ROWS, COLUMNS = 3, 6
GRID_SEED = "studio.grid"
WORDS = {
    "prior": ("Standard prior", "What N(0, I) draws: the model's own idea of chance."),
    "fitted": ("Fitted prior", "The same, drawn where the model really puts faces."),
    "mixture": ("Mixture prior", "The same, drawn from ten Gaussians that cover the faces the model learned from."),
    "second-stage": ("Two-stage prior", "The same, drawn by a second VAE that learned where the model puts faces."),
}


def samples(model: FaceModel) -> None:
    """Two grids, side by side; the browser fetches them row by row, and pressing a face opens it above."""
    seed = int(st.session_state.get(GRID_SEED, 1))
    st.space("small")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header("Faces nobody chose", anchor=False, width="content")
        st.button("Draw again", icon=":material/casino:", on_click=_draw_again)
    starts = list(dict.fromkeys(("prior", START_OF[model.best_prior])))
    for start, column in zip(starts, st.columns(len(starts), gap="large"), strict=True):
        with column:
            title, words = WORDS[start]
            st.markdown(f"**{title}**  \n{words}")
            _grid(model, start, [seed * 100 + index for index in range(ROWS * COLUMNS)])


def _grid(model: FaceModel, start: str, seeds: list[int]) -> None:
    name = WORDS[start][0].lower()
    rows = [seeds[first : first + COLUMNS] for first in range(0, len(seeds), COLUMNS)]
    face_sheet(
        [(samples_address(model, start, row, 1.0), f"{COLUMNS} faces from the {name}") for row in rows],
        [f"Open seed {seed} of the {name}" for seed in seeds],
        label=f"Samples from the {name}",
        key=f"studio.samples.{start}",
        on_pick=lambda index: _open(start, seeds[index]),
    )


def _open(start: str, seed: int) -> None:
    keep(recipe().started(start=start, seed=seed, temperature=1.0))
    st.toast(f"Seed {seed} is on the table above.")
    st.rerun("studio")


def _draw_again() -> None:
    st.session_state[GRID_SEED] = secrets.randbelow(10_000)
