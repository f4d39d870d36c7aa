"""Studio: several faces at once. Ways between them, sums, grids, doubts and neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.atelier.arithmetic import face_arithmetic
from pages.atelier.bench import LEAVE, LINK, SECTIONS, bench, change, fit_bench, open_bench, sets, to_link
from pages.atelier.grid import grid
from pages.atelier.interpolate import interpolate
from pages.atelier.neighbours import neighbours
from pages.atelier.tray import tray
from pages.atelier.uncertainty import uncertainty
from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.links import write_link
from pages.shell.loaders import decoder_runs, find, load_model
from pages.shell.places import file_of
from pages.shell.welcome import drawable_models
from pages.studio.state import show_in

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

EXPLORE = file_of("")
PARTS: dict[str, Callable[[FaceModel], None]] = {
    "path": interpolate,
    "sum": face_arithmetic,
    "grid": grid,
    "doubt": uncertainty,
    "near": neighbours,
}
ABOUT_ONE_FACE = ("grid", "doubt", "near")


@error_boundary
def studio() -> None:
    """The page."""
    if st.session_state.pop(LEAVE, False):
        st.switch_page(EXPLORE)
    if not decoder_runs():
        st.title("Several faces at once", anchor=False)
    runs = drawable_models()
    if not runs:
        return
    notes = open_bench(runs)
    model = load_model(find(bench().model))
    fitted, more = fit_bench(bench(), model)
    bench.keep(fitted)
    _header(runs)
    cautions(model.config)
    if notes or more:
        st.info("  \n".join(dict.fromkeys((*notes, *more))), icon=":material/link_off:")
    with st.container(key="bench-faces"):
        _guarded_tray(model)
    _sections()
    _part(model)
    write_link(to_link(bench()), LINK)


def _header(runs: list[str]) -> None:
    words, choice = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    with words:
        st.title("Several faces at once", anchor=False)
        st.markdown("Lay faces into the tray and walk between them, add and subtract them, or look around one.")
    key = show_in("bench.model", bench().model)
    choice.selectbox("Model", runs, key=key, on_change=sets("model", key))


@error_boundary
def _guarded_tray(model: FaceModel) -> None:
    tray(model)


def _sections() -> None:
    """Which part is shown, and for those that look at one face, at which."""
    now = bench()
    with st.container(horizontal=True, vertical_alignment="bottom", key="bench-sections"):
        key = show_in("bench.section", now.section)
        st.segmented_control(
            "What to do with them", list(SECTIONS), format_func=SECTIONS.__getitem__, required=True, key=key,
            on_change=sets("section", key), label_visibility="collapsed",
        )  # fmt: skip
        if now.section in ABOUT_ONE_FACE and len(now.faces) > 1:
            key = show_in("bench.face", now.face)
            st.selectbox(
                "Of face", range(len(now.faces)), format_func=lambda index: f"Face {index + 1}", key=key, width=140,
                on_change=lambda: change(face=int(st.session_state[key])),
            )  # fmt: skip


@error_boundary
def _part(model: FaceModel) -> None:
    """The chosen part; the others cost nothing."""
    now = bench()
    if now.section in ABOUT_ONE_FACE and not now.faces:
        st.info("This looks at one face: lay one down.", icon=":material/add:")
        return
    PARTS[now.section](model)


studio()
