"""Faces of a model's training, for what stands beside it: principal components, a deviation, real faces."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from vaelab.data.collection import Collection
from vaelab.inference import FaceModel
from vaelab.rng import random_rows

Rows = Int[np.ndarray, " faces"]


def training_faces(model: FaceModel, data: Collection, count: int, name: str) -> Rows:
    """Up to `count` of the training faces that the run was given, drawn at random by the stream `name`."""
    given = data.rows("train", is_face=True, limit=model.config.data.max_faces)
    return random_rows(given, count, 0, name)
