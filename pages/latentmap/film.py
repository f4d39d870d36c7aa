"""The film as a component: points that move from frame to frame, the trail of a chosen face, a strip of little maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.latentmap.colours import Colouring
from pages.latentmap.scene import as_text, colours_data, labels_of
from pages.latentmap.state import keep, revision, shown
from pages.shell.routes import MOST_FACES, frame_address

if TYPE_CHECKING:
    import pandas as pd

    from vaelab.evaluation.film import Film, Moment
    from vaelab.inference import FaceModel

HERE = Path(__file__).parent
STRIP = 8
"""Little maps below the film."""

_mount = st.components.v2.component(
    "film_map",
    html=(HERE / "film.html").read_text(encoding="utf-8"),
    css="\n".join((HERE / name).read_text(encoding="utf-8") for name in ("scene.css", "film.css")),
    js="\n".join(
        (HERE / name).read_text(encoding="utf-8")
        for name in ("points.js", "overlay.js", "legend.js", "moments.js", "film.js")
    ),
)


def film_map(model: FaceModel, film: Film, labels: pd.DataFrame, colours: Colouring, *, label: str) -> None:
    """Show the film; the face that is pressed and the frame it rests at are in `shown` with the next run.

    Args:
        labels: of the film's faces.
        label: what is shown, for screen readers.
    """
    key = f"map.film.{film.key}"
    clocks = [moment.images_seen for moment in film.moments]
    _mount(
        key=key,
        data={
            **_packed(film.key, film),
            **colours_data(colours),
            "labels": labels_of(labels),
            "marks": [],
            "moments": [_in_browser(moment) for moment in film.moments],
            "neighbours": film.settings.neighbours,
            "strip": strip_of(len(clocks)),
            "faces": frame_address(model, clocks[-1], []),
            "most": MOST_FACES,
            "face": row_of(labels, shown().face),
            "at": frame_at(film, shown().clock),
            "revision": revision(),
            "label": label,
        },
        on_face_change=lambda: _pressed(key, labels),
        on_at_change=lambda: _rested(key, clocks),
    )


def frame_at(film: Film, clock: int) -> int:
    """The frame nearest to a clock value; the last one for 0."""
    if not clock:
        return len(film.moments) - 1
    return int(np.abs(np.array([moment.images_seen for moment in film.moments]) - clock).argmin())


def row_of(labels: pd.DataFrame, face: str) -> int:
    """The row of a face, -1 where it is not among the film's."""
    found = np.flatnonzero(labels["image_id"].astype(str).to_numpy() == face)
    return int(found[0]) if len(found) else -1


def strip_of(count: int, most: int = STRIP) -> list[int]:
    """Frames that stand for all of them: evenly spread, the first and the last among them."""
    return sorted({round(float(place)) for place in np.linspace(0, count - 1, min(count, most))})


def _pressed(key: str, labels: pd.DataFrame) -> None:
    row = _number(st.session_state[key].face, len(labels))
    keep(face="" if row is None else str(labels["image_id"].iloc[row]))


def _rested(key: str, clocks: list[int]) -> None:
    frame = _number(st.session_state[key].at, len(clocks))
    if frame is not None:
        keep(clock=clocks[frame])


def _number(said: Any, below: int) -> int | None:
    """The number that the browser sent in a list of one; None where it sent anything else."""
    number = said[0] if isinstance(said, list) and len(said) == 1 else None
    return number if isinstance(number, int) and 0 <= number < below else None


def _in_browser(moment: Moment) -> dict[str, Any]:
    kept, since = moment.quality.preserved, moment.kept_since
    return {
        "at": moment.images_seen,
        "kept": [kept.mean, kept.low, kept.high],
        "trust": moment.quality.trustworthiness.mean,
        "since": None if since is None else [since.mean, since.low, since.high],
    }


@st.cache_resource(max_entries=8, show_spinner=False)
def _packed(key: str, _film: Film) -> dict[str, Any]:
    """Places in 16 bits for each axis, frame after frame: 160 kB for 40 frames of 1,000 faces."""
    limit = float(np.abs(_film.places).max()) * 1.001
    shares = (_film.places.astype(np.float64) / limit + 1) / 2
    return {"places": as_text(np.round(shares * 65535).astype("<u2")), "limit": limit}
