"""The pictures that each validation of a training looks at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.evaluation.regions import are_boxes_fitting
from vaelab.rng import random_rows

MAX_PICTURES = 2048
"""Faces, and as many non-faces, that one validation looks at."""
CHUNK = 32
"""Pictures read at a time for their mean."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Pictures held out from a training, the same at each of its validations; what is known of them is read once.

    Attributes:
        faces: rows of the faces in the data.
        others: rows of as many non-faces, since a training's loss is of as many; from the first one again where the
            split has fewer, and none where the training asks for none.
        num_others: how many different ones these are.
        features: what a frozen backbone sees in the faces, where it is kept.
    """

    data: Collection
    faces: Int[np.ndarray, " faces"]
    others: Int[np.ndarray, " others"]
    num_others: int
    features: Float[np.ndarray, "faces features"] | None = None

    @classmethod
    def of(cls, data: Collection, config: TrainConfig) -> HeldOut:
        """Some of the validation split, drawn at random but the same for every run on these data."""
        faces = random_rows(data.rows("val", is_face=True), MAX_PICTURES, 0, "held-out faces")
        others = data.rows("val", is_face=False) if config.needs_nonfaces else faces[:0]
        others = random_rows(others, len(faces), 0, "held-out others")
        return cls(data, faces, np.resize(others, len(faces)) if len(others) else others, len(others))

    @cached_property
    def labels(self) -> pd.DataFrame:
        """All labels of the faces, in their order."""
        return self.data.table(self.faces)

    @cached_property
    def is_cut_as_fairface(self) -> bool:
        """Whether all faces lie in their pictures as FairFace's do, so that regions of the face mean something."""
        manifests = [store.manifest for store in self.data.stores]
        return all(are_boxes_fitting(manifest) for manifest in manifests if manifest.counts["by_is_face"].get("true"))

    @cached_property
    def mean_face(self) -> Float[np.ndarray, "3 size size"]:
        """Pixelwise mean of the faces, in [0, 1]."""
        blocks = (self.faces[start : start + CHUNK] for start in range(0, len(self.faces), CHUNK))
        total = sum(self.data.pixels(rows).sum(axis=0, dtype=np.int64) for rows in blocks)
        return np.asarray(np.transpose(total, (2, 0, 1)) / (255 * len(self.faces)), np.float32)
