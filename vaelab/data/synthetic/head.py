"""The bare head: ears, shaded skin, age lines, blush and beard, still without eyes, nose and mouth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.drawing import (
    Colour,
    Plane,
    Window,
    blob,
    clip,
    column,
    coverage,
    paint,
    rgb,
    smooth,
    value_noise,
    window,
)
from vaelab.data.synthetic.pose import Head
from vaelab.data.synthetic.scene import Light, lit_skin

if TYPE_CHECKING:
    from vaelab.data.synthetic.hair import Hair

F = np.float32


def paint_ears(canvas: Colour, head: Head, light: Light, skin: palette.Colours) -> None:
    """Paints both ears; the head covers most of the one that is turned away."""
    for side in (-1, 1):
        left, right = (-0.85, -0.25) if side < 0 else (0.25, 0.85)
        area = window(canvas.shape[-1], left, right, -0.4, 0.5)
        u = area.of(head.u) - (F(side) * (head.half_width - F(0.005)) - F(0.16) * head.turn)
        v = area.of(head.v) - (F(0.05) - F(0.25) * head.nod)
        u = u + F(side) * F(0.18) * v
        radius = np.sqrt(np.square(u / F(0.085)) + np.square(v / F(0.155)))
        inner = blob(np.square((u + F(side * 0.01)) / F(0.06)) + np.square(v / F(0.11)))
        shade = F(0.95) - F(0.3) * inner + F(side * 0.25) * light.x * light.strength
        paint(canvas, area, coverage((radius - 1) * F(0.09), area.pixel), lit_skin(rgb(skin * [1.02, 0.93, 0.91]), shade))


def paint_head(
    canvas: Colour, rows: pd.DataFrame, head: Head, light: Light, skin: palette.Colours, hair: Hair, features: bool
) -> None:
    """Paints the skin of the head with everything that only darkens or tints it."""
    area = window(canvas.shape[-1], -0.72, 0.72, -0.78, 0.84)
    distance, across, down = head.outline(area)
    shade = light.on_ball(across * F(0.92), down * F(0.92))
    shade -= F(0.3) * hair.shadow(area)
    if features:
        _sink_features(shade, area, head, light, rows)
    colour = lit_skin(rgb(skin), shade)
    if features:
        _blush(colour, area, head, rows)
        _grow_beard(colour, area, head, rows)
    paint(canvas, area, coverage(distance, area.pixel), colour)


def _part(area: Window, size: int, left: float, right: float, top: float, bottom: float) -> tuple[Window, Window]:
    """A window of the picture, and the same one counted within `area`."""
    part = window(size, left, right, top, bottom)
    rows = slice(max(part.rows.start - area.rows.start, 0), part.rows.stop - area.rows.start)
    cols = slice(max(part.cols.start - area.cols.start, 0), part.cols.stop - area.cols.start)
    return part, Window(rows, cols, part.x, part.y, part.pixel)


def _sink_features(shade: Plane, area: Window, head: Head, light: Light, rows: pd.DataFrame) -> None:
    """Eye sockets, nose and the lines of age, as changes of `shade` in place."""
    size = head.u.shape[-1]
    old = column(palette.ageing(rows["age"].to_numpy(float)))
    nose_size = column(rows["nose_size"].to_numpy(float))
    bridge, tip = head.spot(0, -0.1, 1.06), head.spot(0, 0.165, 1.3)

    part, inside = _part(area, size, -0.62, 0.62, -0.45, 0.48)
    u, v = part.of(head.u), part.of(head.v)
    field = inside.of(shade)
    for side in (-1, 1):
        eye = head.spot(0.215 * side, -0.055)
        du, dv = (u - eye.u) / eye.scale, v - eye.v
        field -= F(0.2) * blob(np.square(du / F(0.21)) + np.square((dv + F(0.03)) / F(0.14)))
        bag = blob(np.square(du / F(0.13)) + np.square((dv - F(0.105) + F(0.8) * du * du) / F(0.035)))
        field -= F(0.2) * old * bag
    along = clip((v - bridge.v) / (tip.v - bridge.v))
    du = u - (bridge.u + (tip.u - bridge.u) * along)
    width = (F(0.06) + F(0.045) * along) * (1 + F(0.22) * nose_size)
    length = blob(np.square((v - F(0.45) * bridge.v - F(0.55) * tip.v) / F(0.24)))
    ridge = blob(np.square(du / (F(0.55) * width))) * length
    slope = clip(du / width, -1.6, 1.6)
    slope *= blob(np.square(du / (F(2.0) * width))) * length
    field += F(0.12) * ridge + slope * (light.x * (F(0.16) + F(0.4) * light.strength) + F(0.3) * head.turn)
    ball = 1 + F(0.22) * nose_size
    du, dv = (u - tip.u) / ball, (v - tip.v) / ball
    field += F(0.16) * blob(np.square((du - F(0.03) * light.x) / F(0.07)) + np.square((dv + F(0.02)) / F(0.07)))
    field -= F(0.34) * blob(np.square(du / F(0.15)) + np.square((dv - F(0.085)) / F(0.05)))

    part, inside = _part(area, size, -0.62, 0.62, -0.6, 0.72)
    u, v = part.of(head.u), part.of(head.v)
    field = inside.of(shade)
    brow = head.spot(0, -0.36)
    for line in (-0.055, 0.02):
        dv = v - brow.v - F(line) + F(0.25) * np.square(u - brow.u)
        field -= F(0.16) * old * blob(np.square(dv / F(0.028))) * blob(np.square((u - brow.u) / F(0.27)))
    mouth = head.spot(0, 0.36, 1.03)
    smile = column(rows["smile"].to_numpy(float))
    fold_depth = F(0.06) + F(0.2) * old + F(0.1) * np.maximum(smile, 0)
    for side in (-1, 1):
        du = F(side) * (u - mouth.u)
        dv = v - mouth.v + F(0.09)
        bow = du - (F(0.185) + F(0.035) * smile) - F(0.35) * dv
        field -= fold_depth * blob(np.square(bow / F(0.035))) * blob(np.square(dv / F(0.15)))
    chin = blob(np.square((u - mouth.u) / F(0.12)) + np.square((v - mouth.v - F(0.115)) / F(0.04)))
    field -= F(0.16) * chin


def _blush(colour: Colour, area: Window, head: Head, rows: pd.DataFrame) -> None:
    size = head.u.shape[-1]
    rosy = np.array([0.035, -0.045, -0.035], dtype=np.float32)[:, None, None, None]
    strength = column(0.55 + 0.45 * np.maximum(rows["smile"].to_numpy(float), 0))
    for side in (-1, 1):
        cheek = head.spot(0.28 * side, 0.16)
        left, right = (-0.72, 0.12) if side < 0 else (-0.12, 0.72)
        part, inside = _part(area, size, left, right, -0.2, 0.5)
        spot = blob(np.square((part.of(head.u) - cheek.u) / (F(0.2) * cheek.scale))
                    + np.square((part.of(head.v) - cheek.v) / F(0.16)))  # fmt: skip
        inside.of(colour)[...] += rosy * (spot * strength)


def _grow_beard(colour: Colour, area: Window, head: Head, rows: pd.DataFrame) -> None:
    density = rows["beard_density"].to_numpy(float)
    bearded = np.flatnonzero(density > 0.1)
    if not len(bearded):
        return
    size = head.u.shape[-1]
    part, inside = _part(area, size, -0.66, 0.66, 0.0, 0.84)
    u, v = part.of(head.u)[bearded], part.of(head.v)[bearded]
    mouth = head.spot(0, 0.36, 1.03)
    du, dv = u - mouth.u[bearded], v - mouth.v[bearded]
    cheek_line = F(-0.02) - F(1.6) * np.maximum(np.abs(du) - F(0.2), F(0)) + F(0.14) * (1 - smooth(np.abs(du) * F(4)))
    moustache = smooth((dv + F(0.15) - cheek_line * F(0)) * F(16)) * (1 - smooth((np.abs(du) - F(0.2)) * F(10)))
    jaw = smooth((dv - cheek_line) * F(9))
    grown = np.maximum(jaw, moustache)
    coarse = value_noise(rows["texture_seed"].to_numpy(np.int64)[bearded], 41, 26, 26, part)
    strength = column(np.clip((density[bearded] - 0.1) / 0.5, 0, 1) * 0.86)
    whiskers = palette.hair(rows["hair_colour"].iloc[bearded], rows["age"].to_numpy(float)[bearded]) * 0.8
    alpha = grown * strength * (F(0.82) + F(0.3) * (coarse - F(0.5)))
    view = inside.of(colour)
    patch = view[:, bearded]
    shade = patch.mean(axis=0) / np.maximum(patch.mean(axis=(0, 2, 3), keepdims=True)[0], F(0.05))
    patch += alpha * (rgb(whiskers) * (F(0.6) + F(0.4) * shade) - patch)
    view[:, bearded] = patch
