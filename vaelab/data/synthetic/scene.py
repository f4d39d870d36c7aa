"""What drawn faces and drawn things share: the backdrop and where the light comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.drawing import (
    Colour,
    Plane,
    blob,
    column,
    lattice,
    paint,
    rgb,
    value_noise,
    wave,
    window,
)


@dataclass(frozen=True)
class Light:
    """Direction to the light (x right, y down, z to the viewer) and its strength; each (batch, 1, 1)."""

    x: Plane
    y: Plane
    z: Plane
    strength: Plane

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Light:
        """The light of a table with `light_direction` and `light_strength`."""
        side = rows["light_direction"].to_numpy(float) * 0.85
        up = np.full_like(side, -0.5)
        length = np.sqrt(side**2 + up**2 + 0.55)
        return cls(column(side / length), column(up / length), column(np.sqrt(0.55) / length),
                   column(rows["light_strength"].to_numpy(float)))  # fmt: skip

    def on_ball(self, x: Plane, y: Plane) -> Plane:
        """Brightness around 1 of a ball at (x, y) in units of its radius, clamped at its rim."""
        z = np.sqrt(np.maximum(1 - x * x - y * y, np.float32(0.02)))
        lit = x * self.x
        lit += y * self.y
        lit += z * self.z
        lit -= np.float32(0.62)
        lit *= np.float32(0.2) + np.float32(0.62) * self.strength
        lit += np.float32(1)
        return lit


def paint_background(canvas: Colour, rows: pd.DataFrame) -> None:
    """Covers the canvas (3, batch, size, size) with each row's backdrop."""
    size = canvas.shape[-1]
    whole = window(size)
    kind = rows["background"].to_numpy(object)
    hue, lightness = rows["background_hue"].to_numpy(float), rows["background_lightness"].to_numpy(float)
    deep = np.where(kind == "plain", 0.12, 0.34)
    lower = palette.tint(hue, np.clip(lightness - deep, 0, 1))
    upper = palette.tint((hue + np.where(kind == "gradient", 0.1, 0.02)) % 1, lightness * 0.9 + 0.1)
    glow = Light.of(rows)
    place = (np.float32(0.5) + np.float32(0.42) * whole.y) - np.float32(0.3) * glow.x * whole.x
    np.copyto(canvas, rgb(upper) + (rgb(lower) - rgb(upper)) * place)

    seeds = rows["texture_seed"].to_numpy(np.int64)
    for name, pattern in (("bokeh", _bokeh), ("texture", _texture), ("stripes", _stripes)):
        chosen = np.flatnonzero(kind == name)
        if len(chosen):
            part = np.ascontiguousarray(canvas[:, chosen])
            pattern(part, seeds[chosen], upper[chosen], lower[chosen])
            canvas[:, chosen] = part


def _bokeh(canvas: Colour, seeds: NDArray[np.int64], upper: palette.Colours, lower: palette.Colours) -> None:
    whole = window(canvas.shape[-1])
    spots = lattice(seeds, 11, 5, 4)
    bright = rgb(palette.mix(upper, np.array([1.0, 0.96, 0.88]), np.full(len(seeds), 0.55)))
    for spot in range(5):
        x, y, radius, opacity = (spots[:, spot, part, None, None] for part in range(4))
        radius = np.float32(0.2) + np.float32(0.25) * radius
        across = whole.x - (np.float32(2.2) * x - np.float32(1.1))
        down = whole.y - (np.float32(2) * y - np.float32(1.1))
        disc = blob(np.square((across * across + down * down) / (radius * radius)))
        paint(canvas, whole, disc * (np.float32(0.2) + np.float32(0.45) * opacity), bright)


def _texture(canvas: Colour, seeds: NDArray[np.int64], upper: palette.Colours, lower: palette.Colours) -> None:
    whole = window(canvas.shape[-1])
    grain = value_noise(seeds, 21, 4, 4, whole)
    grain += np.float32(0.3) * value_noise(seeds, 22, 9, 9, whole)
    grain -= np.float32(0.65)
    canvas *= np.float32(1) + np.float32(0.55) * grain


def _stripes(canvas: Colour, seeds: NDArray[np.int64], upper: palette.Colours, lower: palette.Colours) -> None:
    whole = window(canvas.shape[-1])
    numbers = lattice(seeds, 31, 1, 3)
    slant, count, offset = (numbers[:, :, part, None] for part in range(3))
    phase = (whole.x + (slant - np.float32(0.5)) * np.float32(1.6) * whole.y) * (np.float32(1.5) + 3 * count) + offset
    canvas *= np.float32(1) + np.float32(0.09) * clip_soft(wave(phase) * np.float32(1.8))


def clip_soft(values: Plane) -> Plane:
    """`values` limited to [-1, 1]; turns a wave into stripes with soft edges."""
    return np.minimum(np.maximum(values, np.float32(-1)), np.float32(1))


_FULL_SHADOW = np.array([0.42, 0.30, 0.27], dtype=np.float32)[:, None, None, None]
"""What full shadow leaves of red, green and blue skin: shadows on skin are warm."""


def lit_skin(skin: Colour, shade: Plane) -> Colour:
    """Skin colour (3, batch, 1, 1) under `shade` (batch, height, width), where 1 is plain light."""
    return skin * (_FULL_SHADOW + (1 - _FULL_SHADOW) * shade)
