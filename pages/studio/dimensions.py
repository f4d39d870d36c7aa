"""Sliders for the dimensions the model uses most, each with a strip that shows what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shell.boundary import error_boundary
from pages.shell.faces import STEP, Latent, on_scale, signed, slider_scale, start_latent, walk_values
from pages.shell.loaders import find, load_model
from pages.shell.routes import walk_address
from pages.shell.sheet import face_sheet
from pages.studio.state import BOTH, keep, recipe, show_in

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

FIRST_SHOWN, MORE = 8, 8
COUNT = "studio.dimensions"
ACTIVE_NATS = 0.01
"""A dimension that carries less does nothing one could see."""


@st.fragment(key="dimensions")
@error_boundary
def dimensions(run_id: str) -> None:
    """The sliders, most informative dimension first, and a button for more of them."""
    model = load_model(find(run_id))
    ranked = ranked_dims(model)
    count = min(int(st.session_state.get(COUNT, FIRST_SHOWN)), len(ranked))
    shown = ranked[:count] + [dim for dim, _ in recipe().edits if dim not in ranked[:count]]
    start = start_latent(model, recipe())
    with st.grid(2, min_column_width=230, gap=("medium", "large")) as grid:
        for dim in shown:
            with grid.cell(), st.container(key=f"dimension-{dim}", gap=None):
                _dimension(model, dim, start)
    with st.container(horizontal=True, vertical_alignment="center"):
        if count < len(ranked):
            st.button(f"Show {min(MORE, len(ranked) - count)} more", on_click=_show, args=(count + MORE,))
        if count > FIRST_SHOWN:
            st.button(f"Show {FIRST_SHOWN} only", type="tertiary", on_click=_show, args=(FIRST_SHOWN,))
        st.caption(f"{len(shown)} of {model.latent_size} dimensions")


def ranked_dims(model: FaceModel) -> list[int]:
    """Dimensions worth a slider, most informative first; all of them where the model stores no statistics."""
    ranked = [int(dim) for dim in model.dims_by_kl]
    if model.latents is None:
        return ranked
    active = [dim for dim in ranked if model.latents.kl_per_dim[dim] >= ACTIVE_NATS]
    return active or ranked


def _dimension(model: FaceModel, dim: int, start: Latent) -> None:
    """One slider with its reset button, and its strip."""
    begin = float(start[dim])
    value = dict(recipe().edits).get(dim, begin)
    low, high = slider_scale(model, dim, min(begin, value))[0], slider_scale(model, dim, max(begin, value))[1]
    name = f"studio.dim.{dim}"
    key = show_in(name, min(max(on_scale(value), low), high))
    st.slider(
        _title(model, dim),
        low,
        high,
        step=STEP,
        format="%.2f",
        key=key,
        on_change=_moved,
        args=(dim, key, on_scale(begin)),
    )
    st.button(
        "Reset",
        key=f"{name}.reset",
        type="tertiary",
        disabled=dim not in dict(recipe().edits),
        on_click=_set,
        args=(dim, None),
    )
    steps = walk_values(model, dim)
    alt = f"Dimension {dim} from {signed(steps[0])} to {signed(steps[-1])}, all else as in the starting face"
    face_sheet(
        [(walk_address(model, recipe(), dim), alt)],
        [f"Set dim {dim} to {signed(step)}" for step in steps],
        label=f"Steps of dimension {dim}",
        key=f"{name}.walk",
        on_pick=lambda index: _set(dim, steps[index]),
    )


def _title(model: FaceModel, dim: int) -> str:
    if model.latents is None:
        return f"dim {dim}"
    return f"dim {dim} · {model.latents.kl_per_dim[dim]:.1f} nats"


def _moved(dim: int, key: str, begin: float) -> None:
    """Take a slider's new value; back where it began is no edit.

    The slider shows its value already, so only the picture is drawn again: a fifth of the work. The sliders follow
    only when a reset button has to come or go.
    """
    value = float(st.session_state[key])
    was_edited = dim in dict(recipe().edits)
    is_edited = abs(value - begin) >= STEP / 2
    keep(recipe().edited(dim, value) if is_edited else recipe().reset(dim))
    st.rerun("portrait" if was_edited == is_edited else BOTH)


def _set(dim: int, value: float | None) -> None:
    """Set a dimension from elsewhere than its slider; None takes it back to the starting face."""
    keep(recipe().reset(dim) if value is None else recipe().edited(dim, value))
    st.rerun(BOTH)


def _show(count: int) -> None:
    st.session_state[COUNT] = count
