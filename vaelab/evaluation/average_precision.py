"""How well found squares agree with known ones: precision and recall over all thresholds, as one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from vaelab.errors import DataError

Squares = Float[np.ndarray, "squares 3"]
PerSquare = Float[np.ndarray, " squares"]


@dataclass(frozen=True, eq=False)
class Matched:
    """What was found in one photo, held against what is there.

    Attributes:
        scores: (found,) larger is surer.
        is_right: (found,) whether each is a known face; a second one on the same face is not.
        num_known: faces in the photo.
    """

    scores: PerSquare
    is_right: Bool[np.ndarray, " squares"]
    num_known: int


def matched(
    found: Squares, scores: PerSquare, known: Float[np.ndarray, "known 3"], least_overlap: float = 0.5
) -> Matched:
    """Each found square, the surest first, with the known one it shares most with, if that one is still free.

    Args:
        found, known: centre x, centre y and side of each square.
        least_overlap: share of their union that two squares must have in common to mean the same face.

    Source: Everingham et al., The PASCAL Visual Object Classes Challenge (IJCV 2010), section 4.2.
    """
    order = np.argsort(-scores, kind="stable")
    shared = overlaps(found[order], known)
    is_right, is_free = np.zeros(len(order), bool), np.ones(len(known), bool)
    for row, shares in enumerate(shared):
        best = int(shares.argmax()) if len(known) else -1
        if best >= 0 and shares[best] >= least_overlap and is_free[best]:
            is_right[row], is_free[best] = True, False
    return Matched(scores[order].astype(np.float64), is_right, len(known))


def average_precision(photos: Sequence[Matched]) -> float:
    """Area under precision over recall, all photos together; 1 is perfect. Precision is made to fall only, as in VOC.

    Raises:
        DataError: there is no known face.
    """
    num_known = sum(photo.num_known for photo in photos)
    if not num_known:
        raise DataError("no photo has a known face, so there is nothing to find; give photos with faces")
    scores = np.concatenate([photo.scores for photo in photos])
    is_right = np.concatenate([photo.is_right for photo in photos])[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(is_right) / np.arange(1, len(is_right) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float(falling[is_right].sum() / num_known)


def recall_and_alarms(photos: Sequence[Matched], threshold: float) -> tuple[float, float]:
    """Share of the known faces found above a threshold, and squares above it that are none, per photo.

    Raises:
        DataError: there is no known face.
    """
    num_known = sum(photo.num_known for photo in photos)
    if not num_known:
        raise DataError("no photo has a known face, so there is nothing to find; give photos with faces")
    right = sum(int((photo.is_right & (photo.scores > threshold)).sum()) for photo in photos)
    wrong = sum(int((~photo.is_right & (photo.scores > threshold)).sum()) for photo in photos)
    return right / num_known, wrong / len(photos)


def overlaps(found: Squares, known: Float[np.ndarray, "known 3"]) -> Float[np.ndarray, "squares known"]:
    """Shared area of every two squares over the area of their union."""
    shared = np.ones((len(found), len(known)))
    for axis in (0, 1):
        high = np.minimum.outer(found[:, axis] + found[:, 2] / 2, known[:, axis] + known[:, 2] / 2)
        low = np.maximum.outer(found[:, axis] - found[:, 2] / 2, known[:, axis] - known[:, 2] / 2)
        shared *= np.clip(high - low, 0.0, None)
    return np.asarray(shared / (np.add.outer(found[:, 2] ** 2, known[:, 2] ** 2) - shared))
