"""Compare: two models side by side, on the same face and the same path."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.counterfactual.detectors import stored_original
from pages.shell.boundary import error_boundary
from pages.shell.cards import differing_rows
from pages.shell.cautions import cautions
from pages.shell.faces import spoken_labels
from pages.shell.links import write_link
from pages.shell.loaders import decoder_runs, find, load_model
from pages.shell.pictures import data_address, png
from pages.sidebyside.pair import (
    BETWEEN,
    LINK,
    MINE,
    change_pair,
    fit_pair,
    keep_pair,
    open_pair,
    pair,
    photo_for,
    shared_attributes,
    shared_faces,
)
from pages.sidebyside.paths import Drawn, drawn, frame_names, start_frame
from pages.sidebyside.scrub import Row, scrub
from pages.sidebyside.tables import effects_figure, effects_in_words, measured
from pages.studio.state import show_in
from vaelab.editing.effects import side_effects

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

Two = tuple["FaceModel", "FaceModel"]


@error_boundary
def compare() -> None:
    """The page."""
    st.title("Two models, one face", anchor=False)
    st.markdown("The same face on the same path through two models: drag, and see where they part.")
    runs = [run.id for run in decoder_runs()]
    if len(runs) < 2:
        st.markdown("It takes two models with a decoder; this trains another one in about a minute:")
        st.code("python -m vaelab train --recipe first-minute", language="bash")
        return
    notes = open_pair(runs)
    models = (load_model(find(pair().first)), load_model(find(pair().second)))
    fitted, more = fit_pair(pair(), models)
    keep_pair(fitted)
    if notes or more:
        st.info("  \n".join((*notes, *more)), icon=":material/link_off:")
    choose(models, runs)
    if not pair().face:
        st.info(
            f"{models[0].run_id} and {models[1].run_id} store no face in common. Encode both on the same data with "
            "`python -m vaelab encode`, or bring a photo on the Explore page."
        )
    elif not pair().along:
        st.info("The two models share neither an attribute to move along nor a second face to walk to.")
    else:
        side_by_side(pair().first, pair().second)
    facts(models)
    write_link(pair().to_query(), LINK)


def choose(models: Two, runs: Sequence[str]) -> None:
    """Both models, the face and the path."""
    now, attributes, faces = pair(), shared_attributes(models), shared_faces(models)
    first, second, way = st.columns(3)
    for place, name, column in (("first", "Model A", first), ("second", "Model B", second)):
        key = show_in(f"compare.{place}", getattr(now, place))
        column.selectbox(name, runs, key=key, on_change=_sets(place, key))
    ways = [*([BETWEEN] if len(faces) > 1 else []), *attributes]
    if ways:
        key = show_in("compare.along", now.along)
        way.selectbox(
            "Path",
            ways,
            format_func=lambda along: attributes.get(along, "To another face"),
            key=key,
            on_change=_sets("along", key),
            help="An attribute that both models know, in steps of one standard deviation of its log-odds in each; or "
            "the straight way between two stored faces.",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if faces:
            st.button("Another face", icon=":material/casino:", on_click=_another, args=("face", faces))
        if now.along == BETWEEN:
            st.button("Another end", icon=":material/casino:", on_click=_another, args=("to", faces))
        if photo_for(models) is not None and now.face != MINE:
            st.button("My photo", icon=":material/face:", on_click=change_pair, kwargs={"face": MINE})
        if now.face:
            st.caption(_described(models[0]))


@st.fragment
@error_boundary
def side_by_side(first: str, second: str) -> None:
    """The faces under their slider, and what the move to where it was let go does to other attributes."""
    models = (load_model(find(first)), load_model(find(second)))
    now, names = pair(), frame_names(pair())
    ways = (drawn(models[0], models, now), drawn(models[1], models, now))
    photo = photo_for(models) if now.face == MINE else stored_original(find(first), now.face)
    fingerprints = "/".join(model.weights_fingerprint for model in models)
    frame = scrub(
        [Row(_name(way, ways), way.address, _notes(way)) for way in ways],
        names,
        label=f"Along {shared_attributes(models).get(now.along, 'the way to the other face')}, both models",
        path=f"{now} {fingerprints}",
        start=start_frame(now),
        key="compare.scrub",
        original="" if photo is None else data_address(png(photo), "png"),
    )
    st.subheader("What else moves", anchor=False)
    if frame == start_frame(now):
        st.caption("Let the slider go somewhere, and the same move is measured in both models.")
        return
    show_effects(ways, frame, names[frame])


def show_effects(ways: tuple[Drawn, Drawn], frame: int, where: str) -> None:
    """Bars of both models' attributes between the start and a frame."""
    now = pair()
    start = start_frame(now)
    effects = (
        side_effects(ways[0].model, ways[0].latents[start], ways[0].latents[frame]),
        side_effects(ways[1].model, ways[1].latents[start], ways[1].latents[frame]),
    )
    if not (effects[0] and effects[1]):
        st.caption("One of the two has learned no attributes, so there is nothing to measure by.")
        return
    names = (_name(ways[0], ways), _name(ways[1], ways))
    words = " ".join(effects_in_words(name, side, now.along) for name, side in zip(names, effects, strict=True))
    st.markdown(f"At {where}: {words}")
    st.plotly_chart(
        effects_figure(names, effects),
        config={"displayModeBar": False},
        key="compare.effects",
        alt=f"How far each attribute moved at {where} in both models. {words}",
    )
    st.caption(
        "Both pictures are drawn and encoded anew, and each model's own probes read them: this is what the model sees "
        "in its own faces. Hover for probabilities and for how well a probe tells (AUC; 0.5 is chance)."
    )


def facts(models: Two) -> None:
    """Measurements and differing settings of both."""
    runs = (find(models[0].run_id), find(models[1].run_id))
    if runs[0].id == runs[1].id:
        st.caption("Both sides are the same model; choose another one to see how they differ.")
        return
    st.subheader("How well they reconstruct", anchor=False)
    st.dataframe(
        measured(runs, (models[0].weights_fingerprint, models[1].weights_fingerprint)),
        hide_index=True,
        alt=f"Measured reconstruction of {runs[0].id} and {runs[1].id}",
    )
    st.caption("In brackets: 95 % intervals, by each model's own report. A dash: not measured for these weights.")
    st.subheader("How they were made", anchor=False)
    for run in runs:
        cautions(run.config, run.id)
    settings = differing_rows(runs)
    if settings.empty:
        st.markdown("With the same settings throughout.")
    else:
        st.dataframe(
            settings,
            hide_index=True,
            height="content",
            alt=f"Settings that differ between {runs[0].id} and {runs[1].id}",
        )


def _name(way: Drawn, ways: tuple[Drawn, Drawn]) -> str:
    """A model's name; A and B where both are the same."""
    if ways[0].model.run_id != ways[1].model.run_id:
        return way.model.run_id
    return f"{way.model.run_id} ({'A' if way is ways[0] else 'B'})"


def _notes(way: Drawn) -> list[str]:
    """What the model itself says of each frame."""
    if way.face_prob is None:
        return ["draws only, detects nothing"] * len(way.pixels)
    return [f"sees a face with probability {prob:.3f}" for prob in way.face_prob]


def _described(model: FaceModel) -> str:
    now = pair()
    start = "Your photo" if now.face == MINE else f"Stored face, labelled {spoken_labels(model, now.face)}"
    if now.along != BETWEEN:
        return start
    return f"{start}; to the one labelled {spoken_labels(model, now.to)}"


def _another(which: str, faces: list[str]) -> None:
    change_pair(**{which: secrets.choice(faces)})


def _sets(field: str, key: str) -> Callable[[], None]:
    """A callback that puts the widget's value into the pair."""

    def changed() -> None:
        value: Any = st.session_state[key]
        change_pair(**{field: value})

    return changed


compare()
