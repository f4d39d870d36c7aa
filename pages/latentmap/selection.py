"""The faces inside a box or lasso: who they are beside all others, their mean, and what leads to them as a slider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pages.latentmap.place import as_recipe, to_explore
from pages.latentmap.state import put, shown
from pages.priormap.measures import latents_key
from pages.shell.faces import draw, spoken_labels
from pages.shell.loaders import find, load_model
from pages.shell.pictures import png
from pages.shell.routes import MOST_FACES, stored_address
from pages.shell.sheet import face_sheet
from vaelab.editing.recipe import FaceRecipe
from vaelab.errors import DataError, VaelabError
from vaelab.wording import counted

if TYPE_CHECKING:
    from vaelab.evaluation.composition import Share
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

ROWS_SHOWN = 2
COLUMNS = 12
NAME, PROBLEM = "map.slider.name", "map.slider.problem"


def selection(model: FaceModel, face_map: FaceMap, rows: NDArray[np.int64]) -> None:
    """All about the selected faces, which are in `rows`."""
    if not shown().area:
        st.markdown("**Choose “Box” or “Lasso” above the map and go around some faces.** They are compared with all.")
        _made_sliders(model)
        return
    assert model.latents is not None
    with st.container(horizontal=True, vertical_alignment="center"):
        verb = "is" if len(rows) == 1 else "are"
        st.markdown(f"**{len(rows):,} of {len(model.latents.mu):,} faces {verb} selected.**")
        st.button("Clear the selection", type="tertiary", on_click=put, kwargs={"area": (), "area_on": ""})
    if not len(rows):
        st.info("No face lies there: go around some points.", icon=":material/select:")
        _made_sliders(model)
        return
    _faces(model, rows)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _means(model, rows)
    with right:
        _composition(model, rows)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            f"{counted(len(rows), 'face')} (CSV)",  # of a new selection: until then the button gives the one before
            lambda: csv_of(model, face_map, rows),
            file_name=f"{model.run_id}-selection.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="map.csv",
        )
    _slider(model, rows)


def csv_of(model: FaceModel, face_map: FaceMap, rows: NDArray[np.int64]) -> bytes:
    """The selected faces with their labels and places."""
    assert model.latents is not None
    table = model.latents.labels.iloc[rows].assign(x=face_map.places[rows, 0], y=face_map.places[rows, 1])
    text: str = table.to_csv(index=False)
    return text.encode()


def _faces(model: FaceModel, rows: NDArray[np.int64]) -> None:
    """Some of them, evenly spread over the selection."""
    assert model.latents is not None
    ids = model.latents.labels["image_id"]
    columns = min(len(rows), COLUMNS, MOST_FACES)
    count = min(len(rows) // columns, ROWS_SHOWN) * columns
    some = [int(row) for row in rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]]
    face_sheet(
        [
            (stored_address(model, some[first : first + columns]), f"{columns} selected faces")
            for first in range(0, count, columns)
        ],
        [f"Open {spoken_labels(model, str(ids.iloc[row]))} in Explore" for row in some],
        label="Selected faces",
        key=f"map.selected.{columns}",
        on_pick=lambda index: to_explore(FaceRecipe(model.run_id, start="stored", face=str(ids.iloc[some[index]]))),
    )
    st.caption(f"{count} of them, as the model redraws them. Press one to take it to Explore.")


def _means(model: FaceModel, rows: NDArray[np.int64]) -> None:
    assert model.latents is not None
    mu = model.latents.mu
    mean = np.asarray(mu[rows].mean(axis=0), np.float32)
    rest = np.delete(mu, rows, axis=0)
    pairs = [("Mean of the selected", mean)]
    if len(rest):
        pairs.append(("Mean of the rest", np.asarray(rest.mean(axis=0), np.float32)))
    for column, (words, z) in zip(st.columns(2), pairs, strict=False):
        column.image(png(draw(model, z)), width="stretch", output_format="PNG", alt=words, caption=words)
    st.button("Mean face in Explore", icon=":material/tune:", on_click=to_explore, args=(as_recipe(model, mean),))


def _composition(model: FaceModel, rows: NDArray[np.int64]) -> None:
    from vaelab.evaluation.composition import composition

    assert model.latents is not None
    found = composition(model.latents.labels, rows)
    if not found:
        st.caption("These faces have no labels to count.")
        return
    st.dataframe(_table(found), hide_index=True, height=280, alt="Labels of the selected faces beside those of all")
    st.caption("Shares with 95 % Wilson intervals. Marked where the share among all lies outside the interval.")


def _table(found: list[Share]) -> pd.DataFrame:
    def shown_share(share: Share) -> str:
        return f"{share.selected.rate:.0%} ({share.selected.low:.0%} to {share.selected.high:.0%})"

    return pd.DataFrame(
        {
            "Label": [share.column.replace("_", " ").capitalize() for share in found],
            "Value": [share.value.replace("_", " ") for share in found],
            "Selected": [shown_share(share) if share.selected.count else "–" for share in found],
            "All": [f"{share.whole.rate:.0%}" for share in found],
            "": [("▲" if share.selected.rate > share.whole.rate else "▼") if share.differs else "" for share in found],
        }
    )


def _slider(model: FaceModel, rows: NDArray[np.int64]) -> None:
    """“This selection against the rest” as a slider of Explore, kept with the run; and the ones there are."""
    with st.expander("Make it a slider"):
        st.markdown(
            "The direction from the rest to the selected becomes a slider on Explore and everywhere else. It is kept "
            "in the model's folder until it is taken away, or until directions are learned anew."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Name of the slider", key=NAME, max_chars=40, placeholder="such as Left of the map")
            st.button("Add it", icon=":material/add:", on_click=_add, args=(model, rows), key="map.slider.add")
        _made_sliders(model)


def _made_sliders(model: FaceModel) -> None:
    """The sliders that were made of selections, each to be taken away, and why the last press changed none."""
    from vaelab.editing.learning import SELECTED

    if problem := st.session_state.pop(PROBLEM, None):
        st.error(problem, icon=":material/error:")
    for known in () if model.directions is None else model.directions.learned:
        if known.key.startswith(SELECTED):
            area = known.auc["logistic"]
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(
                    f"**{known.name}**: learned from {known.num_positive:,} faces against {known.num_negative:,}; a "
                    f"straight line tells them apart with AUC {area.value:.2f} ({area.low:.2f} to {area.high:.2f}, "
                    f"n = {known.num_held_out:,}), which was to be expected: they were selected by where they lie."
                )
                st.button("Take it away", type="tertiary", key=f"map.slider.{known.key}", on_click=_take_away,
                          args=(model.run_id, known.key))  # fmt: skip


def _add(model: FaceModel, rows: NDArray[np.int64]) -> None:
    from vaelab.editing.learning import learn_selection
    from vaelab.evaluation.directions import rewriting

    note = st.toast("The slider is being learned; the first of a model takes some seconds.", duration="infinite")
    try:
        run = find(model.run_id)
        with rewriting(run):
            name = str(st.session_state.get(NAME, ""))
            learn_selection(_as_it_is_now(run, model), name, rows, _response).write(run)
    except VaelabError as error:
        st.session_state[PROBLEM] = str(error)
        note.toast("No slider was made.")
        return
    st.session_state[NAME] = ""
    note.toast("The slider is on Explore now, among the attributes.")


def _response(model: FaceModel) -> NDArray[np.float64]:
    """What no slider changes, so that only the first of a model waits for it."""
    measured: NDArray[np.float64] = _measured(latents_key(model), model)
    return measured


@st.cache_resource(max_entries=16, show_spinner=False)
def _measured(key: str, _model: FaceModel) -> NDArray[np.float64]:
    from vaelab.editing.learning import stored_response

    return stored_response(_model)


def _take_away(run_id: str, key: str) -> None:
    from vaelab.evaluation.directions import rewriting

    try:
        run = find(run_id)
        with rewriting(run):
            directions = load_model(run).directions
            if directions is not None:
                directions.without_attribute(key).write(run)
    except VaelabError as error:
        st.session_state[PROBLEM] = str(error)


def _as_it_is_now(run: Run, drawn: FaceModel) -> FaceModel:
    """The model with the directions it has by now: others may have learned some since the page was drawn.

    Raises:
        DataError: its stored faces are no longer those that were selected from.
    """
    now = load_model(run)
    if now.latents is None or drawn.latents is None or not np.array_equal(now.latents.mu, drawn.latents.mu):
        raise DataError(
            f"the faces of {run.id} were encoded anew while this page was open; look at the selection again, and add it"
        )
    return now
