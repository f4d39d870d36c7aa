"""The map as a component: points, faces, density; a place, an area or a path that the visitor makes on it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.latentmap.beside import Beside, marks_in, press_in
from pages.latentmap.colours import Colouring
from pages.latentmap.maps import density_lines
from pages.latentmap.state import BESIDE, MOST_CORNERS, MOST_PLACES, Place, keep, put, read_places, revision, shown
from pages.priormap.measures import latents_key
from pages.shell.routes import MOST_FACES, stored_address
from vaelab.data.groups import Grouping, group_columns
from vaelab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel

HERE = Path(__file__).parent
MOST_LABELS = 4
"""Labels that a hovered face says of itself."""
TOOLS = ("move", "box", "lasso", "way")
SCRIPTS = ("points.js", "overlay.js", "legend.js", "scene.js")

_mount = st.components.v2.component(
    "latent_map",
    html=(HERE / "scene.html").read_text(encoding="utf-8"),
    css=(HERE / "scene.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
)


def scene(
    model: FaceModel,
    face_map: FaceMap,
    colours: Colouring,
    marks: Mapping[str, Place],
    *,
    label: str,
    lit: NDArray[np.int64] | None = None,
) -> None:
    """Show the map; what the visitor does on it is in `shown` with the next run.

    Args:
        marks: places of faces that are not among the points, by what they are.
        label: what is shown, for screen readers.
        lit: rows of the faces selected on the second map; None where nothing is selected there.
    """
    now = shown()
    key = f"map.scene.{face_map.key}"
    _mount(
        key=key,
        data={
            **_points(model, face_map, colours, marks, label),
            "point": None if now.point is None else list(now.point),
            "area": [] if now.area_on else [list(corner) for corner in now.area],
            "lit": _lit(face_map, lit),
            "way": [list(place) for place in now.way],
            "tools": list(TOOLS),
        },
        on_point_change=lambda: _pressed(key),
        on_area_change=lambda: _enclosed(key, ""),
        on_way_change=lambda: _walked(key),
    )


def second_scene(
    face_map: FaceMap, beside: Beside, colours: Colouring, *, label: str, lit: NDArray[np.int64] | None = None
) -> None:
    """Show the map that lies beside `face_map`: for faces, boxes and lassos; places and paths are on the first.

    Args:
        colours: of the first model's faces.
        lit: rows of its own faces that are selected on the first map; None where nothing is selected there.
    """
    now = shown()
    key = f"map.second.{beside.run.id}.{beside.face_map.key}"
    same = colours.of_rows(beside.rows, f"only in {beside.run.id}")
    _mount(
        key=key,
        data={
            **_points(beside.model, beside.face_map, same, marks_in(face_map, beside), label),
            "point": None,
            "area": [list(corner) for corner in now.area] if now.area_on else [],
            "lit": _lit(beside.face_map, lit),
            "way": [],
            "tools": list(TOOLS[:-1]),
        },
        on_point_change=lambda: press_in(face_map, beside, _read([st.session_state[key].point], 1)[0]),
        on_area_change=lambda: _enclosed(key, BESIDE),
        on_way_change=lambda: None,
    )


def _points(
    model: FaceModel, face_map: FaceMap, colours: Colouring, marks: Mapping[str, Place], label: str
) -> dict[str, Any]:
    """What both maps show in the same way."""
    return {
        **packed(face_map.key, face_map),
        **colours_data(colours),
        "labels": labels_data(latents_key(model), model),
        "contours": density_lines(face_map.key, face_map),
        "faces": stored_address(model, []),
        "most": MOST_FACES,
        "marks": [{"place": list(place), "label": name} for name, place in marks.items()],
        "revision": revision(),
        "narrow": bool(shown().second),
        "label": label,
    }


def colours_data(colours: Colouring) -> dict[str, Any]:
    """Colours and their legend, as the browser takes them."""
    return {
        "inks": as_text(colours.inks),
        "palette": colours.palette,
        "key": colours.key,
        "words": colours.words,
    }


def _lit(face_map: FaceMap, rows: NDArray[np.int64] | None) -> str:
    """A byte for each face, 1 where it is among the rows; empty where nothing is selected."""
    if rows is None:
        return ""
    lit = np.zeros(len(face_map.places), np.uint8)
    lit[rows] = 1
    return as_text(lit)


def _pressed(key: str) -> None:
    change = put if shown().second else keep  # a second map marks the face as well
    change(point=_read([st.session_state[key].point], 1)[0])


def _enclosed(key: str, area_on: str) -> None:
    change = put if shown().second else keep
    change(area=_read(st.session_state[key].area, MOST_CORNERS), area_on=area_on)


def _walked(key: str) -> None:
    keep(way=_read(st.session_state[key].way, MOST_PLACES))


def _read(said: Any, most: int) -> tuple[Place, ...]:
    places = read_places(said, most)
    if places is None:
        raise DataError("The map sent places that do not exist. Reload the page.")
    return places


@st.cache_resource(max_entries=16, show_spinner=False)
def packed(key: str, _map: FaceMap) -> dict[str, Any]:
    """Places in 16 bits for each axis: finer than a pixel at the closest zoom, and 200 kB for 50,000 faces."""
    limit = float(np.abs(_map.places).max()) * 1.001
    shares = (_map.places.astype(np.float64) / limit + 1) / 2
    return {"places": as_text(np.round(shares * 65535).astype("<u2")), "limit": limit}


@st.cache_resource(max_entries=8, show_spinner=False)
def labels_data(key: str, _model: FaceModel) -> list[dict[str, Any]]:
    """The first labels of the faces, as values and a byte for each face; the last value stands for not known."""
    assert _model.latents is not None
    return labels_of(_model.latents.labels)


def labels_of(labels: pd.DataFrame) -> list[dict[str, Any]]:
    """The same for any table of faces."""
    found = []
    for column in group_columns(labels)[:MOST_LABELS]:
        grouping = Grouping.of(labels, [column])
        codes = np.where(grouping.keys < 0, len(grouping), grouping.keys).astype(np.uint8)
        found.append({"values": [*(name.replace("_", " ") for name in grouping.names), ""], "codes": as_text(codes)})
    return found


def as_text(array: NDArray[Any]) -> str:
    """An array's bytes in base64."""
    return base64.b64encode(array.tobytes()).decode()
