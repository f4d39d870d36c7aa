"""Non-faces made of the parts of people: heads without features, clothes, lone glasses, pictures cut into tiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.body import paint_body
from vaelab.data.synthetic.drawing import Colour, lattice
from vaelab.data.synthetic.faces import face_canvas
from vaelab.data.synthetic.glasses import paint_glasses
from vaelab.data.synthetic.hair import Hair
from vaelab.data.synthetic.pose import Head
from vaelab.data.synthetic.scene import Light


def _blank_head(canvas: Colour, rows: pd.DataFrame) -> None:
    np.copyto(canvas, face_canvas(rows, canvas.shape[-1], features=False))


def _wig(canvas: Colour, rows: pd.DataFrame) -> None:
    hair = Hair.of(rows, Head.of(rows, canvas.shape[-1]), Light.of(rows))
    hair.paint_back(canvas)
    hair.paint_front(canvas)


def _headless(canvas: Colour, rows: pd.DataFrame) -> None:
    skin = palette.skin(*(rows[name].to_numpy(float) for name in ("skin_lightness", "skin_warmth", "age")))
    paint_body(canvas, rows, Head.of(rows, canvas.shape[-1]), Light.of(rows), skin)


def _lone_glasses(canvas: Colour, rows: pd.DataFrame) -> None:
    paint_glasses(canvas, rows.assign(glasses="yes"), Head.of(rows, canvas.shape[-1]))


def _scrambled(canvas: Colour, rows: pd.DataFrame) -> None:
    """A portrait cut into 4 x 4 tiles in an order in which no tile keeps its place."""
    faces = face_canvas(rows, canvas.shape[-1])
    order = _derangements(lattice(rows["texture_seed"].to_numpy(np.int64), 101, 1, 16)[:, 0])
    tile = canvas.shape[-1] // 4
    edges = [tile * step for step in range(4)] + [canvas.shape[-1]]
    picture = np.arange(len(rows))
    for place in range(16):
        top, left = edges[place // 4], edges[place % 4]
        source = order[:, place]
        down = (source // 4 * tile)[:, None, None] + np.arange(tile)[None, :, None]
        right = (source % 4 * tile)[:, None, None] + np.arange(tile)[None, None, :]
        canvas[:, :, top : top + tile, left : left + tile] = faces[:, picture[:, None, None], down, right]


def _derangements(numbers: NDArray[np.float32]) -> NDArray[np.intp]:
    """One cyclic order of the 16 tiles per row: along a random tour each place takes the next place's tile."""
    tour = np.argsort(numbers, axis=1, kind="stable")
    order = np.empty_like(tour)
    np.put_along_axis(order, tour, np.roll(tour, -1, axis=1), axis=1)
    return order


HARD_NEGATIVES: dict[str, Callable[[Colour, pd.DataFrame], None]] = {
    "blank_head": _blank_head,
    "wig": _wig,
    "headless": _headless,
    "lone_glasses": _lone_glasses,
    "scrambled": _scrambled,
}
