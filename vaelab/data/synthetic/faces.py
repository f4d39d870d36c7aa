"""Draws the faces of a factor table: soft shaded, slightly stylised portraits, one per row."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.body import paint_clothes, paint_neck
from vaelab.data.synthetic.drawing import Colour, to_pixels
from vaelab.data.synthetic.factors import FACTORS
from vaelab.data.synthetic.features import paint_features
from vaelab.data.synthetic.glasses import paint_glasses
from vaelab.data.synthetic.hair import Hair
from vaelab.data.synthetic.head import paint_ears, paint_head
from vaelab.data.synthetic.pose import Head
from vaelab.data.synthetic.scene import Light, paint_background
from vaelab.errors import DataError

CHUNK_PIXELS = 40 * 64 * 64
"""Pixels drawn at once: a plane of this many floats stays in a core's cache, and memory stays flat."""


def render_faces(factors: pd.DataFrame, size: int = 64) -> NDArray[np.uint8]:
    """`pixels` (rows, size, size, 3) of a factor table; a row's picture depends on that row alone.

    Raises:
        DataError: a factor column is missing, has an unknown value or is not a finite number.
    """
    _check_table(factors)
    pixels = np.empty((len(factors), size, size, 3), dtype=np.uint8)
    chunk = max(1, CHUNK_PIXELS // size**2)
    for start in range(0, len(factors), chunk):
        rows = factors.iloc[start : start + chunk]
        pixels[start : start + len(rows)] = to_pixels(face_canvas(rows, size))
    return pixels


def face_canvas(rows: pd.DataFrame, size: int, features: bool = True) -> Colour:
    """The canvas (3, rows, size, size) of one chunk; without `features` the heads stay blank."""
    canvas = np.empty((3, len(rows), size, size), dtype=np.float32)
    head, light = Head.of(rows, size), Light.of(rows)
    skin = palette.skin(*(rows[name].to_numpy(float) for name in ("skin_lightness", "skin_warmth", "age")))
    hair = Hair.of(rows, head, light)
    paint_background(canvas, rows)
    hair.paint_back(canvas)
    paint_neck(canvas, head, light, skin)
    paint_clothes(canvas, rows, head, light)
    paint_ears(canvas, rows, head, light, skin)
    paint_head(canvas, rows, head, light, skin, hair, features)
    if features:
        paint_features(canvas, rows, head, skin)
    hair.paint_front(canvas)
    if features:
        paint_glasses(canvas, rows, head)
    return canvas


def _check_table(factors: pd.DataFrame) -> None:
    missing = [name for name in (*FACTORS, "texture_seed") if name not in factors]
    if missing:
        raise DataError(f"Factor table lacks the columns {', '.join(missing)}; start from sample_factors().")
    for name, factor in FACTORS.items():
        if factor.range is not None:
            if not np.isfinite(factors[name].to_numpy(float)).all():
                raise DataError(f"Factor {name!r} has a value that is not a finite number; expected {factor.range}.")
        elif unknown := set(factors[name]) - set(factor.values):
            raise DataError(
                f"Factor {name!r} has the unknown values {sorted(map(str, unknown))}; "
                f"expected {', '.join(factor.values)}."
            )
