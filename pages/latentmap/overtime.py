"""The map over training: the film, what it says and does not say, and the way of a chosen face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pages.latentmap.colours import Colouring, by_label, plain
from pages.latentmap.film import film_map, frame_at, row_of
from pages.latentmap.films import chosen_film, film_labels, frames_now, waiting_for_film
from pages.latentmap.place import as_recipe, to_explore
from pages.latentmap.state import METHODS, put, shown
from pages.shell.faces import draw
from pages.shell.pictures import png
from pages.shell.routes import frame_address
from pages.shell.sheet import face_sheet
from vaelab.data.groups import Grouping, choosable_columns, group_columns
from vaelab.runs.frames import frames_of

if TYPE_CHECKING:
    from vaelab.evaluation.film import Film
    from vaelab.evaluation.frames import TrainingFrames
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

NEAREST = 8
"""Neighbours of the chosen face that are drawn."""
MEANING = (
    "Each frame is laid out by the latents of its moment, brought to one size, and turned or mirrored as a whole "
    "to fit the frame before. That removes the rotation, which is chance, so that only real moves remain. How "
    "large a cloud of early frames would be beside a late one is not shown, and clusters' sizes and distances "
    "mean as little here as on any map."
)


def over_training(run: Run, model: FaceModel) -> None:
    """The film, or a sentence on why there is none."""
    labels = film_labels(run)
    count = len(frames_of(run))
    if labels is None or count < 2:
        st.info(_why_none(run, count), icon=":material/movie:")
        st.code("python -m vaelab train --recipe first-minute --validate-every 800", language="bash")
        return
    film = chosen_film(run, shown().method)
    waiting_for_film(run, shown().method, film)
    left, right = st.columns([3, 2], gap="large")
    with right:
        _way_of_face(run, model, film, labels)
    with left:
        film_map(model, film, labels, _colours(model, labels), label=_spoken(model, film))
        st.caption(MEANING)
    _numbers(model, film)


def _why_none(run: Run, count: int) -> str:
    if count == 1:
        return f"{run.id} has kept one frame so far; a film begins with the next validation."
    return (
        f"There is no film of {run.id}: it kept no latents on its way, because it was trained by a version that kept "
        "none, had no held-out faces, or came here without them (models that ship do). Every training that is started "
        "now keeps them at each validation; this one takes a minute and leaves twenty frames:"
    )


def _colours(model: FaceModel, labels: pd.DataFrame) -> Colouring:
    """The chosen label's colours, those of the map where it has the same label."""
    chosen = shown().colour
    if chosen not in choosable_columns(labels):
        return plain(len(labels))
    stored = None if model.latents is None else model.latents.labels
    known = () if stored is None or chosen not in choosable_columns(stored) else Grouping.of(stored, [chosen]).names
    return by_label(labels, chosen, known)


def _way_of_face(run: Run, model: FaceModel, film: Film, labels: pd.DataFrame) -> None:
    """The chosen face as it is redrawn now, how far it went, and who was near it then and in the end."""
    row = row_of(labels, shown().face)
    if row < 0:
        st.markdown("**Press a face in the film.** Its trail is drawn, and who was near it then and in the end.")
        return
    frames, at = frames_now(run), frame_at(film, shown().clock)
    last = len(film.moments) - 1
    z = frames.mu[last][row]
    words = " · ".join(str(labels[name].iloc[row]).replace("_", " ") for name in group_columns(labels))
    left, right = st.columns([2, 3], gap="medium")
    left.image(png(draw(model, z)), width="stretch", output_format="PNG", alt=f"Held-out face, {words}, redrawn now")
    with right:
        st.markdown(f"**{words or labels['image_id'].iloc[row]}**")
        st.markdown(_moved_in_words(film, row))
        st.button(
            "Open in Explore", icon=":material/tune:", on_click=to_explore, args=(as_recipe(model, z),),
            key="map.film.explore",
        )  # fmt: skip
        st.button("Let it go", icon=":material/close:", on_click=put, kwargs={"face": ""}, key="map.film.clear")
    then, now = (nearest_rows(frames, frame, row) for frame in (at, last))
    rows = [then] if at == last else [then, now]
    clocks = [film.moments[frame].images_seen for frame in (at, last)][: len(rows)]
    said = [f"Its {NEAREST} nearest latents after {clock:,} images" for clock in clocks]
    below = "" if at == last else f", and below after {clocks[1]:,}"
    st.caption(f"{said[0]}{below}, all as the model redraws them now.")
    names = [str(labels["image_id"].iloc[near]) for near in np.concatenate(rows)]
    face_sheet(
        [
            (frame_address(model, film.moments[last].images_seen, [int(near) for near in found]), text)
            for found, text in zip(rows, said, strict=True)
        ],
        [f"Show the way of {name}" for name in names],
        label="Nearest to it, the nearest first",
        key="map.film.nearest",
        on_pick=lambda index: put(face=names[index]),
    )
    if at != last:
        both = len(np.intersect1d(then, now))
        st.caption(f"{both} of the {NEAREST} are among its nearest at both moments.")


def nearest_rows(frames: TrainingFrames, frame: int, row: int) -> NDArray[np.int64]:
    """The faces whose latents are nearest to those of `row` in a frame, the nearest first."""
    features = frames.features(frame).astype(np.float64)
    apart = np.linalg.norm(features - features[row], axis=1)
    apart[row] = np.inf
    return np.argsort(apart, kind="stable")[:NEAREST]


def _moved_in_words(film: Film, row: int) -> str:
    """How far a face went, beside the others."""
    steps = np.linalg.norm(np.diff(film.places.astype(np.float64), axis=0), axis=2)
    ways = steps.sum(axis=0)
    share = float((ways < ways[row]).mean())
    straight = float(np.linalg.norm(film.places[-1, row] - film.places[0, row]))
    return (
        f"On its way it moved {ways[row] / 2:.1f} times the map's width, farther than {share:.0%} of the faces, and "
        f"ended {straight / 2:.1f} widths from where it began."
    )


def _spoken(model: FaceModel, film: Film) -> str:
    count = film.places.shape[1]
    return (
        f"Map of {count:,} held-out faces of {model.run_id} at {len(film.moments)} moments of its training, by "
        f"{METHODS[film.settings.method]}. The slider below moves through them; arrow keys go from face to face."
    )


def _numbers(model: FaceModel, film: Film) -> None:
    """Every frame's figures as a table, to look at and to keep."""
    table = moments_table(film)
    with st.expander("Every frame in numbers", icon=":material/table:"):
        st.dataframe(table, hide_index=True, width="stretch")
        looked_at = film.moments[0].quality.preserved.n
        st.caption(
            f"Kept on the map: share of a face's {film.settings.neighbours} nearest latents that are among its nearest "
            f"on the map, n = {looked_at:,} faces, 95 % intervals. Kept since: share that were its nearest latents in "
            f"the frame before too, n = {film.places.shape[1]:,}. Moved: mean way on the map since then, in widths."
        )
        st.download_button(
            "Frames (CSV)", lambda: table.to_csv(index=False).encode(), file_name=f"{model.run_id}-film.csv",
            mime="text/csv", icon=":material/download:", on_click="ignore", key="map.film.csv",
        )  # fmt: skip


def moments_table(film: Film) -> pd.DataFrame:
    """One row for each frame."""
    rows = []
    for moment in film.moments:
        kept, since = moment.quality.preserved, moment.kept_since
        rows.append(
            {
                "Images seen": moment.images_seen,
                "Trustworthiness": round(moment.quality.trustworthiness.mean, 3),
                "Kept on the map": f"{kept.mean:.0%} ({kept.low:.0%} to {kept.high:.0%})",
                "Kept since": "" if since is None else f"{since.mean:.0%} ({since.low:.0%} to {since.high:.0%})",
                "Moved": None if moment.moved is None else round(moment.moved / 2, 3),
            }
        )
    return pd.DataFrame(rows)
