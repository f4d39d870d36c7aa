"""Interpolate: the way through all faces of the tray, to scrub through and to keep."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.atelier.bench import ENDINGS, FRAMES, Bench, bench, of_latent, open_in_explore, put, sets
from pages.shell.pictures import data_address, sheet
from pages.sidebyside.scrub import Row, scrub
from pages.studio.state import show_in
from vaelab.editing.paths import PATHS, path_through
from vaelab.editing.recipe import to_record
from vaelab.editing.sliders import edited_latent
from vaelab.pictures import contact_sheet, png_bytes

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

MOST_ON_SCREEN = 40
"""More pictures side by side than a browser draws well; files have them all."""
SHEET_COLUMNS = 12
FRAMES_PER_SECOND = 15.0
PATH_HELP = (
    "Straight passes nearer to the average face than any real face lies, so the middle looks plain. Around the origin "
    "keeps the distance that the standard prior expects. Around the average face does so where this model really "
    "puts faces: by the prior fitted to them."
)


def interpolate(model: FaceModel) -> None:
    """Controls, the faces on the way, and files."""
    now = bench()
    if len(now.faces) < 2:
        st.info("A way needs two faces or more: lay them into the tray.", icon=":material/add:")
        return
    _controls(model, now)
    way = latents(model, now)
    shown = np.unique(np.linspace(0, len(way) - 1, min(len(way), MOST_ON_SCREEN)).round().astype(int))
    pixels = model.decode(way[shown])
    names = [_place(int(frame), now) for frame in shown]
    notes = [f"frame {frame + 1} of {len(way)}" for frame in shown]
    chosen = scrub(
        [Row(PATHS[now.path], data_address(sheet(pixels), "jpeg"), notes)],
        names,
        label="Place on the way between the faces",
        path=f"{model.weights_fingerprint} {now.faces} {now.path} {now.frames} {now.ending}",
        start=0,
        key="bench.scrub",
    )
    here = of_latent(model, way[shown[chosen]])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(f"Open in Explore: {names[chosen]}", icon=":material/tune:", on_click=open_in_explore, args=(here,))
        st.button("Lay it into the tray", icon=":material/add:", on_click=put, args=(here,))
        with st.popover("Keep this way", icon=":material/download:"):
            _downloads(model, now)


def latents(model: FaceModel, now: Bench) -> NDArray[np.float32]:
    """All frames of the way, (frames, latent); there and back shows both ends once."""
    points = np.stack([edited_latent(model, face) for face in now.faces])
    way: NDArray[np.float32] = path_through(model, points, now.path, now.frames, loop=now.ending == "loop")
    return np.concatenate([way, way[-2:0:-1]]) if now.ending == "back" else way


def _controls(model: FaceModel, now: Bench) -> None:
    kinds = [kind for kind in PATHS if kind != "prior" or model.latents is not None]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = show_in("bench.path", now.path)
        st.segmented_control(
            "Way", kinds, format_func=PATHS.__getitem__, required=True, key=key, on_change=sets("path", key),
            help=PATH_HELP,
        )  # fmt: skip
        key = show_in("bench.ending", now.ending)
        st.segmented_control(
            "Play", list(ENDINGS), format_func=ENDINGS.__getitem__, required=True, key=key,
            on_change=sets("ending", key),
        )  # fmt: skip
        key = show_in("bench.frames", now.frames)
        st.slider("Steps from face to face", *FRAMES, key=key, width=220, on_change=sets("frames", key))


def _place(frame: int, now: Bench) -> str:
    """Where a frame lies, in words."""
    count, last = len(now.faces), now.frames * (len(now.faces) - 1)
    if now.ending == "back" and frame > last:
        frame = 2 * last - frame
    first, step = divmod(frame, now.frames)
    if step == 0:
        return f"face {first + 1}"
    return f"{step / now.frames:.0%} of the way from face {first + 1} to face {(first + 1) % count + 1}"


def _downloads(model: FaceModel, now: Bench) -> None:
    """Files of the way; each is made only when its button is pressed, and pressing reruns nothing."""
    for label, name, mime, content in (
        ("Film (MP4)", "way.mp4", "video/mp4", film),
        ("GIF", "way.gif", "image/gif", gif),
        ("Strip (PNG)", "way.png", "image/png", strip),
        ("Recipe (JSON)", "way.json", "application/json", recipe_file),
    ):
        st.download_button(
            label, functools.partial(content, model, now), file_name=f"{model.run_id}-{name}", mime=mime,
            on_click="ignore", width="stretch", key=f"bench.download.{name}",
        )  # fmt: skip
    st.caption("Marked as generated. `python -m vaelab interpolate` makes the same.")


def about(model: FaceModel, now: Bench) -> dict[str, Any]:
    """What the files say of themselves, and what draws them again."""
    faces = [to_record(model, face, edited_latent(model, face)) for face in now.faces]
    return {"vaelab": "interpolate", "path": now.path, "frames": now.frames, "ending": now.ending, "faces": faces}


def film(model: FaceModel, now: Bench) -> bytes:
    """An MP4 of all frames."""
    from vaelab.animation import mp4_bytes  # the encoder's libraries are loaded by whoever keeps a film

    return mp4_bytes(model.decode(latents(model, now)), FRAMES_PER_SECOND, about(model, now))


def gif(model: FaceModel, now: Bench) -> bytes:
    """A GIF of all frames."""
    from vaelab.animation import gif_bytes

    return gif_bytes(model.decode(latents(model, now)), 1.0 / FRAMES_PER_SECOND, about(model, now))


def strip(model: FaceModel, now: Bench) -> bytes:
    """A PNG of all frames, row by row."""
    return png_bytes(contact_sheet(model.decode(latents(model, now)), SHEET_COLUMNS), about(model, now))


def recipe_file(model: FaceModel, now: Bench) -> bytes:
    """The faces, each as a recipe that replays exactly, and the way through them."""
    return json.dumps({"generated": True, **about(model, now)}, indent=1).encode()
