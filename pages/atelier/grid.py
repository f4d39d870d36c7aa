"""Grid: one face under two sliders at once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.atelier.bench import COUNTS, Bench, bench, open_in_explore, sets
from pages.shell.loaders import find
from pages.shell.pictures import data_address, sheet
from pages.shell.sheet import face_sheet
from pages.studio.state import show_in
from vaelab.editing.paths import grid_positions, traversal_grid
from vaelab.editing.recipe import to_record
from vaelab.editing.sliders import edited_latent, sliders, start_latent, told_apart
from vaelab.pictures import contact_sheet, png_bytes

if TYPE_CHECKING:
    from vaelab.editing.sliders import Slider
    from vaelab.inference import FaceModel


def grid(model: FaceModel) -> None:
    """The two sliders, and a face for each pair of their positions, to press."""
    now = bench()
    known = {
        slider.key: slider
        for slider in sliders(model, now.faces[now.face].method, find(model.run_id).slider_names)
        if not slider.is_dead
    }
    if len(known) < 2:
        st.info("A grid takes two sliders that move something; this model has fewer.", icon=":material/grid_off:")
        return
    across, down = chosen(now, known)
    _controls(now, known, across, down)
    if across == down:
        st.info("Choose two different sliders.", icon=":material/swap_horiz:")
        return
    face = now.faces[now.face]
    start = start_latent(model, face)
    cells, recipes = traversal_grid(model, face, known[across], known[down], now.count)
    pictures = model.decode(cells.reshape(-1, cells.shape[-1])).reshape(now.count, now.count, model.size, model.size, 3)
    flat = [recipe for row in recipes for recipe in row]
    xs, ys = (grid_positions(known[key], start, now.count) for key in (across, down))
    with st.container(width=560):
        face_sheet(
            [
                (data_address(sheet(row), "jpeg"), f"{known[down].name} at {y:+g}")
                for row, y in zip(pictures, ys, strict=True)
            ],
            [f"Open in Explore: {known[across].name} {x:+g}, {known[down].name} {y:+g}" for y in ys for x in xs],
            label=f"{known[across].name} to the right, {known[down].name} downwards",
            key="bench.grid",
            on_pick=lambda index: open_in_explore(flat[index]),
        )
    st.caption(
        f"To the right {known[across].name}, {_span(xs)}; downwards {known[down].name}, {_span(ys)} steps. "
        "Press a face to open it in Explore."
    )
    st.download_button(
        "PNG of the grid", functools.partial(picture, model, now, known[across], known[down]),
        file_name=f"{model.run_id}-grid.png", mime="image/png", on_click="ignore", icon=":material/download:",
        key="bench.download.grid",
    )  # fmt: skip


def _span(steps: Sequence[float]) -> str:
    return f"{steps[0]:+g} to {steps[-1]:+g}".replace("-", "−")


def chosen(now: Bench, known: dict[str, Slider]) -> tuple[str, str]:
    """Keys of the sliders across and down: those asked for, or else the first two there are."""
    first, second, *_ = known
    across = now.across if now.across in known else first
    return across, now.down if now.down in known else second if across != second else first


def picture(model: FaceModel, now: Bench, across: Slider, down: Slider) -> bytes:
    """The grid as a marked PNG."""
    face = now.faces[now.face]
    start = start_latent(model, face)
    cells, _ = traversal_grid(model, face, across, down, now.count)
    about = {
        **to_record(model, face, edited_latent(model, face)),
        "grid": {"across": across.key, "down": down.key, "count": now.count,
                 "across_steps": grid_positions(across, start, now.count),
                 "down_steps": grid_positions(down, start, now.count)},
    }  # fmt: skip
    return png_bytes(contact_sheet(model.decode(cells.reshape(-1, cells.shape[-1])), now.count), about)


def _controls(now: Bench, known: dict[str, Slider], across: str, down: str) -> None:
    names = told_apart({key: slider.name for key, slider in known.items()})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for field, label, value in (("across", "To the right", across), ("down", "Downwards", down)):
            key = show_in(f"bench.{field}", value)
            st.selectbox(
                label, list(known), format_func=names.__getitem__, key=key, width=220,
                on_change=sets(field, key),
            )  # fmt: skip
        key = show_in("bench.count", now.count)
        st.slider("Faces to a side", *COUNTS, key=key, width=200, on_change=sets("count", key))
