"""A detector on whole pictures: the largest logit over square windows of several sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from vaelab.errors import ConfigError, DataError

Pixels = UInt8[np.ndarray, "batch size size 3"]


@runtime_checkable
class Detector(Protocol):
    """What a `FaceModel` offers that detects."""

    @property
    def size(self) -> int:
        """Side of the pictures it takes, pixels."""

    def face_logit(self, pixels: Pixels) -> Float[np.ndarray, " batch"]:
        """Log-odds that each picture is a face."""


@dataclass(frozen=True)
class Windows:
    """Which squares of a picture are looked at.

    Source: Amini et al., Uncovering and mitigating algorithmic bias through learned latent structure, AIES 2019, whose
        published code slides five sizes from half of the picture's width to all of it by a fifth of their side.
    Differs: pictures are square (`--crop fit` adds bars to a portrait), so that every picture, face or not, has equally
        many windows: a largest value grows with the number it is taken from. Windows are made smaller as the training
        pictures were, by Lanczos, in place of nearest neighbours.

    Attributes:
        smallest, largest: sides of the windows as shares of the picture's side.
        num_sizes: evenly spaced sides from the smallest to the largest.
        stride: step between windows as a share of their side.
    """

    smallest: float = 0.5
    largest: float = 1.0
    num_sizes: int = 5
    stride: float = 0.2

    def __post_init__(self) -> None:
        if not 0.0 < self.smallest <= self.largest <= 1.0:
            raise ConfigError(f"windows reach from {self.smallest} to {self.largest}; expected shares in (0, 1]")
        if self.num_sizes < 1 or not 0.0 < self.stride <= 1.0:
            raise ConfigError(
                f"windows have {self.num_sizes} sizes and stride {self.stride}; expected at least 1, and in (0, 1]"
            )

    def boxes(self, side: int) -> list[tuple[int, int, int]]:
        """Left, top and side of each window in a picture of `side` pixels, the smallest first."""
        sides = np.linspace(self.smallest * side, self.largest * side, self.num_sizes).astype(int).tolist()
        found: list[tuple[int, int, int]] = []
        for window in dict.fromkeys(max(1, window) for window in sides):  # small pictures give one side twice
            places = range(0, side - window + 1, max(1, int(self.stride * window)))
            found += [(left, top, window) for top in places for left in places]
        return found


PUBLISHED = Windows()


def num_windows(side: int, windows: Windows = PUBLISHED) -> int:
    """Windows in a picture of `side` pixels."""
    return len(windows.boxes(side))


def window_logits(model: Detector, pictures: Pixels, windows: Windows = PUBLISHED) -> Float[np.ndarray, " batch"]:
    """The largest logit over the windows of each picture: a picture is a face if any of its windows is.

    A threshold for it has to be set on negatives that were looked at in the same way (`check_same_treatment`): the
    largest of many logits is higher than one, for what is no face too.

    Args:
        pictures: square, larger than the model's own.

    Raises:
        DataError: a window would be smaller than the model's pictures.
        ConfigError: the model is no detector.
    """
    side = pictures.shape[1]
    boxes = windows.boxes(side)
    if boxes[0][2] < model.size:
        needed = int(np.ceil(model.size / windows.smallest))
        raise DataError(
            f"pictures of {side} pixels give windows of {boxes[0][2]}, and the model looks at {model.size}; prepare "
            f"them with --size {needed} or more"
        )
    result = np.empty(len(pictures), np.float32)
    for place, pixels in enumerate(pictures):
        result[place] = model.face_logit(_cut(pixels, boxes, model.size)).max()
    return result


def _cut(pixels: np.ndarray, boxes: list[tuple[int, int, int]], size: int) -> Pixels:
    """(windows, size, size, 3) uint8 of one picture."""
    picture = Image.fromarray(np.asarray(pixels))
    scale = Image.Resampling.LANCZOS
    return np.stack(
        [
            np.asarray(picture.resize((size, size), scale, box=(left, top, left + side, top + side)))
            for left, top, side in boxes
        ]
    )
