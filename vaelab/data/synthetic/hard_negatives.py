"""Non-faces made of the parts of portraits: blank heads, wigs, shirts, lone glasses, shuffled tiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaelab.data.synthetic.body import paint_clothes
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


def _shirt(canvas: Colour, rows: pd.DataFrame) -> None:
    """Clothes as on a hanger, somewhere in the picture."""
    up = np.round(rows["shape_0"].to_numpy(float) * canvas.shape[-1] * 0.3).astype(np.intp)
    worn = canvas.copy()
    paint_clothes(worn, rows, Head.of(rows, canvas.shape[-1]), Light.of(rows))
    for picture, rise in enumerate(up):
        canvas[:, picture, : canvas.shape[-1] - rise] = worn[:, picture, rise:]
        canvas[:, picture, canvas.shape[-1] - rise :] = worn[:, picture, -1:]


def _lone_glasses(canvas: Colour, rows: pd.DataFrame) -> None:
    paint_glasses(canvas, rows.assign(glasses="yes"), Head.of(rows, canvas.shape[-1]))


def _scrambled(canvas: Colour, rows: pd.DataFrame) -> None:
    """A portrait cut into 4 x 4 tiles, each upside down and none in its place."""
    faces = face_canvas(rows, canvas.shape[-1])
    order = _derangements(lattice(rows["texture_seed"].to_numpy(np.int64), 101, 1, 16)[:, 0])
    tile = canvas.shape[-1] // 4
    edges = [tile * step for step in range(4)] + [canvas.shape[-1]]
    picture = np.arange(len(rows))
    for place in range(16):
        top, left = edges[place // 4], edges[place % 4]
        source = order[:, place]
        down = (source // 4 * tile)[:, None, None] + np.arange(tile)[None, ::-1, None]
        right = (source % 4 * tile)[:, None, None] + np.arange(tile)[None, None, :]
        canvas[:, :, top : top + tile, left : left + tile] = faces[:, picture[:, None, None], down, right]


def _derangements(numbers: NDArray[np.float32]) -> NDArray[np.intp]:
    """An order of the 16 tiles per row: along a random round tour, each place takes the next one's tile."""
    tour = np.argsort(numbers, axis=1, kind="stable")
    order = np.empty_like(tour)
    np.put_along_axis(order, tour, np.roll(tour, -1, axis=1), axis=1)
    return order


HARD_NEGATIVES: dict[str, Callable[[Colour, pd.DataFrame], None]] = {
    "blank_head": _blank_head,
    "wig": _wig,
    "shirt": _shirt,
    "lone_glasses": _lone_glasses,
    "scrambled": _scrambled,
}
