"""The sliders without the panel: Streamlit's own, which report on release, beside the face and what else moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shell.faces import Latent, described, draw
from pages.shell.pictures import png
from pages.studio.state import keep, recipe, show_in
from vaelab.editing.sliders import FAMILIES, STEP, Slider, edited_latent, reach, sliders, start_latent, told_apart

if TYPE_CHECKING:
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

FAMILY = "studio.plain.family"
MOST = 16


def plain_sliders(model: FaceModel, run: Run) -> None:
    """The face, one family of sliders, and the side effects as a table."""
    face = recipe()
    start, now = start_latent(model, face), edited_latent(model, face)
    left, right = st.columns([5, 7], gap="large")
    with left:
        with st.container(key="current"):
            st.image(png(draw(model, now)), width="stretch", alt=f"The current face: {described(model, face)}")
        with st.container(key="beginning"):
            st.image(png(draw(model, start)), width=120, caption="Start", alt="The face it started from")
        _side_effects(model, run)
    with right:
        known = sliders(model, face.method, run.slider_names)
        there = [key for key in FAMILIES if any(slider.family == key for slider in known)]
        family = st.segmented_control(
            "Sliders", there, default=there[0], format_func=FAMILIES.__getitem__, required=True, key=FAMILY
        )
        _held(model, run)
        moved = dict(face.edits)
        of_family = [slider for slider in known if slider.family == family]
        for slider in [s for i, s in enumerate(of_family) if i < MOST or s.key in moved]:
            _slider(slider, start, moved.get(slider.key, 0.0))
        st.button("Reset all", disabled=not face.edits, on_click=lambda: keep(recipe().started()))


def _slider(slider: Slider, start: Latent, value: float) -> None:
    low, high = reach(slider, start)
    key = show_in(f"studio.plain.{slider.key}", value)
    st.slider(
        f"{slider.name} · {slider.detail}",
        min(low, value),
        max(high, value),
        step=STEP,
        format="%.2f",
        key=key,
        disabled=slider.is_dead,
        on_change=lambda: keep(recipe().edited(slider.key, float(st.session_state[key]))),
    )


def _held(model: FaceModel, run: Run) -> None:
    if model.directions is None or not model.directions.learned:
        return
    learned = model.directions.learned
    names = told_apart({about.key: run.slider_names.get(f"a.{about.key}", about.name) for about in learned})
    key = show_in("studio.plain.hold", list(recipe().hold))
    st.multiselect(
        "Hold fixed",
        list(names),
        format_func=names.__getitem__,
        key=key,
        on_change=lambda: keep(recipe().held(st.session_state[key])),
    )


def _side_effects(model: FaceModel, run: Run) -> None:
    import pandas as pd  # seconds of importing, which the panel does without

    from vaelab.editing.effects import side_effects

    face = recipe()
    if not face.edits:
        return
    rows = side_effects(model, start_latent(model, face), edited_latent(model, face))
    if not rows:
        return
    names = run.slider_names
    table = pd.DataFrame(
        {
            "Attribute": [names.get(f"a.{row.key}", row.name) for row in rows],
            "Moved (SD)": [row.moved for row in rows],
            "Before": [row.before for row in rows],
            "After": [row.after for row in rows],
            "Probe's AUC": [row.auc for row in rows],
        }
    )
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        table.style.format({"Moved (SD)": "{:+.2f}", "Probe's AUC": "{:.2f}"}),
        column_config={"Before": percent, "After": percent},
        hide_index=True,
    )
