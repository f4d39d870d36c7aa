"""The morph panel: the face, its sliders and what else they move, in one component that draws while it is dragged.

The browser decodes by itself where that is faster (ONNX Runtime Web), and asks the server's `/decoder/pixels`
otherwise; `pages/shell/decoder` measures both when a page opens. Either way the page adds up the same steps in the same
order as `edited_latent`, so what is on screen is what every download, link and detector gets.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.shell.components import as_is
from pages.shell.decoder.runtime import decoder_script_address
from pages.shell.faces import described, walk_values
from pages.shell.pictures import data_address, png
from pages.shell.routes import walk_addresses
from pages.studio.photo import PhotoStart
from pages.studio.state import keep_moves, recipe, revision
from vaelab.editing.sliders import (
    FAMILIES,
    Slider,
    attribute_order,
    edited_latent,
    reach,
    sliders,
    start_latent,
    step_vectors,
)
from vaelab.errors import RunError
from vaelab.runs.decoders import read_drawn
from vaelab.wording import with_minus

if TYPE_CHECKING:
    from vaelab.editing.effects import Effect
    from vaelab.editing.recipe import FaceRecipe
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

HERE = Path(__file__).parent
DECODER = HERE.parent / "shell" / "decoder" / "decoder.js"
MOST_NAMES = 60

_mount = st.components.v2.component(
    "morph_panel",
    html=(HERE / "panel.html").read_text(encoding="utf-8"),
    css=(HERE / "panel.css").read_text(encoding="utf-8"),
    js=DECODER.read_text(encoding="utf-8") + (HERE / "panel.js").read_text(encoding="utf-8"),
)


def morph_panel(model: FaceModel, run: Run, *, strips: bool, photo: PhotoStart | None) -> None:
    """Show the face of the session's recipe under its sliders; a release keeps the moves in the recipe.

    Args:
        strips: whether each slider has its strip of faces.
        photo: what the face was encoded from, shown beside it.
    """
    face = recipe()
    known = sliders(model, face.method, run.slider_names)
    start = start_latent(model, face)
    data = {
        "model": _about(model),
        "start": _packed(start),
        "words": "From your photo" if photo else described(model, face.started()),
        "drawn": _drawn(model, run, start),
        "photo": None if photo is None else data_address(png(photo.pixels), "png"),
        "families": _families(known),
        "sliders": _sliders(model, face, known, start),
        "strips": strips,
        "values": dict(face.edits),
        "revision": revision(),
        "hold": list(face.hold),
        "probes": _probes(model, run.slider_names),
        "effects": _effects(model, face, start, edited_latent(model, face)),
    }
    key = f"studio.panel.{model.run_id}.{model.weights_fingerprint}"
    _mount(
        key=key,
        data=as_is(data),
        on_values_change=lambda: keep_moves(_read_values(_of_this_face(st.session_state[key].get("values")))),
        on_hold_change=lambda: keep_moves(hold=_read_keys(_of_this_face(st.session_state[key].get("hold")))),
        on_rename_change=lambda: _rename(run, st.session_state[key].get("rename")),
    )


def _drawn(model: FaceModel, run: Run, start: np.ndarray) -> str | None:
    """The start as it was kept: the page shows it until a decoder is there."""
    kept = read_drawn(run, model.weights_fingerprint, start)
    return None if kept is None else data_address(kept, "png")


def _about(model: FaceModel) -> dict[str, Any]:
    return {
        "modelId": model.run_id,
        "fingerprint": model.weights_fingerprint,
        "size": model.size,
        "latent": model.latent_size,
        "base": decoder_script_address(),
    }


def _families(known: list[Slider]) -> list[dict[str, str]]:
    there = {slider.family for slider in known}
    return [{"key": key, "name": name} for key, name in FAMILIES.items() if key in there]


def _sliders(model: FaceModel, face: FaceRecipe, known: list[Slider], start: np.ndarray) -> list[dict[str, Any]]:
    vectors = step_vectors(model, face, known)
    strips = walk_addresses(model, face, [slider.key for slider in known])
    is_free = not face.hold  # then a step of a raw latent is a step of that latent, which the page knows by itself
    return [
        _slider(slider, start, None if is_free and slider.family == "raw" else vector, strip)
        for slider, vector, strip in zip(known, vectors, strips, strict=True)
    ]


def _slider(slider: Slider, start: np.ndarray, vector: np.ndarray | None, strip: str) -> dict[str, Any]:
    low, high = reach(slider, start)
    detail = slider.detail
    if slider.family == "raw":
        detail = with_minus(f"{detail} · starts at {start[int(slider.key[1:])]:+.2f}")
    return {
        "key": slider.key,
        "name": slider.name,
        "family": slider.family,
        "low": low,
        "high": high,
        "detail": detail,
        "dead": slider.is_dead,
        "vector": None if vector is None else _packed(vector),
        "walk": walk_values(low, high),
        "strip": strip,
    }


def _probes(model: FaceModel, names: Mapping[str, str]) -> dict[str, Any] | None:
    directions = model.directions
    if directions is None:
        return None
    order = attribute_order(directions)
    learned = [directions.learned[row] for row in order]
    return {
        "keys": [about.key for about in learned],
        "names": [names.get(f"a.{about.key}", about.name) for about in learned],
        "auc": [about.auc["logistic"].value for about in learned],
        "weight": _packed(directions.drawn_weight[order]),
        "spread": [max(float(directions.probe_spread[row]), 1e-6) for row in order],
    }


def _effects(model: FaceModel, face: FaceRecipe, start: np.ndarray, now: np.ndarray) -> dict[str, Any] | None:
    if not face.edits:
        return None
    from vaelab.editing.effects import side_effects

    effects: list[Effect] = side_effects(model, start, now)
    return {
        "of": face.to_query().get("e", ""),
        "rows": [{"before": one.before, "after": one.after, "moved": one.moved} for one in effects],
    }


def _packed(values: np.ndarray) -> str:
    """Little-endian float32 as base64, for the page."""
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _of_this_face(report: object) -> object:
    """What the page reports; None where it meant a face that is no longer on the table.

    The revision also makes two equal moves of two faces different reports: Streamlit passes on only what differs from
    the report before.
    """
    return report.get("value") if isinstance(report, Mapping) and report.get("revision") == revision() else None


def _read_values(values: object) -> dict[str, float] | None:
    """What the page says of its sliders, None if nothing; anything that is no number under a key is dropped."""
    if not isinstance(values, Mapping):
        return None
    return {str(key): float(steps) for key, steps in values.items() if isinstance(steps, (int, float))}


def _read_keys(keys: object) -> list[str] | None:
    return [str(key) for key in keys] if isinstance(keys, list) else None


def _rename(run: Run, wish: object) -> None:
    if isinstance(wish, Mapping) and isinstance(wish.get("key"), str) and isinstance(wish.get("name"), str):
        try:
            run.name_slider(wish["key"], " ".join(wish["name"].split())[:MOST_NAMES])
        except RunError as error:
            st.toast(str(error), icon=":material/error:")
