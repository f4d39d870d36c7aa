"""Shapes as signed distances on a batch of pictures, painted with analytic antialiasing.

Pixel arithmetic uses only + - * / sqrt, minimum, maximum and rint: these are rounded the same way by every
processor and array layout, so a row gives the same bytes on every machine, alone or in a batch.
Coordinates: x to the right, y downwards, both from -REACH to REACH over the picture; the unit of lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = NDArray[Any] | pd.Series | float
"""One for each picture, or the same for all."""
REACH = 0.88
"""Half the side of the picture: smaller brings everything nearer."""
Plane = NDArray[np.float32]
"""float32 that broadcasts to (batch, height, width); a number per picture is (batch, 1, 1)."""
Colour = NDArray[np.float32]
"""float32 RGB in [0, 1] that broadcasts to (3, batch, height, width)."""


@dataclass(frozen=True)
class Window:
    """A rectangle of the picture: slices into a canvas and the coordinates of its pixels' centres.

    `x` is (1, 1, width), `y` is (1, height, 1), `pixel` the side of a pixel.
    """

    rows: slice
    cols: slice
    x: Plane
    y: Plane
    pixel: np.float32

    def of(self, plane: Plane) -> Plane:
        """The view of a whole picture's plane (..., size, size) under this window."""
        return plane[..., self.rows, self.cols]


@lru_cache(maxsize=256)
def window(size: int, left: float = -1.0, right: float = 1.0, top: float = -1.0, bottom: float = 1.0) -> Window:
    """The smallest window of a `size` x `size` picture that holds the part of a rectangle that is in view."""

    def span(low: float, high: float) -> slice:
        first = int(np.floor((low / REACH + 1) / 2 * size))
        last = int(np.ceil((high / REACH + 1) / 2 * size))
        return slice(max(first, 0), min(last, size))

    centres = (REACH * ((np.arange(size) + 0.5) / size * 2 - 1)).astype(np.float32)
    rows, cols = span(top, bottom), span(left, right)
    return Window(rows, cols, centres[None, None, cols], centres[None, rows, None], np.float32(2 * REACH / size))


def column(values: Numbers) -> Plane:
    """Numbers per picture (batch,) as a plane (batch, 1, 1)."""
    return np.asarray(values, dtype=np.float32).reshape(-1, 1, 1)


def columns(rows: pd.DataFrame, *names: str) -> dict[str, Plane]:
    """The named columns of numbers of a table as planes."""
    return {name: column(rows[name].to_numpy(float)) for name in names}


def rgb(colours: NDArray[Any] | Sequence[float]) -> Colour:
    """Colours (batch, 3) or one (3,) as (3, batch or 1, 1, 1)."""
    table = np.atleast_2d(np.asarray(colours, dtype=np.float32))
    return np.ascontiguousarray(table.T)[:, :, None, None]


def clip(values: Plane, low: float = 0.0, high: float = 1.0) -> Plane:
    """`values` limited to [low, high], in place: only for arrays that the caller has just computed."""
    return np.clip(values, np.float32(low), np.float32(high), out=values)


def coverage(distance: Plane, width: float | Plane | np.float32) -> Plane:
    """Share of each pixel inside a shape: `distance` < 0 is inside, the edge is `width` wide."""
    return clip(np.float32(0.5) - distance * (np.float32(1) / width))


def blob(squared: Plane) -> Plane:
    """A soft spot: 1 where `squared`, a scaled squared distance, is 0, fading smoothly to 0 at 1."""
    fall: Plane = np.maximum(np.float32(1) - squared, np.float32(0))
    fall *= fall
    return fall


def smooth(values: Plane) -> Plane:
    """Smoothstep: 0 below 0, 1 above 1, without a kink."""
    ramp = np.clip(values, np.float32(0), np.float32(1))
    rest = np.float32(-2) * ramp
    rest += np.float32(3)
    rest *= ramp
    rest *= ramp
    return rest


def wave(phase: Plane) -> Plane:
    """Parabolic stand-in for sin(2 pi phase), from -1 to 1."""
    turn = phase - np.rint(phase)
    height = np.abs(turn)
    height *= np.float32(-16)
    height += np.float32(8)
    height *= turn
    return height


def rounded_box(x: Plane, y: Plane, wide: Plane, tall: Plane, corner: Plane) -> Plane:
    """Signed distance from (x, y) to a box around the origin with half sides `wide` and `tall`."""
    across, down = np.abs(x) - (wide - corner), np.abs(y) - (tall - corner)
    outside = np.sqrt(np.square(np.maximum(across, 0)) + np.square(np.maximum(down, 0)))
    distance: Plane = outside + np.minimum(np.maximum(across, down), 0) - corner
    return distance


def paint(canvas: Colour, where: Window, alpha: Plane, colour: Colour) -> None:
    """Lays `colour` over the canvas (3, batch, size, size) in the window, in place, with opacity `alpha`."""
    view = canvas[:, :, where.rows, where.cols]
    change = colour - view
    change *= alpha
    view += change


def lattice(seeds: NDArray[np.int64], salt: int, height: int, width: int) -> Plane:
    """Numbers in [0, 1), (batch, height, width), that depend only on the row's seed, `salt` and the place."""
    cells = np.arange(height * width, dtype=np.uint32).reshape(1, height, width)
    mixed = np.asarray(seeds).astype(np.uint32).reshape(-1, 1, 1) * np.uint32(0x9E3779B1)
    mixed = mixed ^ (cells * np.uint32(0x85EBCA77) + np.uint32(salt * 0x27D4EB2F & 0xFFFFFFFF))
    for shift, factor in (
        (16, 0x7FEB352D),
        (15, 0x846CA68B),
    ):  # a 32-bit finaliser: every bit sways every other
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    return (mixed >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def value_noise(seeds: NDArray[np.int64], salt: int, across: int, down: int, where: Window) -> Plane:
    """Smooth random field in [0, 1], (batch, height, width); the picture has `across` x `down` cells."""
    corners = lattice(seeds, salt, down + 1, across + 1)
    row, row_weight = _cells(where.y.reshape(-1), down)
    col, col_weight = _cells(where.x.reshape(-1), across)
    weight = row_weight[None, :, None]
    rows = corners[:, row] * (1 - weight) + corners[:, row + 1] * weight
    field = np.take(rows, col + 1, axis=2)
    left = np.take(rows, col, axis=2)
    field -= left
    field *= col_weight
    field += left
    return field


def _cells(places: Plane, count: int) -> tuple[NDArray[np.intp], Plane]:
    scaled = (places + np.float32(REACH)) * np.float32(0.5 / REACH * count)
    cell = np.clip(np.floor(scaled), 0, count - 1)
    part = scaled - cell
    return cell.astype(np.intp), part * part * (3 - 2 * part)


def to_pixels(canvas: Colour) -> NDArray[np.uint8]:
    """A finished canvas (3, batch, size, size) in [0, 1] as `pixels` (batch, size, size, 3); uses it up."""
    canvas *= np.float32(255)
    canvas += np.float32(0.5)
    clip(canvas, 0.0, 255.0)
    return np.ascontiguousarray(canvas.astype(np.uint8).transpose(1, 2, 3, 0))
