"""The map of three axes: to turn, and to choose faces on."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.latentmap.colours import Colouring
from pages.latentmap.place import place_of
from pages.latentmap.routes import LIBRARY
from pages.latentmap.scene import colours_data, labels_data, packed
from pages.latentmap.state import Place, put, shown
from pages.priormap.measures import latents_key

if TYPE_CHECKING:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel

HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "solid_map",
    html=(HERE / "solid.html").read_text(encoding="utf-8"),
    css=(HERE / "solid.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / name).read_text(encoding="utf-8") for name in ("points.js", "legend.js", "solid.js")),
    isolate_styles=False,
)


def solid(model: FaceModel, face_map: FaceMap, colours: Colouring, marks: Mapping[str, Place], *, label: str) -> None:
    """Show the map of three axes; the face that is pressed is in `shown` with the next run.

    Args:
        marks: places of faces that are not among the points, by what they are.
        label: what is shown, for screen readers.
    """
    key = f"map.solid.{face_map.key}"
    point = shown().point
    data = {
        **packed(face_map.key, face_map),
        **colours_data(colours),
        "labels": labels_data(latents_key(model), model),
        "marks": [{"place": list(place), "label": name} for name, place in marks.items()],
        "point": None if point is None else list(point),
        "label": label,
        "library": LIBRARY,
    }
    _mount(key=key, data=data, on_face_change=lambda: _pressed(key, face_map))
    st.button("Any face", icon=":material/casino:", on_click=_any, args=(face_map,), key="map.any")


def _pressed(key: str, face_map: FaceMap) -> None:
    said = st.session_state[key].face
    row = said[0] if isinstance(said, list) and len(said) == 1 else None
    if isinstance(row, int) and 0 <= row < len(face_map.places):
        put(point=place_of(face_map, row))


def _any(face_map: FaceMap) -> None:
    put(point=place_of(face_map, secrets.randbelow(len(face_map.places))))
