"""Non-faces without an object: backdrops, textures, plain shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from vaelab.data.synthetic.drawing import Colour, blob, coverage, lattice, paint, smooth, value_noise, wave
from vaelab.data.synthetic.thing import Thing

F = np.float32


def _backdrop(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows)
    glow = blob(np.square(thing.disc(0.0, 0.0, 0.0) / F(0.9)))
    paint(canvas, thing.whole, glow * F(0.5) * thing.shape[6], thing.body)


def _marble(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=3.1)
    seeds = rows["texture_seed"].to_numpy(np.int64)
    warp = value_noise(seeds, 61, 4, 4, thing.whole) + F(0.4) * value_noise(seeds, 62, 10, 10, thing.whole)
    veins = F(0.5) + F(0.5) * wave(thing.u * (F(0.5) + 2 * thing.shape[6]) + F(1.4) * warp)
    np.copyto(canvas, thing.body + (thing.second - thing.body) * (veins * F(0.8)))


def _weave(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.8)
    count = F(1.5) + F(3) * thing.shape[6]
    across, down = wave(thing.u * count), wave(thing.v * count)
    np.copyto(canvas, thing.body * (F(0.85) + F(0.18) * across))
    paint(canvas, thing.whole, smooth(down * F(2)) * F(0.6), thing.second * (F(0.9) + F(0.1) * across))


def _tiles(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=0.8)
    count = F(1) + F(1.5) * thing.shape[6]
    sign = wave(thing.u * count) * wave(thing.v * count)
    paint(canvas, thing.whole, smooth(sign * F(8) + F(0.5)), thing.lit(thing.body, 1.5))
    paint(canvas, thing.whole, smooth(F(0.5) - sign * F(8)) * thing.shape[7], thing.lit(thing.second, 1.5))


def _oval(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=3.1)
    long = F(0.55) + F(0.2) * thing.shape[6]
    radius = np.sqrt(np.square(thing.u / F(0.5)) + np.square(thing.v / long))
    shade = thing.light.on_ball(thing.u / F(0.55), thing.v / (long * F(1.1)))
    thing.fill((radius - 1) * F(0.5), thing.body * shade)
    band = np.maximum(np.abs(thing.v - F(0.3) * thing.shape[7]) - F(0.1), (radius - 1) * F(0.5))
    thing.fill(band, thing.second * shade, (thing.shape[4] > F(0.5)).astype(np.float32))


def _ovals(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows)
    places = lattice(rows["texture_seed"].to_numpy(np.int64), 71, 6, 5)
    for spot in range(6):
        x, y, wide, tall, which = (places[:, spot, part, None, None] for part in range(5))
        across = (thing.whole.x - F(2) * x + 1) / (F(0.12) + F(0.25) * wide)
        down = (thing.whole.y - F(2) * y + 1) / (F(0.12) + F(0.25) * tall)
        colour = np.where(which < F(0.5), thing.body, thing.second)
        shade = F(0.8) + F(0.4) * which
        radius = np.sqrt(across * across + down * down)
        paint(canvas, thing.whole, coverage((radius - 1) * F(0.2), thing.whole.pixel), colour * shade)


def _polygons(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows, lean=3.1)
    places = lattice(rows["texture_seed"].to_numpy(np.int64), 81, 4, 5)
    for spot in range(4):
        x, y, reach, lean, which = (places[:, spot, part, None, None] for part in range(5))
        u = thing.u - F(1.2) * x + F(0.6)
        v = thing.v - F(1.2) * y + F(0.6)
        slanted = F(0.87) * u + (lean - F(0.5)) * v
        distance = np.maximum(np.maximum(slanted, F(-0.87) * u + F(0.5) * v), -v - F(0.1)) - F(0.15) - F(0.3) * reach
        colour = np.where(which < F(0.5), thing.body, thing.second)
        thing.fill(distance, thing.lit(colour, 1.2))


def _cloud(canvas: Colour, rows: pd.DataFrame) -> None:
    thing = Thing.of(canvas, rows)
    seeds = rows["texture_seed"].to_numpy(np.int64)
    field = value_noise(seeds, 91, 3, 3, thing.whole) + F(0.5) * value_noise(seeds, 92, 7, 7, thing.whole)
    paint(canvas, thing.whole, smooth((field - F(0.65)) * F(3.5)), thing.lit(thing.body, 1.3))


PATTERNS: dict[str, Callable[[Colour, pd.DataFrame], None]] = {
    "backdrop": _backdrop,
    "marble": _marble,
    "weave": _weave,
    "tiles": _tiles,
    "oval": _oval,
    "ovals": _ovals,
    "polygons": _polygons,
    "cloud": _cloud,
}
