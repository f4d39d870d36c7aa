"""Another model's map beside the first: the same faces in the same colours, and a selection on either lit on both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pages.latentmap.maps import chosen_map
from pages.latentmap.place import place_of, row_at, show_support
from pages.latentmap.state import Place, put, shown
from pages.shell.faces import draw
from pages.shell.loaders import decoder_runs, find, load_model
from pages.shell.pictures import png

if TYPE_CHECKING:
    from vaelab.evaluation.agreement import Agreement
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.evaluation.intervals import MeanWithInterval
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

MIN_SHARED = 40
"""Fewer faces that both models store say nothing about neighbourhoods."""


@dataclass(frozen=True, eq=False)
class Beside:
    """The second map.

    Attributes:
        rows: (its faces,) row of each among the first model's faces, -1 where that one does not store it.
    """

    run: Run
    model: FaceModel
    face_map: FaceMap
    rows: NDArray[np.int64]

    @property
    def num_shared(self) -> int:
        """Faces that both models store."""
        return int((self.rows >= 0).sum())

    def rows_of(self, first_rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows here of some faces of the first model; those that are not stored here are left out."""
        return np.flatnonzero(np.isin(self.rows, first_rows))

    def row_of(self, first_row: int) -> int | None:
        """The row here of a face of the first model; None where it is not stored here."""
        found = np.flatnonzero(self.rows == first_row)
        return int(found[0]) if len(found) else None


def others(model: FaceModel) -> list[str]:
    """Models whose stored faces can be laid beside those of `model`, and the one that is."""
    names = [run.id for run in decoder_runs() if run.id != model.run_id and run.latents_path.is_file()]
    return list(dict.fromkeys([*names, *filter(None, [shown().beside])]))


def open_beside(model: FaceModel) -> Beside | None:
    """The second map, if one is wanted and can be had; else a sentence says why not, where one is wanted."""
    now = shown()
    if not now.second:
        return None
    run = find(now.second)
    second = load_model(run)
    if second.latents is None:
        st.info(f"{second.run_id} stores no latents: `python -m vaelab encode {second.run_id}` makes them.")
        return None
    assert model.latents is not None  # the page says so above, and stops
    rows = shared_rows(model.latents.labels["image_id"], second.latents.labels["image_id"])
    if (rows >= 0).sum() < MIN_SHARED:
        st.info(
            f"{model.run_id} and {second.run_id} store {int((rows >= 0).sum())} faces in common; at least "
            f"{MIN_SHARED} are needed. Encode both on the same data with `python -m vaelab encode`."
        )
        return None
    return Beside(run, second, chosen_map(run, second, now.method), rows)


def shared_rows(first: pd.Series, second: pd.Series) -> NDArray[np.int64]:
    """For each id of `second` the row of the same one in `first`, or -1."""
    known = {str(name): row for row, name in reversed(list(enumerate(first)))}
    return np.array([known.get(str(name), -1) for name in second], np.int64)


def selected_rows(face_map: FaceMap, beside: Beside | None) -> NDArray[np.int64]:
    """Rows of the first model's faces in the area, on whichever map that is."""
    from vaelab.evaluation.projection import inside

    area = np.array(shown().area, np.float64).reshape(-1, 2)
    if not shown().area_on:
        return inside(face_map.places[:, :2], area)
    if beside is None:
        return np.empty(0, np.int64)
    found = beside.rows[inside(beside.face_map.places, area)]
    return np.unique(found[found >= 0])


def marks_in(face_map: FaceMap, beside: Beside) -> dict[str, Place]:
    """Where the face that was pressed lies on the second map."""
    row = _pressed_row(face_map, beside)
    return {} if row is None else {"the same face": place_of(beside.face_map, row)}


def press_in(face_map: FaceMap, beside: Beside, place: Place) -> None:
    """A press on the second map chooses the face nearest to it on both."""
    row = int(np.square(beside.face_map.places - np.array(place, np.float32)).sum(axis=1).argmin())
    if beside.rows[row] < 0:
        st.toast(f"Only {beside.model.run_id} stores this face.")
        return
    put(point=place_of(face_map, int(beside.rows[row])))


def same_face(face_map: FaceMap, beside: Beside) -> None:
    """The face that was pressed, as the second model redraws it."""
    name = beside.model.run_id
    row = _pressed_row(face_map, beside)
    if row is None:
        st.caption(f"Press a face, and {name} redraws it here too, if it stores it.")
        return
    assert beside.model.latents is not None
    left, right = st.columns([2, 3], gap="medium")
    words = f"The same face as {name} redraws it"
    left.image(png(draw(beside.model, beside.model.latents.mu[row])), width="stretch", output_format="PNG", alt=words)
    with right:
        st.markdown(f"**{words}**")
        show_support(float(beside.face_map.support(beside.face_map.places[row][None])[0]))


def agreement_in_words(face_map: FaceMap, beside: Beside, rows: NDArray[np.int64] | None) -> None:
    """How far the selected, `rows` of the first model's faces, are neighbours on both maps."""
    name = beside.model.run_id
    if rows is None:
        st.caption(f"Go around some faces on either map: they are lit on both. {beside.num_shared:,} are on both.")
        return
    if len(beside.rows_of(rows)) < 2:
        st.caption(f"Fewer than two of the selected faces are stored by {name}.")
        return
    now = shown()
    found = _agreement(f"{face_map.key} {beside.face_map.key} {now.area} {now.area_on}", face_map, beside, rows)
    here, there = found.together_here, found.together_there
    st.markdown(
        f"Of the {found.neighbours} nearest to a selected face, {_share(here)} are selected too on this map, and "
        f"{_share(there)} on that of {name}, where chance would give {found.chance:.0%}. {_share(found.kept)} of its "
        f"nearest here are among its nearest there, by chance {found.chance_kept:.1%}."
    )
    st.caption(f"n = {here.n:,} selected of {beside.num_shared:,} faces that both store; 95 % intervals over faces.")


@st.cache_resource(max_entries=32, show_spinner=False)
def _agreement(key: str, _map: FaceMap, _beside: Beside, _rows: NDArray[np.int64]) -> Agreement:
    from vaelab.evaluation.agreement import agreement

    is_shared = _beside.rows >= 0
    selected = np.flatnonzero(np.isin(_beside.rows[is_shared], _rows))
    here, there = _map.places[_beside.rows[is_shared]], _beside.face_map.places[is_shared]
    return agreement(here, there, selected, _map.settings.neighbours)


def _share(found: MeanWithInterval) -> str:
    return f"**{found.mean:.0%}** ({found.low:.0%} to {found.high:.0%})"


def _pressed_row(face_map: FaceMap, beside: Beside) -> int | None:
    """Row on the second map of the face that was pressed on either."""
    point = shown().point
    row = None if point is None else row_at(face_map, point)
    return None if row is None else beside.row_of(row)
