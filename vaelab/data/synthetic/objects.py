"""Things with two round parts, or of the size and place of a head."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from vaelab.data.synthetic.drawing import Colour, Plane, rgb
from vaelab.data.synthetic.thing import Thing

F = np.float32
WHITE = rgb([0.94, 0.92, 0.89])
BLACK = rgb([0.09, 0.08, 0.09])
METAL = rgb([0.62, 0.62, 0.64])


def _socket(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.2)
    half = F(0.5) + F(0.15) * thing.shape[6]
    thing.fill(thing.box(0.0, 0.0, half, half, 0.1), thing.lit(thing.body * F(0.4) + WHITE * F(0.6)))
    thing.fill(thing.disc(0.0, 0.0, 0.4), thing.lit(thing.body * F(0.35) + WHITE * F(0.5)))
    for side in (-1, 1):
        thing.fill(thing.disc(side * 0.17, 0.0, 0.062), BLACK)
    for end in (-1, 1):
        thing.fill(thing.box(0.0, end * 0.37, 0.05, 0.045, 0.02), METAL)


def _car(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.12)
    for side in (-1, 1):
        thing.fill(thing.box(side * 0.48, 0.5, 0.1, 0.16, 0.05), BLACK)
    roof = np.maximum(thing.box(0.0, -0.3, F(0.36) + F(0.3) * (thing.v + F(0.55)), 0.3, 0.08), F(-0.6) - thing.v)
    thing.fill(roof, thing.lit(thing.body))
    thing.fill(np.maximum(roof + F(0.06), thing.v + F(0.06)), thing.lit(rgb([0.55, 0.66, 0.74])))
    thing.fill(thing.box(0.0, 0.2, 0.66, 0.3, 0.14), thing.lit(thing.body))
    thing.fill(thing.box(0.0, 0.26, 0.24, 0.1, 0.03), BLACK * F(2))
    thing.fill(thing.box(0.0, 0.45, 0.64, 0.05, 0.04), METAL)
    for side in (-1, 1):
        round_lamp = thing.disc(side * 0.46, 0.17, F(0.1) + F(0.05) * thing.shape[6])
        thing.fill(round_lamp, METAL * F(0.7))
        thing.fill(round_lamp + F(0.025), WHITE)


def _buttons(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=3.1)
    thing.fill(thing.box(0.0, 0.0, 1.6, 0.42 + 0.3 * thing.shape[6], 0.02), thing.lit(thing.second, 1.4))
    for side in (-1, 1):
        x = side * 0.34
        edge = thing.disc(x, 0.0, 0.27)
        thing.fill(thing.disc(x + 0.02, 0.04, 0.28), thing.dark, 0.5)
        thing.fill(edge, thing.lit(thing.body))
        thing.fill(np.abs(edge + F(0.06)) - F(0.014), thing.dark, 0.6)
        for right in (-1, 1):
            for down in (-1, 1):
                thing.fill(thing.disc(x + right * 0.065, down * 0.065, 0.034), thing.dark)


def _bicycle(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.25)
    radius = F(0.28) + F(0.06) * thing.shape[6]
    for side in (-1, 1):
        wheel = thing.disc(side * 0.42, 0.25, radius)
        thing.fill(np.abs(wheel) - F(0.032), BLACK)
        thing.fill(np.abs(wheel + F(0.05)) - F(0.01), METAL)
        thing.fill(thing.disc(side * 0.42, 0.25, 0.05), METAL)
    rear, pedals, front = (-0.42, 0.25), (0.0, 0.25), (0.42, 0.25)
    saddle, handle = (-0.14, -0.22), (0.28, -0.22)
    frame = ((rear, saddle), (saddle, handle), (rear, pedals), (pedals, handle), (pedals, (-0.18, -0.36)),
             (front, (0.24, -0.38)))  # fmt: skip
    for start, end in frame:
        thing.fill(_bar(thing, start, end, 0.028), thing.body)
    thing.fill(_bar(thing, (-0.28, -0.37), (-0.08, -0.37), 0.04), BLACK)
    thing.fill(_bar(thing, (0.14, -0.42), (0.32, -0.38), 0.03), BLACK)


def _bar(thing: Thing, start: tuple[float, float], end: tuple[float, float], radius: float) -> Plane:
    """Signed distance to a bar with round ends."""
    long_x, long_y = F(end[0] - start[0]), F(end[1] - start[1])
    u, v = thing.u - F(start[0]), thing.v - F(start[1])
    along = np.minimum(np.maximum((u * long_x + v * long_y) / (long_x**2 + long_y**2), F(0)), F(1))
    distance: Plane = np.sqrt(np.square(u - along * long_x) + np.square(v - along * long_y)) - F(radius)
    return distance


def _die(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.7)
    thing.fill(thing.box(0.05, 0.07, 0.56, 0.56, 0.14), thing.dark, 0.5)
    thing.fill(thing.box(0.0, 0.0, 0.54, 0.54, 0.14), thing.lit(thing.body * F(0.75) + F(0.2)))
    wanted = np.floor(thing.shape[6] * F(3))
    for x, y, least in ((-0.26, -0.26, 0), (0.26, 0.26, 0), (0.26, -0.26, 1), (-0.26, 0.26, 1),
                        (0.26, 0.0, 2), (-0.26, 0.0, 2)):  # fmt: skip
        thing.fill(thing.disc(x, y, 0.09), thing.dark, (wanted >= least).astype(np.float32))


def _traffic_light(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.15)
    thing.fill(thing.box(0.0, 0.9, 0.06, 0.6, 0.02), METAL * F(0.6))
    thing.fill(thing.box(0.0, 0.0, 0.29, 0.68, 0.12), thing.lit(thing.body * F(0.5) + F(0.03)))
    burning = np.floor(thing.shape[6] * F(3))
    lamps = (([0.86, 0.25, 0.2], -0.42), ([0.92, 0.7, 0.25], 0.0), ([0.3, 0.72, 0.42], 0.42))
    for place, (colour, y) in enumerate(lamps):
        power = F(0.34) + F(0.66) * (burning == place)
        thing.fill(thing.disc(0.0, y, 0.2), BLACK)
        thing.fill(thing.disc(0.0, y, 0.165), rgb(colour) * power)


def _binoculars(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.4)
    thing.fill(thing.box(0.0, -0.05, 0.22, 0.14, 0.06), thing.lit(thing.body * F(0.7)))
    for side in (-1, 1):
        thing.fill(thing.box(side * 0.3, -0.25, 0.16, 0.42, 0.1), thing.lit(thing.body))
        lens = thing.disc(side * 0.32, 0.2, 0.29)
        thing.fill(lens, thing.lit(thing.body * F(0.8)))
        thing.fill(lens + F(0.06), BLACK)
        thing.fill(lens + F(0.09), thing.second * F(0.45) + thing.u * F(0.12))
        thing.fill(thing.disc(side * 0.32 - 0.07, 0.12, 0.06), WHITE, 0.7)


def _speaker(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.2)
    thing.fill(thing.box(0.0, 0.0, 0.46, 0.78, 0.06), thing.lit(thing.body, 1.1))
    for y, radius in ((-0.4, 0.19), (0.26, 0.35)):
        cone = thing.disc(0.0, y, radius)
        thing.fill(cone, METAL * F(0.75))
        thing.fill(cone + F(0.04), BLACK * F(1.6))
        thing.fill(thing.disc(0.0, y, radius * 0.36), thing.lit(thing.second * F(0.6)))


def _cup(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.2)
    handle = np.abs(thing.disc(0.5, 0.05, 0.22)) - F(0.06)
    thing.fill(handle, thing.lit(thing.body * F(0.9)))
    thing.fill(thing.box(0.0, 0.08, F(0.48) - F(0.12) * thing.v, 0.55, 0.12), thing.lit(thing.body))
    rim = np.sqrt(np.square(thing.u / F(0.52)) + np.square((thing.v + F(0.45)) / F(0.14))) - 1
    thing.fill(rim * F(0.25), thing.body * F(1.1))
    thing.fill((rim + F(0.14)) * F(0.25), rgb([0.25, 0.15, 0.09]))


def _fruit(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.8)
    for x, y, radius in ((-0.28, 0.16, 0.38), (0.32, 0.2, 0.36), (0.02, -0.22, 0.37)):
        ball = thing.disc(x, y, radius)
        shade = thing.light.on_ball((thing.u - F(x)) / F(radius * 1.1), (thing.v - F(y)) / F(radius * 1.1))
        thing.fill(thing.disc(x + 0.03, y + 0.06, radius), thing.dark, 0.35)
        thing.fill(ball, thing.body * shade)
        thing.fill(thing.disc(x - 0.1, y - 0.14, 0.05), WHITE, 0.5)
        thing.fill(_bar(thing, (x, y - radius), (x + 0.05, y - radius - 0.09), 0.02), BLACK)


OBJECTS: dict[str, Callable[[Colour, pd.DataFrame], None]] = {
    "socket": _socket,
    "car": _car,
    "buttons": _buttons,
    "bicycle": _bicycle,
    "die": _die,
    "traffic_light": _traffic_light,
    "binoculars": _binoculars,
    "speaker": _speaker,
    "cup": _cup,
    "fruit": _fruit,
}
