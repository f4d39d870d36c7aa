"""Eyes, brows, nostrils and mouth: parabolas and circles, each in a small window of the picture."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.drawing import (
    Colour,
    Plane,
    blob,
    clip,
    column,
    columns,
    coverage,
    paint,
    rgb,
    smooth,
    window,
)
from vaelab.data.synthetic.pose import Head

F = np.float32


def paint_features(canvas: Colour, rows: pd.DataFrame, head: Head, skin: palette.Colours) -> None:
    """Paints the features over the heads that are already on the canvas."""
    number = columns(rows, "smile", "mouth_open", "lip_colour", "eye_size", "gaze", "brow_raise", "nose_size")
    old = column(palette.ageing(rows["age"].to_numpy(float)))
    line = rgb(skin * 0.26 + np.array([0.03, 0.015, 0.015]))
    iris = rgb(palette.iris(rows["eye_colour"]))
    hair = palette.hair(rows["hair_colour"], rows["age"].to_numpy(float))
    brow = rgb(palette.mix(hair * 0.62, skin, np.full(len(rows), 0.16)))
    for side in (-1, 1):
        _paint_eye(canvas, head, side, number, old, iris, line)
        _paint_brow(canvas, head, side, number, brow)
    _paint_nostrils(canvas, head, number, line)
    _paint_mouth(canvas, head, number, old, skin, line)


def _paint_eye(
    canvas: Colour, head: Head, side: int, number: dict[str, Plane], old: Plane, iris: Colour, line: Colour
) -> None:
    left, right = (-0.62, 0.2) if side < 0 else (-0.2, 0.62)
    area = window(canvas.shape[-1], left, right, -0.36, 0.25)
    spot = head.spot(0.215 * side, -0.055)
    du, dv = (area.of(head.u) - spot.u) / spot.scale, area.of(head.v) - spot.v
    size = 1 + F(0.26) * number["eye_size"] - F(0.1) * old
    squint = 1 - F(0.22) * np.maximum(number["smile"], 0)
    width, upper, lower = F(0.122) * size, F(0.082) * size * (1 - F(0.22) * old), F(0.048) * size * squint
    tilted = dv + F(side * 0.08) * du
    turned = du / width
    arch = 1 - turned * turned
    lid = -tilted - upper * arch
    distance = np.maximum(lid, tilted - lower * arch)
    pixel = area.pixel

    opened = coverage(distance, pixel)
    under_lid = clip((lid + F(0.05)) * F(16))
    white = rgb([0.965, 0.95, 0.94])
    paint(canvas, area, opened, white * (1 - F(0.28) * under_lid - F(0.12) * turned * turned))
    gazed = du - F(0.035) * number["gaze"] - F(0.02) * head.turn
    height = dv + F(0.018)
    radius = np.sqrt(gazed * gazed + height * height)
    ring = F(0.064) * (F(0.7) + F(0.3) * size)
    glow = F(0.95) + F(5) * height - F(0.5) * smooth((radius - F(0.6) * ring) * F(40)) - F(0.35) * under_lid
    paint(canvas, area, coverage(radius - ring, pixel) * opened, iris * glow)
    paint(canvas, area, coverage(radius - F(0.031), pixel * F(1.2)) * opened, rgb([0.05, 0.035, 0.035]))
    glint = np.sqrt(np.square(gazed + F(0.022)) + np.square(height + F(0.026)))
    paint(canvas, area, coverage(glint - F(0.017), pixel * F(1.1)) * opened, rgb([1.0, 1.0, 1.0]))

    ends = clip((F(1.12) - np.abs(turned)) * F(6))
    thickness = F(0.014) + F(0.006) * F(side) * np.minimum(np.maximum(turned, -1), 1)
    lash = coverage(np.abs(lid + F(0.004)) - thickness, pixel) * ends * F(0.92)
    crease = blob(np.square((lid - F(0.042)) / F(0.022))) * clip((1 - np.abs(turned)) * F(3))
    under = blob(np.square((tilted - lower * arch - F(0.004)) / F(0.02))) * clip((F(1.05) - np.abs(turned)) * F(4))
    paint(canvas, area, np.maximum(lash, np.maximum(crease * F(0.42), under * F(0.3))), line)


def _paint_brow(canvas: Colour, head: Head, side: int, number: dict[str, Plane], colour: Colour) -> None:
    left, right = (-0.66, 0.24) if side < 0 else (-0.24, 0.66)
    area = window(canvas.shape[-1], left, right, -0.56, 0.06)
    spot = head.spot(0.225 * side, -0.225)
    du = F(side) * (area.of(head.u) - spot.u) / spot.scale
    dv = area.of(head.v) - spot.v + F(0.07) * number["brow_raise"]
    along = du / F(0.158)
    arch = F(0.03) * np.square(along - F(0.12)) + F(-0.026) - F(0.01) * number["brow_raise"] * along
    thick = (F(0.026) - F(0.01) * along) * np.maximum(1 - np.square(along * along), F(0))
    ends = clip((F(1.02) - np.abs(along)) * F(7))
    paint(canvas, area, coverage(np.abs(dv - arch) - thick, area.pixel * F(1.4)) * ends * F(0.9), colour)


def _paint_nostrils(canvas: Colour, head: Head, number: dict[str, Plane], line: Colour) -> None:
    area = window(canvas.shape[-1], -0.42, 0.42, -0.05, 0.45)
    tip = head.spot(0.0, 0.165, 1.3)
    base = head.spot(0.0, 0.205, 1.15)
    wide = 1 + F(0.38) * number["nose_size"]
    u, v = area.of(head.u), area.of(head.v)
    for side in (-1, 1):
        du = (u - base.u) / wide - F(side * 0.042)
        dv = (v - base.v) / wide - F(0.012)
        hole = blob(np.square(du / F(0.034)) + np.square((dv + F(side * 0.25) * du) / F(0.022)))
        paint(canvas, area, hole * F(0.75), line)
        du = (u - F(0.6) * base.u - F(0.4) * tip.u) / wide - F(side * 0.085)
        wing = blob(
            np.square((du - F(side * 0.012) + F(side * 4) * dv * dv) / F(0.02)) + np.square((dv + F(0.02)) / F(0.05))
        )
        paint(canvas, area, wing * F(0.3), line)


def _paint_mouth(
    canvas: Colour, head: Head, number: dict[str, Plane], old: Plane, skin: palette.Colours, line: Colour
) -> None:
    area = window(canvas.shape[-1], -0.52, 0.52, 0.08, 0.72)
    spot = head.spot(0.0, 0.36, 1.03)
    smile, opened = number["smile"], number["mouth_open"]
    width = F(0.178) * (1 + F(0.26) * np.maximum(smile, 0) + F(0.06) * np.minimum(smile, 0) - F(0.08) * opened)
    along = (area.of(head.u) - spot.u) / (spot.scale * width)
    arch = 1 - along * along
    bend = F(0.1) * np.maximum(smile, 0) + F(0.034) * np.minimum(smile, 0) + F(0.01)
    rel = area.of(head.v) - spot.v - bend * (arch - F(0.4)) - F(0.02) * opened
    pixel = area.pixel
    gap = F(0.085) * opened * arch
    bow = F(1) - F(0.35) * blob(np.square(along / F(0.32)))
    upper = F(0.058) * (1 - F(0.35) * old) * bow * arch * (1 - F(0.2) * np.maximum(smile, 0))
    lower = F(0.062) * (1 - F(0.3) * old) * arch

    painted = np.array([0.76, 0.12, 0.21])
    natural = skin * [0.84, 0.66, 0.64] + [0.05, 0.01, 0.02]
    lips = rgb(palette.mix(natural, painted, 0.85 * number["lip_colour"].reshape(-1)))
    shape = coverage(np.maximum(-rel - gap - upper, rel - gap - lower), pixel)
    shape *= clip((F(1.1) - np.abs(along)) * F(8))
    shine = blob(np.square(along / F(0.55)) + np.square((rel - gap - F(0.5) * lower) / F(0.022)))
    shade = F(0.98) - F(0.2) * coverage(rel, pixel * 2) + F(0.22) * shine
    paint(canvas, area, shape, lips * shade)

    inner = coverage(np.abs(rel) - gap, pixel) * smooth(opened * F(6))
    paint(canvas, area, inner, rgb([0.26, 0.07, 0.08]))
    teeth = coverage(rel + gap - F(0.062) * arch, pixel) * coverage(np.abs(along) - F(0.86), F(0.2))
    paint(canvas, area, inner * teeth, rgb([0.96, 0.945, 0.92]) * (1 - F(0.25) * along * along))
    parted = 1 - smooth(opened * F(5))
    seam = blob(np.square(rel / F(0.024))) * clip((F(1.14) - np.abs(along)) * F(7)) * (F(0.25) + F(0.6) * parted)
    paint(canvas, area, seam, line)
