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


def paint_ears(canvas: Colour, rows: pd.DataFrame, head: Head, light: Light, skin: palette.Colours) -> None:
    """Paints both ears, closer to the head under longer hair; the head covers most of the far one."""
    tuck = F(0.005) + F(0.05) * smooth(column(rows["hair_length"].to_numpy(float)) * F(2.4))
    for side in (-1, 1):
        left, right = (-0.85, -0.25) if side < 0 else (0.25, 0.85)
        area = window(canvas.shape[-1], left, right, -0.4, 0.5)
        shift = np.where(head.turn * F(side) < 0, F(0.07), F(0.18)) * head.turn
        u = area.of(head.u) - F(side) * (head.half_width - tuck) + shift
        v = area.of(head.v) - (F(0.05) - F(0.25) * head.nod)
        u = u + F(side) * F(0.18) * v
        radius = np.sqrt(np.square(u / F(0.085)) + np.square(v / F(0.155)))
        inner = blob(np.square((u + F(side * 0.01)) / F(0.06)) + np.square(v / F(0.11)))
        shade = F(0.95) - F(0.3) * inner + F(side * 0.25) * light.x * light.strength
        alpha = coverage((radius - 1) * F(0.09), area.pixel)
        paint(canvas, area, alpha, lit_skin(rgb(skin * np.array([1.02, 0.93, 0.91])), shade))


def paint_head(
    canvas: Colour, rows: pd.DataFrame, head: Head, light: Light, skin: palette.Colours, hair: Hair,
    features: bool,
) -> None:  # fmt: skip
    """Paints the skin of the head; with `features` also what only darkens or tints it: nose, lines, beard."""
    area = window(canvas.shape[-1], -0.72, 0.72, -0.78, 0.84)
    distance, across, down = head.outline(area)
    shade = light.on_ball(across * F(0.92), down * F(0.92))
    shade -= F(0.3) * hair.shadow(area)
    if features:
        old = column(palette.ageing(rows["age"].to_numpy(float)))
        _sink_eyes(shade, area, head, old)
        _raise_nose(shade, area, head, light, column(rows["nose_size"].to_numpy(float)))
        _wrinkle_forehead(shade, area, head, old)
        _fold_cheeks(shade, area, head, old, column(rows["smile"].to_numpy(float)))
    colour = lit_skin(rgb(skin), shade)
    if features:
        _blush(colour, area, head, rows)
        _grow_beard(colour, area, head, rows, skin)
    paint(canvas, area, coverage(distance, area.pixel), colour)


def _part(
    area: Window, head: Head, left: float, right: float, top: float, bottom: float
) -> tuple[Window, Plane, Plane]:
    """A window within `area` and counted from its corner, with the head coordinates there."""
    part = window(head.u.shape[-1], left, right, top, bottom)
    rows = slice(max(part.rows.start - area.rows.start, 0), part.rows.stop - area.rows.start)
    cols = slice(max(part.cols.start - area.cols.start, 0), part.cols.stop - area.cols.start)
    return Window(rows, cols, part.x, part.y, part.pixel), part.of(head.u), part.of(head.v)


def _sink_eyes(shade: Plane, area: Window, head: Head, old: Plane) -> None:
    """Darkens the sockets, and with age the bags under the eyes."""
    for side in (-1, 1):
        left, right = (-0.68, 0.26) if side < 0 else (-0.26, 0.68)
        part, u, v = _part(area, head, left, right, -0.36, 0.25)
        eye = head.spot(0.215 * side, -0.055)
        du, dv = (u - eye.u) / eye.scale, v - eye.v
        hollow = blob(np.square(du / F(0.21)) + np.square((dv + F(0.03)) / F(0.14)))
        bag = blob(np.square(du / F(0.13)) + np.square((dv - F(0.105) + F(0.8) * du * du) / F(0.035)))
        part.of(shade)[...] -= F(0.2) * hollow + F(0.2) * old * bag


def _raise_nose(shade: Plane, area: Window, head: Head, light: Light, size: Plane) -> None:
    """Lights the ridge and the tip of the nose; shades one side of it and below."""
    bridge, tip = head.spot(0.0, -0.1, 1.06), head.spot(0.0, 0.165, 1.3)
    part, u, v = _part(area, head, -0.48, 0.48, -0.4, 0.48)
    field = part.of(shade)
    wide = 1 + F(0.38) * size
    along = clip((v - bridge.v) / (tip.v - bridge.v))
    du = u - (bridge.u + (tip.u - bridge.u) * along)
    width = (F(0.06) + F(0.045) * along) * wide
    length = blob(np.square((v - F(0.45) * bridge.v - F(0.55) * tip.v) / F(0.24)))
    field += F(0.12) * blob(np.square(du / (F(0.55) * width))) * length
    flank = clip(np.divide(du, width), -1.6, 1.6) * blob(np.square(du / (F(2) * width))) * length
    field += flank * (light.x * (F(0.16) + F(0.4) * light.strength) + F(0.3) * head.turn)
    du, dv = (u - tip.u) / wide, (v - tip.v) / wide
    ball = blob(np.square((du - F(0.03) * light.x) / F(0.07)) + np.square((dv + F(0.02)) / F(0.07)))
    below = blob(np.square(du / F(0.15)) + np.square((dv - F(0.085)) / F(0.05)))
    field += F(0.16) * ball - F(0.34) * below


def _wrinkle_forehead(shade: Plane, area: Window, head: Head, old: Plane) -> None:
    part, u, v = _part(area, head, -0.55, 0.55, -0.62, -0.12)
    brow = head.spot(0.0, -0.36)
    du, dv = u - brow.u, v - brow.v + F(0.25) * np.square(u - brow.u)
    reach = F(0.16) * old * blob(np.square(du / F(0.27)))
    for line in (-0.055, 0.02):
        part.of(shade)[...] -= reach * blob(np.square((dv - F(line)) / F(0.028)))


def _fold_cheeks(shade: Plane, area: Window, head: Head, old: Plane, smile: Plane) -> None:
    """Folds from nose to mouth, deeper with age and smile, and the hollow over the chin."""
    part, u, v = _part(area, head, -0.55, 0.55, 0.0, 0.72)
    field = part.of(shade)
    mouth = head.spot(0.0, 0.36, 1.03)
    du, dv = u - mouth.u, v - mouth.v
    depth = F(0.06) + F(0.2) * old + F(0.1) * np.maximum(smile, 0)
    depth = depth * blob(np.square((dv + F(0.09)) / F(0.15)))
    for side in (-1, 1):
        bow = F(side) * du - (F(0.185) + F(0.035) * smile) - F(0.35) * (dv + F(0.09))
        field -= depth * blob(np.square(bow / F(0.035)))
    field -= F(0.16) * blob(np.square(du / F(0.12)) + np.square((dv - F(0.115)) / F(0.04)))


def _blush(colour: Colour, area: Window, head: Head, rows: pd.DataFrame) -> None:
    rosy = np.array([0.05, -0.09, -0.08], dtype=np.float32)[:, None, None, None]
    strength = column(0.55 + 0.45 * np.maximum(rows["smile"].to_numpy(float), 0))
    for side in (-1, 1):
        cheek = head.spot(0.28 * side, 0.16)
        left, right = (-0.72, 0.12) if side < 0 else (-0.12, 0.72)
        part, u, v = _part(area, head, left, right, -0.2, 0.5)
        spot = blob(np.square((u - cheek.u) / (F(0.2) * cheek.scale)) + np.square((v - cheek.v) / F(0.16)))
        part.of(colour)[...] *= 1 + rosy * (spot * strength)


def _grow_beard(colour: Colour, area: Window, head: Head, rows: pd.DataFrame, skin: palette.Colours) -> None:
    density = rows["beard_density"].to_numpy(float)
    bearded = np.flatnonzero(density > 0.1)
    if not len(bearded):
        return
    part, u, v = _part(area, head, -0.66, 0.66, 0.0, 0.84)
    mouth = head.spot(0.0, 0.36, 1.03)
    out = np.abs(u[bearded] - mouth.u[bearded])
    # Up under the nose (moustache), down beside the mouth, up again to the ears.
    moustache = F(0.13) * smooth((out - F(0.1)) * F(9)) - F(0.115)
    upper_edge = moustache - F(4.5) * np.square(np.maximum(out - F(0.2), F(0)))
    grown = smooth((v[bearded] - mouth.v[bearded] - upper_edge) * F(11))
    grain = value_noise(rows["texture_seed"].to_numpy(np.int64)[bearded], 41, 26, 26, part)
    strength = column(0.86 * np.minimum((density[bearded] - 0.1) / 0.5, 1.0))
    alpha = grown * strength * (F(0.67) + F(0.3) * grain)
    view = part.of(colour)
    patch = view[:, bearded]
    shade = (patch[0] + patch[1] + patch[2]) / column(skin[bearded].sum(axis=1))
    whiskers = palette.hair(rows["hair_colour"].iloc[bearded], rows["age"].to_numpy(float)[bearded]) * 0.8
    patch += alpha * (rgb(whiskers) * (F(0.6) + F(0.4) * shade) - patch)
    view[:, bearded] = patch
