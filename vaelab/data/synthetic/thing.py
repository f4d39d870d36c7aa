"""What every drawn thing has: turned and scaled coordinates, colours, light, and a few solid shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.drawing import (
    Colour,
    Plane,
    Window,
    column,
    coverage,
    paint,
    rgb,
    rounded_box,
    window,
)
from vaelab.data.synthetic.scene import Light

F = np.float32


@dataclass(frozen=True)
class Thing:
    """The frame of one thing per picture: coordinates (u, v) in units of its size, and its two colours."""

    canvas: Colour
    whole: Window
    u: Plane
    v: Plane
    scale: Plane
    shape: tuple[Plane, ...]
    body: Colour
    second: Colour
    dark: Colour
    light: Light
    rows: pd.DataFrame

    @classmethod
    def of(cls, canvas: Colour, rows: pd.DataFrame, lean: float = 0.5) -> Thing:
        """Places things as loosely as heads are placed; `lean` is the largest turn in radians."""
        whole = window(canvas.shape[-1])
        number = [rows[f"shape_{i}"].to_numpy(float) for i in range(8)]
        scale = 0.8 + 0.35 * number[2]
        angle = (2 * number[3] - 1) * lean
        cosine, sine = column(np.cos(angle) / scale), column(np.sin(angle) / scale)
        x, y = whole.x - column(0.24 * (2 * number[0] - 1)), whole.y - column(0.24 * (2 * number[1] - 1))
        lightness, warmth, age = (rows[name].to_numpy(float) for name in ("skin_lightness", "skin_warmth", "age"))
        skin, hair = palette.skin(lightness, warmth, age), palette.hair(rows["hair_colour"], age)
        cloth = palette.tint(rows["clothes_hue"].to_numpy(float), number[4])
        use = number[5][:, None]  # half of all things have the colour of skin, others that of hair or clothes
        body = np.where(use < 0.5, skin, np.where(use < 0.72, hair, cloth))
        second = np.where(use < 0.5, cloth, skin)
        return cls(canvas, whole, cosine * x + sine * y, cosine * y - sine * x, column(scale),
                   tuple(column(values) for values in number), rgb(body), rgb(second), rgb(body * 0.28),
                   Light.of(rows), rows)  # fmt: skip

    def disc(self, x: float, y: float, radius: float | Plane) -> Plane:
        """Signed distance to a circle."""
        distance: Plane = np.sqrt(np.square(self.u - F(x)) + np.square(self.v - F(y))) - F(1) * radius
        return distance

    def box(self, x: float, y: float, wide: float | Plane, tall: float | Plane, corner: float = 0.05) -> Plane:
        """Signed distance to a rounded box around (x, y) with half sides `wide` and `tall`."""
        sides = [np.asarray(side, dtype=np.float32) for side in (wide, tall, corner)]
        return rounded_box(self.u - F(x), self.v - F(y), *sides)

    def fill(self, distance: Plane, colour: Colour, opacity: float | Plane = 1.0) -> None:
        """Paints the inside of a shape."""
        alpha = coverage(distance * self.scale, self.whole.pixel)
        alpha *= np.asarray(opacity, dtype=np.float32)
        paint(self.canvas, self.whole, alpha, colour)

    def lit(self, colour: Colour, reach: float = 0.8) -> Colour:
        """`colour` shaded as if on a ball of radius `reach`, darker away from the light."""
        shade = self.light.on_ball(clipped(self.u / F(reach)), clipped(self.v / F(reach)))
        return colour * shade


def clipped(values: Plane) -> Plane:
    """`values` limited to what lies on the front of a ball."""
    return np.minimum(np.maximum(values, F(-0.7)), F(0.7))
