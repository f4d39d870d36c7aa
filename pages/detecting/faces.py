"""The faces of a photo: all of them small, one of them closely."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shell.pictures import data_address, png
from vaelab.evaluation.lightness import CAVEATS
from vaelab.wording import counted, with_minus

if TYPE_CHECKING:
    from vaelab.detection.photographs import Detector, Found, Result
    from vaelab.inference import FaceModel

CLOSELY = "detect.closely"
"""Where the session keeps the face that was looked at last."""
THUMBNAIL = 96
MOST_THUMBNAILS = 48


def thumbnails(photo: NDArray[np.uint8], result: Result) -> None:
    """Every face with its number, who sees it, and its apparent lightness."""
    from vaelab.detection.photographs import crop

    with st.grid(8, min_column_width=112):
        for number, face in enumerate(result.faces[:MOST_THUMBNAILS], 1):
            with st.container(gap="xsmall"):
                _picture(crop(photo, face.box, THUMBNAIL), f"Face {number}. {_seen(result, face)}")
                st.caption(f"**{number}** {_seen(result, face)}; {_lightness(face)}")
    if len(result.faces) > MOST_THUMBNAILS:
        st.caption(f"{counted(len(result.faces) - MOST_THUMBNAILS, 'more face')} in the files below.")


def one_face(
    photo: NDArray[np.uint8], result: Result, detectors: Sequence[Detector], painters: Sequence[FaceModel]
) -> None:
    """One face as the models see it: its crop, their reconstructions, and what each detector looks at."""
    numbers = list(range(1, min(len(result.faces), MOST_THUMBNAILS) + 1))
    chosen = st.selectbox("Look closely at face", numbers, key=f"detect.face.{len(numbers)}")
    before: _Closely | None = st.session_state.get(CLOSELY)
    looked = (chosen, tuple(model.weights_fingerprint for model in painters))
    if before is None or before.result is not result or before.looked != looked:
        views = tuple(_views(photo, result, chosen, detectors, painters))
        before = st.session_state[CLOSELY] = _Closely(result, looked, views)
    with st.grid(6, min_column_width=130):
        for view in before.views:
            with st.container(gap="xsmall"):
                _picture(view.pixels, view.spoken)
                st.caption(view.caption)
    st.caption(
        "A grey patch of a quarter of the side is moved over the face; orange is where the detector's log-odds fall "
        "without what it hides, blue where they rise. The squares are upright and lie on a grid, unlike the aligned "
        "crops that the models learned from, so reconstructions are worse than Explore's."
    )


def forget_closely(kept: Collection[Result]) -> None:
    """Drop the face that was looked at last, with its crops, unless it is of one of these photos."""
    before: _Closely | None = st.session_state.get(CLOSELY)
    if before is not None and before.result not in kept:
        del st.session_state[CLOSELY]


@dataclass(frozen=True, eq=False)
class _View:
    """One picture of a face."""

    pixels: NDArray[np.uint8]
    spoken: str
    caption: str


@dataclass(frozen=True, eq=False)
class _Closely:
    """The face that was looked at last: an occlusion map asks a detector a hundred times."""

    result: Result
    looked: tuple[int, tuple[str, ...]]
    views: tuple[_View, ...]


def _views(
    photo: NDArray[np.uint8], result: Result, chosen: int, detectors: Sequence[Detector], painters: Sequence[FaceModel]
) -> Iterator[_View]:
    from vaelab.detection.occlusion import occlusion_map, shaded
    from vaelab.detection.photographs import crop

    face = result.faces[chosen - 1]
    yield _View(
        crop(photo, face.box, 128),
        f"Face {chosen} as cut from the photo",
        f"Cut out, {face.box.side:.0f} pixels wide; {_lightness(face)}",
    )
    for model in painters:
        again = model.reconstruct(crop(photo, face.box, model.size)[None])[0]
        yield _View(again, f"Face {chosen} drawn again by {model.run_id}", f"Drawn again by {model.run_id}")
    for one in detectors:
        pixels = crop(photo, face.box, one.model.size)
        values = occlusion_map(one.model, pixels)
        yield _View(
            shaded(pixels, values),
            f"What {one.name} looks at in face {chosen}: orange parts speak for a face, blue ones against",
            f"What {one.name} looks at: {_range(values)}",
        )


def caveats() -> None:
    """What apparent lightness is not; stands wherever it is shown."""
    with st.expander("About apparent lightness"):
        st.caption(CAVEATS)


def _picture(pixels: NDArray[np.uint8], alt: str) -> None:
    # As an address that holds the picture: no other browser can ask the server for a visitor's face.
    st.image(data_address(png(pixels), "png"), width="stretch", alt=alt)


def _seen(result: Result, face: Found) -> str:
    return ", ".join(
        f"{name} {with_minus(f'{face.logits[name]:z.1f}')}" if name in face.logits else f"not {name}"
        for name in result.detectors
    )


def _lightness(face: Found) -> str:
    if face.lightness is None:
        return "apparent lightness unknown"
    return f"apparent lightness {with_minus(f'{face.lightness:z.0f}°')}"


def _range(values: NDArray[np.float32]) -> str:
    return f"{with_minus(f'{values.min():+z.1f} to {values.max():+z.1f}')} log-odds"
