"""Learning a model's directions from prepared data: training faces teach, test faces measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vaelab.data.collection import Collection
from vaelab.data.extra_labels import joined, read_labels
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.directions import MAX_FITTED, Directions
from vaelab.inference import FaceModel
from vaelab.passes import encoded_rows
from vaelab.rng import numpy_generator

Tell = Callable[[str], None]


def learn_from_data(
    model: FaceModel, data: Collection, label_paths: Sequence[Path] = (), tell: Tell | None = None
) -> Directions:
    """Directions learned from the training faces, MAX_FITTED of them at most, and measured on all test faces.

    Args:
        label_paths: CSV files with more labels of the same pictures, by image_id.
        tell: told how far the encoding is, and how many of the extra labels found a face.

    Raises:
        ConfigError: the model has no decoder, so no latents.
        DataError: a split has no faces, or a file of labels cannot be used.
    """
    say = tell or (lambda _: None)
    training, test = data.rows("train", is_face=True), data.rows("test", is_face=True)
    if not len(training) or not len(test):
        raise DataError(
            f"the data sets have {len(training)} training and {len(test)} test faces; directions need both. "
            "--stored learns from the faces that the run stores"
        )
    if len(training) > MAX_FITTED:
        training = np.sort(numpy_generator(0, "directions").choice(training, MAX_FITTED, replace=False))
    rows = np.concatenate([training, test])
    labels = with_labels(data.labels.iloc[rows].reset_index(drop=True), label_paths, say)
    mu, _ = encoded_rows(model, data, rows, say)
    say("learning")
    return Directions.fit(mu, labels, model.weights_fingerprint, held_out_split="test")


def learn_from_stored(model: FaceModel, label_paths: Sequence[Path] = (), tell: Tell | None = None) -> Directions:
    """Directions learned from the faces that the run stores: no data set is needed, but there are fewer of them.

    Raises:
        ConfigError: the run stores no latents.
        DataError: a file of labels cannot be used.
    """
    if model.latents is None:
        raise ConfigError(f"{model.run_id} stores no latents to learn from; `python -m vaelab encode {model.run_id}`")
    labels = with_labels(model.latents.labels, label_paths, tell or (lambda _: None))
    return Directions.fit(model.latents.mu, labels, model.weights_fingerprint)


def with_labels(labels: pd.DataFrame, paths: Sequence[Path], tell: Tell) -> pd.DataFrame:
    """`labels` with the columns of the CSV files; tells how many rows of each found no face here."""
    for path in paths:
        extra = read_labels(path)
        labels, num_matched = joined(labels, extra, str(path))
        tell(f"{path}: labels for {num_matched:,} faces, {len(extra) - num_matched:,} rows of faces that are not here")
    return labels
