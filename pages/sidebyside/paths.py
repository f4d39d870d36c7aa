"""The same path through two models, drawn ahead so that the browser can scrub it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shell.pictures import data_address, sheet
from pages.sidebyside.pair import BETWEEN, MINE, Pair, photo_for
from pages.studio.photo import DRAWN
from vaelab.editing.recipe import FaceRecipe
from vaelab.editing.sliders import REACH, start_latent
from vaelab.evaluation.attributes import METHODS
from vaelab.wording import signed

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

NUM_FRAMES = 25
"""Frames fetched ahead; odd, so that the start is one of them."""
MOST_OF_PHOTO = 8
"""Paths from the visitor's photo that are kept, through one model each."""
Frames = tuple[NDArray[np.uint8], NDArray[np.float32] | None, str]
"""As in `Drawn`: pixels, face_prob, address."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """One model's way along the path.

    Attributes:
        latents: (frames, latent).
        pixels: (frames, size, size, 3).
        face_prob: (frames,) by the model's own detector; None where it has none.
        address: all frames side by side, as a data address.
    """

    model: FaceModel
    latents: NDArray[np.float32]
    pixels: NDArray[np.uint8]
    face_prob: NDArray[np.float32] | None
    address: str


def start_frame(pair: Pair) -> int:
    """Number of the frame that shows the starting face."""
    return 0 if pair.along == BETWEEN else NUM_FRAMES // 2


def frame_names(pair: Pair) -> list[str]:
    """Where each frame lies: steps of an attribute, or the share of the way to the other face."""
    if pair.along == BETWEEN:
        return [f"{share:.0%}" for share in np.linspace(0, 1, NUM_FRAMES)]
    return [signed(float(step)) for step in np.linspace(-REACH, REACH, NUM_FRAMES)]


def drawn(model: FaceModel, models: tuple[FaceModel, FaceModel], pair: Pair) -> Drawn:
    """The path through `model`, one of the two.

    An attribute's step changes its log-odds by one standard deviation in either model, so the two go equally far by
    their own measure, however their latents are scaled. Between two faces the way is straight.
    """
    start = _latent(model, models, pair.face).astype(np.float64)
    if pair.along == BETWEEN:
        share = np.linspace(0, 1, NUM_FRAMES)[:, None]
        z = (1 - share) * start + share * _latent(model, models, pair.to).astype(np.float64)
    else:
        assert model.directions is not None  # `fit_pair` keeps attributes that both have
        vector = model.directions.attributes[METHODS[0]][model.directions.keys.index(pair.along)]
        z = start + np.linspace(-REACH, REACH, NUM_FRAMES)[:, None] * vector.astype(np.float64)
    latents = z.astype(np.float32)
    kept = _kept_with_photo if pair.face == MINE else _kept
    return Drawn(model, latents, *kept(model.weights_fingerprint, latents, model))


@st.cache_data(max_entries=64, show_spinner=False)
def _kept(weights: str, latents: NDArray[np.float32], _model: FaceModel) -> Frames:
    """Frames between faces that are anybody's; mostly asked for the same ones."""
    return _frames(_model, latents)


def _kept_with_photo(weights: str, latents: NDArray[np.float32], model: FaceModel) -> Frames:
    """Frames of the visitor's own face: they stay in their session, and go when the photo is forgotten."""
    kept: dict[tuple[str, bytes], Frames] = st.session_state.setdefault(DRAWN, {})
    key = (weights, latents.tobytes())
    if key not in kept:
        kept[key] = _frames(model, latents)
        for oldest in list(kept)[:-MOST_OF_PHOTO]:
            del kept[oldest]
    return kept[key]


def _frames(model: FaceModel, latents: NDArray[np.float32]) -> Frames:
    pixels = model.decode(latents)
    face_prob = model.face_prob(pixels) if model.has_detector else None
    return pixels, face_prob, data_address(sheet(pixels), "jpeg")


def _latent(model: FaceModel, models: tuple[FaceModel, FaceModel], face: str) -> NDArray[np.float32]:
    if face == MINE:
        photo = photo_for(models)
        assert photo is not None  # `fit_pair` keeps MINE only where there is one
        mu: NDArray[np.float32] = model.encode(photo[None])[0][0]
        return mu
    return start_latent(model, FaceRecipe(model.run_id, start="stored", face=face))
