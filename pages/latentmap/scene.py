"""The map as a component: points, faces, density; a place, an area or a path that the visitor makes on it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.latentmap.colours import colouring
from pages.latentmap.maps import density_lines
from pages.latentmap.state import MOST_CORNERS, MOST_PLACES, Place, keep, read_places, revision, shown
from pages.priormap.measures import latents_key
from pages.shell.routes import MOST_FACES, stored_address
from vaelab.data.groups import Grouping, group_columns
from vaelab.errors import DataError

if TYPE_CHECKING:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel

HERE = Path(__file__).parent
MOST_LABELS = 4
"""Labels that a hovered face says of itself."""

_mount = st.components.v2.component(
    "latent_map",
    html=(HERE / "scene.html").read_text(encoding="utf-8"),
    css=(HERE / "scene.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / name).read_text(encoding="utf-8") for name in ("points.js", "overlay.js", "scene.js")),
)


def scene(model: FaceModel, face_map: FaceMap, marks: Mapping[str, Place], *, label: str) -> None:
    """Show the map; what the visitor does on it is in `shown` with the next run.

    Args:
        marks: places of faces that are not among the points, by what they are.
        label: what is shown, for screen readers.
    """
    now = shown()
    key = f"map.scene.{face_map.key}"
    colours = colouring(model, now.colour)
    packed = _packed(face_map.key, face_map)
    data: dict[str, Any] = {
        **packed,
        "inks": _text(colours.inks),
        "palette": colours.palette,
        "key": colours.key,
        "labels": _labels(latents_key(model), model),
        "contours": density_lines(face_map.key, face_map),
        "faces": stored_address(model, []),
        "most": MOST_FACES,
        "marks": [{"place": list(place), "label": name} for name, place in marks.items()],
        "point": None if now.point is None else list(now.point),
        "area": [list(corner) for corner in now.area],
        "way": [list(place) for place in now.way],
        "revision": revision(),
        "label": label,
    }
    _mount(
        key=key,
        data=data,
        on_point_change=lambda: _pressed(key),
        on_area_change=lambda: _enclosed(key),
        on_way_change=lambda: _walked(key),
    )


def _pressed(key: str) -> None:
    places = _read([st.session_state[key].point], 1)
    keep(point=places[0])


def _enclosed(key: str) -> None:
    keep(area=_read(st.session_state[key].area, MOST_CORNERS))


def _walked(key: str) -> None:
    keep(way=_read(st.session_state[key].way, MOST_PLACES))


def _read(said: Any, most: int) -> tuple[Place, ...]:
    places = read_places(said, most)
    if places is None:
        raise DataError("The map sent places that do not exist. Reload the page.")
    return places


@st.cache_resource(max_entries=16, show_spinner=False)
def _packed(key: str, _map: FaceMap) -> dict[str, Any]:
    """Places in 16 bits for each axis: finer than a pixel at the closest zoom, and 200 kB for 50,000 faces."""
    limit = float(np.abs(_map.places).max()) * 1.001
    shares = (_map.places[:, :2].astype(np.float64) / limit + 1) / 2
    return {"places": _text(np.round(shares * 65535).astype("<u2")), "limit": limit}


@st.cache_resource(max_entries=8, show_spinner=False)
def _labels(key: str, _model: FaceModel) -> list[dict[str, Any]]:
    """The first labels of the faces, as values and a byte for each face; the last value stands for not known."""
    assert _model.latents is not None
    labels = _model.latents.labels
    found = []
    for column in group_columns(labels)[:MOST_LABELS]:
        grouping = Grouping.of(labels, [column])
        codes = np.where(grouping.keys < 0, len(grouping), grouping.keys).astype(np.uint8)
        found.append({"values": [*(name.replace("_", " ") for name in grouping.names), ""], "codes": _text(codes)})
    return found


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()
