"""Hair: a mass behind the neck, and a front that leaves an opening for the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.drawing import (
    Colour,
    Plane,
    Window,
    blob,
    columns,
    coverage,
    lattice,
    paint,
    rgb,
    smooth,
    wave,
    window,
)
from vaelab.data.synthetic.pose import Head
from vaelab.data.synthetic.scene import Light

F = np.float32


@dataclass(frozen=True)
class Hair:
    """Hair of a batch: signed distances to its silhouette `outer` and to the `opening` for the face.

    `crown` is the distance from the middle of the head (1 at the silhouette), `strands` its light and dark
    streaks around 0, `thickness` the opacity, low when shaved.
    """

    outer: Plane
    opening: Plane
    crown: Plane
    strands: Plane
    thickness: Plane
    colour: Colour
    light: Light

    @classmethod
    def of(cls, rows: pd.DataFrame, head: Head, light: Light) -> Hair:
        """The hair of a factor table on its heads."""
        number = columns(rows, "hair_length", "hair_volume", "hair_wave", "fringe", "parting")
        length, waviness = number["hair_length"], number["hair_wave"]
        grown = smooth(length * F(3.2))  # 0 shaved, 1 from about chin length on
        body = grown * (F(0.02) + F(0.11) * number["hair_volume"])

        below = np.maximum(head.v + F(0.1), F(0))
        curls = wave(head.v * F(2.4) + F(0.3))
        half = head.half_width + F(0.02) + body + F(0.06) * length * below
        half += F(0.035) * waviness * grown * curls
        across = (head.u + F(0.08) * head.turn) / half
        above = np.minimum(head.v + F(0.1), F(0)) / (F(0.58) + F(1.0) * body)
        crown = np.sqrt(across * across + above * above)
        end = F(-0.12) + F(1.3) * length

        face_u = head.u - F(0.33) * head.turn
        hairline = F(0.50) - F(0.2) * number["fringe"] * grown
        tilt = F(0.24) * number["parting"] * (F(0.3) + number["fringe"]) * face_u
        side = head.half_width * (F(1.03) - F(0.19) * smooth(length * F(2.4)) + F(0.1) * np.maximum(head.v, F(0)))
        over = np.minimum(head.v + F(0.02) + tilt, F(0)) / (hairline - F(0.3) * head.nod)
        strip = face_u / side
        # Strands fan out from the crown: lines of equal u / height above it.
        fan = face_u / (F(0.5) + F(0.9) * np.maximum(head.v + F(0.72), F(0)))
        phase = lattice(rows["texture_seed"].to_numpy(np.int64), 51, 1, 2)
        locks = wave(fan * F(4.3) + phase[:, :, :1])
        strands = F(0.28) * locks + F(0.2) * wave(fan * F(10.1) + phase[:, :, 1:])
        hanging = head.v - end - F(0.05) * waviness * locks
        outer = _smooth_max((crown - 1) * head.half_width, hanging, F(0.12))
        locks = locks * (F(0.015) + F(0.03) * number["fringe"]) * np.minimum(over * over, F(1))
        opening = (np.sqrt(strip * strip + np.square(over)) - 1) * F(0.45) + locks * grown
        return cls(outer, opening, crown, strands, F(0.45) + F(0.55) * smooth(length * F(6)),
                   rgb(palette.hair(rows["hair_colour"], rows["age"].to_numpy(float))), light)  # fmt: skip

    def paint_back(self, canvas: Colour) -> None:
        """Paints the mass that hangs behind neck and shoulders."""
        whole = window(canvas.shape[-1])
        tone = F(0.62) + F(0.24) * self.strands
        paint(canvas, whole, coverage(self.outer, whole.pixel) * self.thickness, self.colour * tone)

    def paint_front(self, canvas: Colour) -> None:
        """Paints what falls around the face, with a sheen across the crown."""
        whole = window(canvas.shape[-1])
        alpha = coverage(self.outer, whole.pixel)
        alpha *= 1 - coverage(self.opening, whole.pixel * F(1.3))
        alpha *= self.thickness
        sheen = blob(np.square((self.crown - F(0.7) - F(0.14) * self.strands) / F(0.22)))
        sheen *= np.maximum(F(0.35) + whole.x * self.light.x * F(1.5) - whole.y * F(0.5), F(0))
        tone = F(0.94) + F(0.36) * self.strands - F(0.25) * blob(np.square(self.outer / F(0.09)))
        tone += whole.x * self.light.x * self.light.strength * F(0.4)
        tone -= F(0.22) * blob(np.square(self.opening / F(0.12)))
        paint(canvas, whole, alpha, self.colour * tone + sheen * (F(0.14) + F(0.16) * self.light.strength))

    def shadow(self, area: Window) -> Plane:
        """How much the hair darkens the skin under it, 0 to 1."""
        return smooth(area.of(self.opening) * F(7) + F(1)) * self.thickness


def _smooth_max(first: Plane, second: Plane, rounding: np.float32) -> Plane:
    """The larger of two distances, with corners rounded over the length `rounding`."""
    overlap = np.maximum(rounding - np.abs(first - second), F(0))
    larger: Plane = np.maximum(first, second) + overlap * overlap * (F(0.25) / rounding)
    return larger
