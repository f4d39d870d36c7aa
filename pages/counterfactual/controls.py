"""What the visitor chooses: the face, the way, and who looks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.counterfactual.plan import FALSE_POSITIVE_RATES, MOST_DETECTORS, REACHES, SCALES, change, explored, plan
from pages.shell.faces import described
from pages.shell.loaders import find
from pages.studio.state import show_in
from vaelab.editing.recipe import START_OF
from vaelab.editing.sliders import FAMILIES, sliders, told_apart
from vaelab.wording import rate_name

if TYPE_CHECKING:
    from vaelab.inference import FaceModel


def controls(model: FaceModel, runs: Sequence[str], detectors: Sequence[str]) -> None:
    """All choices of the page, one beneath the other."""
    _start(model, runs)
    _way(model)
    _looked_at_by(detectors)


def _start(model: FaceModel, runs: Sequence[str]) -> None:
    recipe = plan().recipe
    key = show_in("walk.model", recipe.model)
    st.selectbox(
        "Face drawn by", runs, key=key, on_change=_sets(key, lambda run: {"recipe": recipe.started(model=run)})
    )
    with st.container(horizontal=True, gap="small"):
        if model.latents is not None:
            st.button("Stored face", icon=":material/casino:", on_click=_stored_face, args=(model,))
        st.button("Drawn face", icon=":material/casino:", on_click=_drawn_face, args=(model,))
        other = explored()
        if other is not None and other != recipe and other.model in runs:
            st.button("Face from Explore", icon=":material/face:", on_click=change, kwargs={"recipe": other})
    st.caption(f"Start: {described(model, recipe)}")


def _stored_face(model: FaceModel) -> None:
    assert model.latents is not None  # the button is not there without
    face = str(model.latents.labels["image_id"].iloc[secrets.randbelow(len(model.latents.mu))])
    change(recipe=plan().recipe.started(start="stored", face=face))


def _drawn_face(model: FaceModel) -> None:
    change(recipe=plan().recipe.started(start=START_OF[model.best_prior], seed=secrets.randbelow(10_000)))


def _way(model: FaceModel) -> None:
    now = plan()
    given = find(model.run_id).slider_names
    known = sliders(model, now.recipe.method, given)
    ways = {slider.key: slider for slider in known if not slider.is_dead}
    ways |= {slider.key: slider for slider in known if slider.key == now.along}
    named = told_apart({key: f"{way.name} · {FAMILIES[way.family].lower()}" for key, way in ways.items()})
    key = show_in("walk.along", now.along)
    st.selectbox(
        "Walk along",
        list(ways),
        format_func=named.__getitem__,
        key=key,
        on_change=_sets(key, lambda way: {"along": way}),
        help="Attributes, principal components and raw latents. One step is one standard deviation.",
    )
    if ways[now.along].detail:
        st.caption(ways[now.along].detail)
    if model.directions is not None and model.directions.learned:
        learned = {about.key: about.name for about in model.directions.learned}
        names = told_apart({key: given.get(f"a.{key}", name) for key, name in learned.items()})
        hold_key = show_in("walk.hold", list(now.recipe.hold))
        st.multiselect(
            "Hold fixed",
            [name for name in names if f"a.{name}" != now.along or name in now.recipe.hold],
            format_func=names.__getitem__,
            key=hold_key,
            on_change=_sets(hold_key, lambda held: {"recipe": now.recipe.held(held)}),
            placeholder="nothing",
            help="Takes everything out of the direction that changes these attributes, by the model's own probes.",
        )
    reach_key = show_in("walk.reach", now.reach)
    st.slider(
        "Reach, steps to either side",
        *REACHES,
        step=1.0,
        format="%d",
        key=reach_key,
        on_change=_sets(reach_key, lambda reach: {"reach": float(reach)}),
    )


def _looked_at_by(detectors: Sequence[str]) -> None:
    now = plan()
    key = show_in("walk.detectors", list(now.detectors))
    st.multiselect(
        "Detectors",
        detectors,
        key=key,
        max_selections=MOST_DETECTORS,
        on_change=_sets(key, lambda names: {"detectors": tuple(names)}),
    )
    fpr_key = show_in("walk.fpr", now.fpr)
    st.segmented_control(
        "False positives",
        FALSE_POSITIVE_RATES,
        format_func=rate_name,
        key=fpr_key,
        required=True,
        on_change=_sets(fpr_key, lambda fpr: {"fpr": fpr}),
        help="Share of pictures without a face that each detector calls one; sets its threshold.",
    )
    scale_key = show_in("walk.scale", now.scale)
    st.segmented_control(
        "Shown as",
        list(SCALES),
        format_func=SCALES.__getitem__,
        key=scale_key,
        required=True,
        on_change=_sets(scale_key, lambda scale: {"scale": scale}),
        help="Probabilities press against 1; log-odds still tell sure from very sure.",
    )


def _sets(key: str, changes: Callable[[Any], dict[str, Any]]) -> Callable[[], None]:
    """A callback that changes the plan by what the widget says."""
    return lambda: change(**changes(st.session_state[key]))
