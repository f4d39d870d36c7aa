"""Glasses: two rims, a bridge, temples, and lenses from clear to sun glass with a reflection."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.drawing import Colour, Plane, clip, column, coverage, rgb, rounded_box, window
from vaelab.data.synthetic.pose import Head

F = np.float32


def paint_glasses(canvas: Colour, rows: pd.DataFrame, head: Head) -> None:
    """Paints glasses on the rows that wear them."""
    wearing = np.flatnonzero(rows["glasses"].to_numpy(object) == "yes")
    if not len(wearing):
        return
    size = canvas.shape[-1]
    shape = column(rows["glasses_shape"].to_numpy(float)[wearing])
    tint = rows["glasses_tint"].to_numpy(float)[wearing]
    hue = rows["clothes_hue"].to_numpy(float)[wearing]
    rim = rgb(
        palette.mix(palette.tint(hue, np.full(len(hue), 0.25)), np.array([0.10, 0.08, 0.08]), np.full(len(hue), 0.65))
    )
    smoke = rgb(
        palette.mix(
            np.tile([0.75, 0.82, 0.86], (len(hue), 1)),
            np.array([0.10, 0.08, 0.09]),
            np.minimum(tint * 1.4, 1),
        )
    )
    opacity = column(0.10 + 0.78 * tint)

    area = window(size, -0.75, 0.75, -0.45, 0.36)
    u, v = area.of(head.u)[wearing], area.of(head.v)[wearing]
    part = np.ascontiguousarray(canvas[:, wearing, area.rows, area.cols])
    line = np.full(np.broadcast_shapes(u.shape), F(9), dtype=np.float32)
    pixel = area.pixel
    half_width = head.half_width[wearing] * F(0.97)
    for side in (-1, 1):
        spot = head.spot(0.222 * side, -0.035, 1.1)
        du, dv = (u - spot.u[wearing]) / spot.scale[wearing], v - spot.v[wearing]
        distance = _lens(du, dv, shape)
        lens = coverage(distance, pixel)
        _blend(part, lens * opacity, smoke)
        glare = clip(F(1.2) - np.abs(du + dv + F(0.06)) * F(16)) * F(0.5) + clip(
            1 - np.abs(du + dv - F(0.06)) * F(36)
        ) * F(0.4)
        _blend(part, lens * glare * F(0.4), rgb([1.0, 1.0, 1.0]))
        line = np.minimum(line, np.abs(distance) - F(0.014))
        arm = np.maximum(np.abs(dv + F(0.06)) - F(0.014), np.maximum(F(0.165) - F(side) * du, F(side) * u - half_width))
        line = np.minimum(line, arm)
    middle = head.spot(0.0, -0.055, 1.16)
    du, dv = u - middle.u[wearing], v - middle.v[wearing]
    bridge = np.maximum(np.abs(dv + F(0.02) - F(2.5) * du * du) - F(0.013), np.abs(du) - F(0.055))
    _blend(part, coverage(np.minimum(line, bridge), pixel), rim)
    canvas[:, wearing, area.rows, area.cols] = part


def _lens(du: Plane, dv: Plane, shape: Plane) -> Plane:
    """Signed distance to a rounded box that is nearly a circle at `shape` 0."""
    return rounded_box(du, dv, F(0.152) + 0 * shape, F(0.135) - F(0.012) * shape, F(0.135) - F(0.085) * shape)


def _blend(part: Colour, alpha: Plane, colour: Colour) -> None:
    part += alpha * (colour - part)
