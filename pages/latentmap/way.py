"""A path over the map: the faces that it passes, to scrub through, to keep as a film, to take along."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.latentmap.place import as_recipe, in_words, show_support, snapped, to_explore, to_studio
from pages.latentmap.state import STEPS, put, sets, shown
from pages.shell.pictures import data_address, sheet
from pages.sidebyside.scrub import Row, scrub
from pages.studio.state import show_in

if TYPE_CHECKING:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel

FRAMES_PER_SECOND = 15.0
MOST_ON_SCREEN = 40
"""More pictures side by side than a browser draws well; files have them all."""


def path_places(corners: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """(steps * (corners - 1) + 1, 2) places along straight lines, equally many from each corner to the next."""
    shares = np.arange(steps, dtype=np.float32)[:, None] / steps
    pieces = [start + shares * (end - start) for start, end in itertools.pairwise(corners)]
    return np.concatenate([*pieces, corners[-1:]])


def along_path(model: FaceModel, face_map: FaceMap) -> None:
    """The faces on the path, and its files."""
    now = shown()
    if len(now.way) < 2:
        st.markdown(
            "**Choose “Path” above the map and press two to six places.** The faces between them become a film."
        )
        return
    assert model.latents is not None
    corners = np.concatenate([snapped(face_map, place) for place in now.way])
    places = path_places(corners, now.steps)
    latents = face_map.inverse(places, model.latents)
    support = face_map.support(places)
    key = show_in("map.steps", now.steps)
    st.slider("Steps from place to place", *STEPS, key=key, width=260, on_change=sets("steps", key))
    some = np.unique(np.linspace(0, len(places) - 1, min(len(places), MOST_ON_SCREEN)).round().astype(int))
    words = [in_words((float(x), float(y))) for x, y in places[some]]
    chosen = scrub(
        [Row("Path over the map", _strip(f"{face_map.key} {now.way} {now.steps}", latents[some], model),
             [f"frame {frame + 1} of {len(places)}, support {support[frame]:.2f}" for frame in some])],
        words,
        label="Place on the path",
        path=f"{face_map.key} {now.way} {now.steps}",
        start=0,
        key="map.scrub",
    )  # fmt: skip
    show_support(float(support[some[chosen]]))
    waypoints = [as_recipe(model, z) for z in latents[:: now.steps]]
    with st.container(horizontal=True, vertical_alignment="center"):
        here = as_recipe(model, latents[some[chosen]])
        st.button("Open this one in Explore", icon=":material/tune:", on_click=to_explore, args=(here,))
        st.button("Take its places to the Studio", icon=":material/add:", on_click=to_studio, args=(waypoints,))
        with st.popover("Keep this path", icon=":material/download:"):
            _downloads(model, face_map, latents)
        st.button("Clear the path", type="tertiary", on_click=put, kwargs={"way": ()})


@st.cache_resource(max_entries=16, show_spinner=False)
def _strip(key: str, _latents: NDArray[np.float32], _model: FaceModel) -> str:
    """The pictures side by side; a press elsewhere on the page draws none of them again."""
    return data_address(sheet(_model.decode(_latents)), "jpeg")


def _downloads(model: FaceModel, face_map: FaceMap, latents: NDArray[np.float32]) -> None:
    """Files of the path, made when their button is pressed; pressing reruns nothing."""
    for label, ending, mime, content in (("Film (MP4)", "mp4", "video/mp4", _film), ("GIF", "gif", "image/gif", _gif)):
        st.download_button(
            label, functools.partial(content, model, face_map, latents), file_name=f"{model.run_id}-path.{ending}",
            mime=mime, on_click="ignore", width="stretch", key=f"map.download.{ending}",
        )  # fmt: skip
    st.caption("Marked as generated.")


def _about(model: FaceModel, face_map: FaceMap) -> dict[str, Any]:
    return {"vaelab": "map", **model.about(), "map": face_map.key, "places": shown().way, "steps": shown().steps}


def _film(model: FaceModel, face_map: FaceMap, latents: NDArray[np.float32]) -> bytes:
    from vaelab.animation import mp4_bytes  # the encoder's libraries are loaded by whoever keeps a film

    return mp4_bytes(model.decode(latents), FRAMES_PER_SECOND, _about(model, face_map))


def _gif(model: FaceModel, face_map: FaceMap, latents: NDArray[np.float32]) -> bytes:
    from vaelab.animation import gif_bytes

    return gif_bytes(model.decode(latents), 1.0 / FRAMES_PER_SECOND, _about(model, face_map))
