"""Where the parts of a head land in the picture: outline, turned coordinates, parallax of the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaelab.data.synthetic.drawing import Plane, Window, column, window

HEAD_Y = np.float32(0.02)
TOP = 0.64


@dataclass(frozen=True)
class Spot:
    """Where a feature is seen, in head coordinates, and how much turning away narrows it; (batch, 1, 1)."""

    u: Plane
    v: Plane
    scale: Plane


@dataclass(frozen=True)
class Head:
    """Shape and pose of each head of a batch; planes are (batch, size, size), numbers (batch, 1, 1).

    `u`, `v` are the picture's coordinates turned with the head, origin between the temples; `half_width` that
    of the skull, `chin` the v of its lowest point, `turn` and `nod` the sines of yaw and pitch.
    """

    u: Plane
    v: Plane
    half_width: Plane
    chin: Plane
    taper: Plane
    squareness: Plane
    turn: Plane
    nod: Plane
    _yaw: NDArray[np.float64]
    _pitch: NDArray[np.float64]
    _half_width: NDArray[np.float64]

    @classmethod
    def of(cls, rows: pd.DataFrame, size: int) -> Head:
        """The heads of a factor table."""
        number = {name: rows[name].to_numpy(float) for name in
                  ("yaw", "pitch", "roll", "face_width", "jaw", "age", "mouth_open")}  # fmt: skip
        yaw, pitch, roll = (np.deg2rad(number[name]) for name in ("yaw", "pitch", "roll"))
        half_width = 0.485 + 0.065 * number["face_width"]
        sag = np.clip((number["age"] - 40) / 40, 0, 1)
        whole = window(size)
        cosine, sine = column(np.cos(roll)), column(np.sin(roll))
        x, y = whole.x, whole.y - HEAD_Y
        return cls(
            u=cosine * x + sine * y,
            v=cosine * y - sine * x,
            half_width=column(half_width),
            chin=column(0.63 + 0.045 * number["mouth_open"] + 0.05 * np.sin(pitch)),
            taper=column(0.2 - 0.12 * number["jaw"] - 0.04 * sag),
            squareness=column(0.22 + 0.22 * number["jaw"] + 0.1 * sag),
            turn=column(np.sin(yaw)),
            nod=column(np.sin(pitch)),
            _yaw=yaw,
            _pitch=pitch,
            _half_width=half_width,
        )

    def spot(self, x: float, y: float, lift: float = 1.0) -> Spot:
        """Where the point (x, y) of the front view of the head is seen; `lift` > 1 stands out of the face."""
        width = self._half_width
        spread = x * width / 0.485
        depth = 0.46 * np.sqrt(np.maximum(1 - (spread / width) ** 2 - (y / 0.75) ** 2, 0.05))
        slope = -spread / depth * (0.46 / width) ** 2
        u = spread * np.cos(self._yaw) + lift * depth * np.sin(self._yaw)
        v = y * np.cos(self._pitch) + lift * depth * np.sin(self._pitch)
        scale = np.clip(np.cos(self._yaw) + slope * np.sin(self._yaw), 0.45, 1.12)
        return Spot(column(u), column(v), column(scale))

    def outline(self, where: Window) -> tuple[Plane, Plane, Plane]:
        """Signed distance to the outline of the head, and (u, v) scaled so that it is the unit circle."""
        u, v = where.of(self.u), where.of(self.v)
        below = np.maximum(v / self.chin, np.float32(0))
        across = (u - np.float32(0.16) * self.turn * below) / (
            self.half_width * (1 - self.taper * np.minimum(below * below, 1))
        )
        square = below * (1 - self.squareness + self.squareness * below)
        down = square + np.minimum(v, np.float32(0)) * np.float32(1 / TOP)
        radius = np.sqrt(across * across + down * down)
        return (radius - 1) * self.half_width, across, down
