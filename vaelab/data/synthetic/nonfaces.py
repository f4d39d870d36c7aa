"""Draws things that are not faces, with the backdrops, light, places and skin-like colours of the faces."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaelab.data.synthetic.drawing import Colour, to_pixels
from vaelab.data.synthetic.faces import CHUNK_PIXELS
from vaelab.data.synthetic.factors import FACTORS
from vaelab.data.synthetic.hard_negatives import HARD_NEGATIVES
from vaelab.data.synthetic.objects import OBJECTS
from vaelab.data.synthetic.patterns import PATTERNS
from vaelab.data.synthetic.sampling import sample_factors
from vaelab.data.synthetic.scene import paint_background
from vaelab.errors import ConfigError, DataError
from vaelab.rng import numpy_generator, stream_seed

PAINTERS = {**OBJECTS, **PATTERNS, **HARD_NEGATIVES}
OBJECT_CLASSES: tuple[str, ...] = tuple(PAINTERS)
"""Every kind of thing, the values of the column `object_class`."""

SHAPE_COLUMNS = tuple(f"shape_{number}" for number in range(8))
"""Numbers in [0, 1) that each painter reads in its own way: place, size, lean and proportions."""


def sample_nonfaces(count: int, seed: int) -> pd.DataFrame:
    """A table of `count` things: `object_class` in equal shares, `shape_0` to `shape_7`, all face factors.

    The factors serve as colours, backdrop and light, so that these have the same distribution as for faces
    (as pictures of no face, their labels mean nothing: `skin` says which skin-like colour was used).

    Raises:
        ConfigError: negative count.
    """
    if count < 0:
        raise ConfigError(f"Cannot draw {count} non-faces: count must be 0 or more.")
    classes = np.array(OBJECT_CLASSES, dtype=object)[np.arange(count) % len(OBJECT_CLASSES)]
    numpy_generator(seed, "synthetic-nonfaces", "object_class").shuffle(classes)
    shapes = numpy_generator(seed, "synthetic-nonfaces", "shapes").random((count, len(SHAPE_COLUMNS)))
    # Another stream than the faces' of the same seed, or thing i would have the backdrop of face i.
    factors = sample_factors(count, stream_seed(seed, "synthetic-nonfaces", "factors"))
    head = pd.DataFrame({"object_class": pd.Series(classes, dtype="str")})
    return pd.concat([head, pd.DataFrame(shapes, columns=list(SHAPE_COLUMNS)), factors], axis=1)


def render_nonfaces(rows: pd.DataFrame, size: int = 64) -> NDArray[np.uint8]:
    """`pixels` (rows, size, size, 3) of a table of `sample_nonfaces`; a row's picture depends on it alone.

    Raises:
        DataError: a column is missing or an object class is unknown.
    """
    missing = [name for name in ("object_class", *SHAPE_COLUMNS, *FACTORS, "texture_seed") if name not in rows]
    if missing:
        raise DataError(f"Table of things lacks the columns {', '.join(missing)}; start from sample_nonfaces().")
    if unknown := set(rows["object_class"]) - set(OBJECT_CLASSES):
        raise DataError(f"Unknown object classes {sorted(unknown)}; expected some of {', '.join(OBJECT_CLASSES)}.")
    pixels = np.empty((len(rows), size, size, 3), dtype=np.uint8)
    kinds = rows["object_class"].to_numpy(object)
    chunk = max(1, CHUNK_PIXELS // size**2)
    for name in OBJECT_CLASSES:
        places = np.flatnonzero(kinds == name)
        for start in range(0, len(places), chunk):
            chosen = places[start : start + chunk]
            pixels[chosen] = to_pixels(_canvas(name, rows.iloc[chosen], size))
    return pixels


def _canvas(name: str, rows: pd.DataFrame, size: int) -> Colour:
    canvas = np.empty((3, len(rows), size, size), dtype=np.float32)
    paint_background(canvas, rows)
    PAINTERS[name](canvas, rows)
    return canvas
