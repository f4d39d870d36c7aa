"""Where in the face a reconstruction is good: are the eyes clearer than the rest?

Regions are fixed boxes, for crops as FairFace's are (dlib's alignment, margin 0.25): of 298 of 400 evenly spread
FairFace pictures in which dlib found a face again, the middle nine tenths have their eyes' landmarks within 0.21 to
0.77 of the width and 0.25 to 0.36 of the height, the nose's tip above 0.63, the mouth within 0.27 to 0.71 and 0.59 to
0.85. On pictures cut otherwise the boxes mean nothing, so there nothing is measured; and a profile's features leave
them.

The measure is the share of a region's variance that is explained: 1 minus the squared error over the squared distance
from the mean face, both summed over the region's pixels and all faces. So a region is not called clear because little
happens there: 1 is perfect, 0 is the mean face, less than 0 is worse than it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from vaelab.data.manifest import MANIFEST_FILE, Manifest
from vaelab.errors import DataError
from vaelab.rng import numpy_generator

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture's side."""

BOXES: dict[str, tuple[Box, ...]] = {
    "eyes": ((0.19, 0.23, 0.43, 0.38), (0.56, 0.23, 0.80, 0.38)),
    "nose": ((0.36, 0.38, 0.64, 0.63),),
    "mouth": ((0.27, 0.63, 0.72, 0.85),),
    "forehead": ((0.20, 0.00, 0.80, 0.15),),
    "cheeks": ((0.12, 0.40, 0.36, 0.63), (0.64, 0.40, 0.88, 0.63)),
    "corners": ((0.00, 0.00, 0.12, 0.25), (0.88, 0.00, 1.00, 0.25), (0.00, 0.80, 0.15, 1.00), (0.85, 0.80, 1.00, 1.00)),
}
"""Boxes do not overlap; eyes are without brows, corners stand for hair and background."""

FACE = ("nose", "mouth", "forehead", "cheeks")
"""What the eyes are compared with: the rest of the face."""

RESAMPLES, AT_A_TIME = 1000, 50
MIN_FACES = 30
"""With fewer, an interval over faces says nothing."""

Images = Float[np.ndarray, "batch 3 size size"]
ByRegion = Float[np.ndarray, "faces regions"]


def are_boxes_fitting(manifest: Manifest) -> bool:
    """Whether the faces of a store are cut as FairFace's: its own pictures whole, a part of such a store, or any
    source's cut by the same detector.

    Where the store that a part was made of is gone, nobody knows.
    """
    if manifest.source == "subset":
        try:
            return are_boxes_fitting(Manifest.read(Path(str(manifest.settings["root"])) / MANIFEST_FILE))
        except (DataError, KeyError):
            return False
    return manifest.crop == "face" or (manifest.source == "fairface" and manifest.crop == "whole")


def region_masks(size: int) -> dict[str, Bool[np.ndarray, "size size"]]:
    """Which pixels of a picture belong to each region: those whose centre is inside a box."""
    centres = (np.arange(size) + 0.5) / size
    masks = {}
    for name, boxes in BOXES.items():
        masks[name] = np.zeros((size, size), dtype=bool)
        for left, top, right, bottom in boxes:
            rows, columns = (centres > top) & (centres < bottom), (centres > left) & (centres < right)
            masks[name] |= rows[:, None] & columns[None, :]
    return masks


class RegionErrors:
    """Collects squared errors by face and region, batch after batch."""

    def __init__(self, mean_face: Float[np.ndarray, "3 size size"], num_faces: int) -> None:
        """`mean_face` is the pixelwise mean of the `num_faces` to come, in [0, 1]: what knowing nothing would draw."""
        self._mean_face = mean_face
        self._errors, self._distances = np.empty((2, num_faces, len(BOXES)))
        self._num_added = 0
        masks = region_masks(mean_face.shape[-1])
        self._weights = np.stack([mask.reshape(-1) for mask in masks.values()], axis=1).astype(np.float32)

    def add(self, images: Images, recon: Images) -> None:
        """Take some faces and their reconstructions, in [0, 1]."""
        here = slice(self._num_added, self._num_added + len(images))
        self._errors[here], self._distances[here] = map(self._by_region, (images - recon, images - self._mean_face))
        self._num_added = here.stop

    def _by_region(self, difference: Images) -> ByRegion:
        per_pixel = np.square(difference).sum(axis=1).reshape(len(difference), -1)
        return np.asarray(per_pixel @ self._weights, np.float64)

    def result(self) -> dict[str, Any]:
        """Explained share of each region and the eyes' lead over the rest of the face, as plain values for a report.

        Returns:
            `explained` by region, `n` faces, and `eyes_lead` with `mean`, `low`, `high`: the eyes' explained share less
            that of the rest of the face, with its 95 % bootstrap interval over faces. A region in which the faces do
            not differ is left out; {} where no lead can be told.
        """
        errors, distances = self._errors[: self._num_added], self._distances[: self._num_added]
        spread = distances.sum(axis=0)
        if len(errors) < MIN_FACES or not (spread > 0).all():
            return {}
        explained = 1 - errors.sum(axis=0) / spread
        columns = [list(BOXES).index(name) for name in FACE]
        sides = [errors[:, 0], distances[:, 0], errors[:, columns].sum(axis=1), distances[:, columns].sum(axis=1)]
        lead = _lead(np.stack(sides, axis=1))
        return {
            "n": len(errors),
            "explained": {name: round(float(value), 5) for name, value in zip(BOXES, explained, strict=True)},
            "rest_of_face": round(float(1 - sides[2].sum() / sides[3].sum()), 5),
            "eyes_lead": lead,
        }


def _lead(sums: Float[np.ndarray, "faces 4"]) -> dict[str, float]:
    """Lead of the first over the second explained share, with its percentile interval over faces.

    Args:
        sums: error and distance of the eyes, error and distance of the rest, of each face.
    """
    num_faces = len(sums)
    random, chances = numpy_generator(0, "regions"), np.full(num_faces, 1 / num_faces)
    # a few resamples at a time: how often each face is drawn in all of them is as much as hundreds of pictures
    resampled = [random.multinomial(num_faces, chances, AT_A_TIME) @ sums for _ in range(RESAMPLES // AT_A_TIME)]
    drawn = np.concatenate([sums.sum(axis=0, keepdims=True), *resampled])
    leads = drawn[:, 2] / drawn[:, 3] - drawn[:, 0] / drawn[:, 1]
    low, high = np.quantile(leads[1:], [0.025, 0.975])
    return {"mean": round(float(leads[0]), 5), "low": round(float(low), 5), "high": round(float(high), 5)}


def eyes_sentence(regions: Mapping[str, Any]) -> str:
    """Whether the eyes come out clearer than the rest of the face, in words; `regions` is `RegionErrors.result`."""
    lead, explained = regions["eyes_lead"], regions["explained"]
    if lead["low"] > 0:
        verdict = "The eyes come out clearer than the rest of the face"
    elif lead["high"] < 0:
        verdict = "The eyes come out less clear than the rest of the face"
    else:
        verdict = "The eyes come out neither clearer nor less clear than the rest of the face"
    return (
        f"{verdict}: {explained['eyes']:.0%} of what differs between faces is drawn there, "
        f"{regions['rest_of_face']:.0%} in nose, mouth, forehead and cheeks (difference {100 * lead['mean']:+.1f} "
        f"points, 95 % interval {100 * lead['low']:+.1f} to {100 * lead['high']:+.1f}, n = {regions['n']:,})."
    )
