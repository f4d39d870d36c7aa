"""What is kept of a model's view of held-out faces: latents, directions learned from labels, how far faces lie."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from vaelab.data.collection import Collection
from vaelab.errors import DataError
from vaelab.evaluation.directions import Directions, rewriting
from vaelab.evaluation.familiarity import MIN_FACES, Familiarity
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.response import measured_response
from vaelab.inference import FaceModel
from vaelab.passes import drawn, encoded, encoded_rows, redrawn
from vaelab.rng import numpy_generator
from vaelab.runs.store import Run


def encode_faces(model: FaceModel, run: Run, data: Collection, split: str, num_kept: int) -> StoredLatents:
    """Encode all faces of a split and keep the statistics, and `num_kept` posterior means, in the run's folder.

    Beside them go directions learned from their labels, unless the run has some for these weights, and how far
    other held-out faces are from what the model knows (`Familiarity`).

    Raises:
        ConfigError: the model has no decoder.
        DataError: there are not more faces than latents.
    """
    rows = data.rows(split, is_face=True)
    if len(rows) <= model.latent_size:
        raise DataError(f"{len(rows)} faces cannot fit a Gaussian over {model.latent_size} latents; encode more")
    mu, std = encoded_rows(model, data, rows)
    keep = np.sort(numpy_generator(0, "kept latents").permutation(len(rows))[:num_kept])
    labels = data.labels.iloc[rows].drop(columns=["is_face", "dataset"]).dropna(axis=1, how="all")
    stored = StoredLatents.fit(mu, std, labels, keep, model.weights_fingerprint)
    stored.write(run)
    _keep_directions(model, run, mu, labels, stored.posterior_std)
    _keep_familiarity(model, run, data, stored, "test" if split == "val" else "val")
    return stored


def _keep_directions(
    model: FaceModel, run: Run, mu: np.ndarray, labels: pd.DataFrame, posterior_std: np.ndarray
) -> None:
    """Learn them, unless those that are kept belong to these weights: `directions` learns from more faces."""
    with rewriting(run):
        if run.directions_path.is_file() and Directions.read(run).weights_fingerprint == model.weights_fingerprint:
            return
        response = measured_response(partial(redrawn, model), mu, posterior_std)
        Directions.fit(mu, labels, model.weights_fingerprint, response=response).write(run)


def _keep_familiarity(model: FaceModel, run: Run, data: Collection, stored: StoredLatents, split: str) -> None:
    """Rank the faces of a split that the prior was not fitted to; without enough of them there is nothing to keep."""
    run.familiarity_path.unlink(missing_ok=True)
    rows = data.rows(split, is_face=True)
    if len(rows) < MIN_FACES:
        return
    pixels = data.pixels(rows)
    mu, _ = encoded(model, pixels)
    Familiarity.fit(pixels, drawn(model, mu), mu, stored, model.weights_fingerprint).write(run)
