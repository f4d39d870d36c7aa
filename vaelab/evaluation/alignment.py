"""Maps of the same faces laid one on another: moved, scaled evenly and turned or mirrored as a whole, never bent.

Which way is up on a map is chance, so two maps of nearly the same latents can look unlike each other. Turned to fit,
what still differs is what really moved.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from vaelab.errors import DataError

Places = Float[np.ndarray, "faces dims"]
Frames = Float[np.ndarray, "frames faces dims"]


def aligned(maps: Sequence[Places]) -> Frames:
    """Each map standardised and turned to the one before it, the first as it lies; float64.

    Raises:
        DataError: there is none, or they differ in faces or axes.
    """
    shapes = {places.shape for places in maps}
    if len(shapes) != 1:
        raise DataError(f"maps of shapes {sorted(shapes)} cannot be laid one on another; take one or more of one shape")
    found = [standardised(maps[0])]
    for places in maps[1:]:
        found.append(turned(standardised(places), found[-1]))
    return np.stack(found)


def standardised(places: Places) -> Places:
    """The same map around its mean, its root mean squared distance from there 1."""
    centred = places.astype(np.float64) - places.mean(axis=0, dtype=np.float64)
    return np.asarray(centred / max(float(np.sqrt(np.square(centred).sum(axis=1).mean())), 1e-12))


def turned(places: Places, reference: Places) -> Places:
    """`places` turned or mirrored about the origin so that faces lie nearest to where `reference` has them.

    Source: Schönemann, A generalized solution of the orthogonal Procrustes problem (1966).
    """
    from scipy.linalg import orthogonal_procrustes  # a second of importing

    turn, _ = orthogonal_procrustes(places, reference)
    return np.asarray(places @ turn)


def displacements(frames: Frames) -> Float[np.ndarray, " steps"]:
    """Mean distance of a face from its place in the frame before, for each frame but the first."""
    return np.asarray(np.linalg.norm(np.diff(frames, axis=0), axis=2).mean(axis=1))
