"""Learning a model's directions from prepared data: training faces teach, test faces measure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from vaelab.data.collection import Collection
from vaelab.data.extra_labels import joined, read_labels
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.attributes import Attribute, not_learned
from vaelab.evaluation.directions import MAX_FITTED, Directions
from vaelab.evaluation.response import Response, measured_response
from vaelab.inference import FaceModel
from vaelab.passes import encoded_rows, redrawn
from vaelab.rng import numpy_generator
from vaelab.runs.names import slider_name

Tell = Callable[[str], None]
SELECTED = "selected-"
"""Keys of sliders that were learned from a selection of faces begin so."""


def learn_from_data(
    model: FaceModel, data: Collection, label_paths: Sequence[Path] = (), tell: Tell | None = None
) -> Directions:
    """Directions learned from the training faces, MAX_FITTED of them at most, and measured on all test faces.

    Where there are more, those with extra labels are taken first, then others by lot.

    Args:
        label_paths: CSV files with more labels of the same pictures, by image_id.
        tell: told how far the encoding is, how many of the extra labels found a face, and what was not learned.

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
    rows = np.concatenate([training, test])
    labels = with_labels(data.labels.iloc[rows].reset_index(drop=True), label_paths, say)
    has_extra = labels.drop(columns=data.labels.columns).notna().any(axis=1).to_numpy()
    taken = np.append(_drawn_by_lot(has_extra[: len(training)]), np.arange(len(training), len(rows)))
    rows, labels = rows[taken], labels.iloc[taken].reset_index(drop=True)
    mu, std = encoded_rows(model, data, rows, say)
    say("learning")
    response = measured_response(partial(redrawn, model), mu, np.sqrt(np.square(std).mean(axis=0)))
    learned = Directions.fit(mu, labels, model.weights_fingerprint, held_out_split="test", response=response)
    _tell_of_the_rest(labels, learned, say)
    return learned


def learn_from_stored(model: FaceModel, label_paths: Sequence[Path] = (), tell: Tell | None = None) -> Directions:
    """Directions learned from the faces that the run stores: no data set is needed, but there are fewer of them.

    Raises:
        ConfigError: the run stores no latents.
        DataError: a file of labels cannot be used.
    """
    if model.latents is None:
        raise ConfigError(f"{model.run_id} stores no latents to learn from; `python -m vaelab encode {model.run_id}`")
    say = tell or (lambda _: None)
    labels = with_labels(model.latents.labels, label_paths, say)
    response = stored_response(model)
    learned = Directions.fit(model.latents.mu, labels, model.weights_fingerprint, response=response)
    _tell_of_the_rest(labels, learned, say)
    return learned


def stored_response(model: FaceModel) -> Response:
    """How much of each latent comes back from pictures drawn as the stored faces lie; redraws about 1,000 of them."""
    assert model.latents is not None  # asked before
    return measured_response(partial(redrawn, model), model.latents.mu, model.latents.posterior_std)


def learn_selection(
    model: FaceModel,
    name: str,
    rows: Int[np.ndarray, " rows"],
    response_of: Callable[[FaceModel], Response] = stored_response,
) -> Directions:
    """The model's directions and one more: from its other stored faces to those in `rows`.

    Its area under the curve says how well a straight line tells the selected from the rest. Where they were selected
    by their latents, on a map say, that is no finding about faces.

    Args:
        response_of: for callers who keep what `stored_response` measured.

    Raises:
        ConfigError: the run stores no latents.
        DataError: an empty or taken name, or too few faces on either side.
        RunError: a page would read the name as Markdown.
    """
    name = slider_name(name)
    if model.latents is None or model.directions is None:
        raise ConfigError(f"{model.run_id} stores no latents to select from; `python -m vaelab encode {model.run_id}`")
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    if not slug:
        raise DataError(f"{name!r} cannot name a slider; take letters or digits from a to z, such as 'round faces'")
    answers = np.zeros(len(model.latents.mu), np.float32)
    answers[rows] = 1.0
    attribute = Attribute(f"{SELECTED}{slug}", name, "selected", "the rest", answers)
    ids = model.latents.labels["image_id"]
    return model.directions.with_attribute(attribute, model.latents.mu, ids, partial(response_of, model))


def with_labels(labels: pd.DataFrame, paths: Sequence[Path], tell: Tell) -> pd.DataFrame:
    """`labels` with the columns of the CSV files; tells how many rows of each found no face here."""
    for path in paths:
        extra = read_labels(path)
        labels, num_matched = joined(labels, extra, str(path))
        tell(f"{path}: labels for {num_matched:,} faces, {len(extra) - num_matched:,} rows of faces that are not here")
    return labels


def _drawn_by_lot(first: Bool[np.ndarray, " faces"]) -> Int[np.ndarray, " drawn"]:
    """MAX_FITTED faces at most, in their order: those that come first, then others."""
    if len(first) <= MAX_FITTED:
        return np.arange(len(first))
    random, chosen, others = numpy_generator(0, "directions"), np.flatnonzero(first), np.flatnonzero(~first)
    if len(chosen) > MAX_FITTED:
        chosen = random.choice(chosen, MAX_FITTED, replace=False)
    return np.sort(np.append(chosen, random.choice(others, MAX_FITTED - len(chosen), replace=False)))


def _tell_of_the_rest(labels: pd.DataFrame, learned: Directions, say: Tell) -> None:
    for reason in not_learned(labels, learned.keys):
        say(f"not learned: {reason}")
