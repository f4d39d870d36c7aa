"""What a detector looks at: how far its logit falls when a part of the picture is hidden."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from vaelab.errors import DataError

PATCH_SHARE, STEPS = 0.25, 13
"""Side of the patch as a share of the picture's, and the places it takes across and down."""


@runtime_checkable
class Judge(Protocol):
    """What looks at the picture: a `FaceModel` with a detector."""

    @property
    def size(self) -> int: ...
    def face_logit(self, pixels: UInt8[np.ndarray, "batch size size 3"]) -> Float[np.ndarray, " batch"]: ...


def occlusion_map(model: Judge, pixels: UInt8[np.ndarray, "size size 3"]) -> Float[np.ndarray, "size size"]:
    """Log-odds that each pixel stands for: the mean fall of the logit over the patches that hide it.

    Positive where the detector loses faith without this part, negative where the part spoke against a face. The patch
    has the picture's mean colour, so that it brings in as little of its own as a patch can; its edges are still new.

    Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks (ECCV 2014), section 4.2.
    Differs: the logit in place of the probability, which hardly moves where a detector is sure; each pixel has the mean
        over all patches on it.

    Raises:
        DataError: the picture is not of the model's size.
    """
    size = model.size
    if pixels.shape != (size, size, 3):
        raise DataError(f"the picture has shape {pixels.shape}; {(size, size, 3)} was expected")
    patch = max(1, round(PATCH_SHARE * size))
    starts = sorted(set(np.linspace(0, size - patch, STEPS).round().astype(int).tolist()))
    places = [(top, left) for top in starts for left in starts]
    hidden = np.repeat(pixels[None], len(places) + 1, axis=0)
    colour = pixels.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    for picture, (top, left) in zip(hidden, places, strict=False):
        picture[top : top + patch, left : left + patch] = colour
    logits = model.face_logit(hidden).astype(np.float64)
    falls, counts = np.zeros((size, size)), np.zeros((size, size))
    for fall, (top, left) in zip(logits[-1] - logits[:-1], places, strict=True):
        falls[top : top + patch, left : left + patch] += fall
        counts[top : top + patch, left : left + patch] += 1
    return np.asarray(falls / counts, np.float32)


def shaded(
    pixels: UInt8[np.ndarray, "size size 3"], values: Float[np.ndarray, "size size"]
) -> UInt8[np.ndarray, "size size 3"]:
    """The picture in grey under its occlusion map: orange where it counts for a face, blue where against."""
    reach = max(float(np.abs(values).max()), 1e-6)
    weight = np.abs(values)[..., None] / reach * 0.75
    colour = np.where(values[..., None] > 0, (255, 140, 0), (30, 120, 255))
    grey = pixels.mean(axis=2, keepdims=True)
    return np.asarray(grey * (1 - weight) + colour * weight).round().astype(np.uint8)
