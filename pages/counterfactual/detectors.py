"""The detectors on this machine, and pictures as they were before a model drew them again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shell.loaders import find, load_model
from pages.studio.photo import photo_behind
from vaelab.counterfactual import Detector, threshold_of
from vaelab.data.collection import Collection
from vaelab.data.manifest import MANIFEST_FILE, Manifest
from vaelab.editing.recipe import FaceRecipe
from vaelab.errors import DataError, RunError
from vaelab.runs.store import RUNS_DIR, Run, list_runs

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

DETECTING = ("cnn", "dbvae")
"""Networks that say how sure they are of a face."""


def detector_runs(size: int | None = None) -> list[Run]:
    """Runs that detect faces in pictures of this size or of any; a plain cnn first: others are read beside it.

    Those for whole photos come last: of faces in the middle they know less.
    """
    runs = [run for run in list_runs(RUNS_DIR) if _detects(run, size)]
    return sorted(runs, key=_standing)


def _standing(run: Run) -> tuple[bool, bool, int]:
    return not run.is_shipped, run.config.recipe == "detector", DETECTING.index(run.config.model.model)


def load_detectors(names: tuple[str, ...], fpr: float) -> list[Detector]:
    """The detectors of these runs, each held to its threshold at one false-positive rate."""
    found = []
    for name in names:
        run = find(name)
        model = load_model(run)
        found.append(Detector(model, threshold_of(run.reports(), model.weights_fingerprint, fpr)))
    return found


def original(model: FaceModel, run: Run, recipe: FaceRecipe) -> NDArray[np.uint8] | None:
    """The picture behind an unedited start, (size, size, 3), where this machine still has it.

    A stored face has one while its prepared data set is here, a photo for as long as the visit lasts.
    """
    if recipe.start == "stored":
        return stored_original(run, recipe.face)
    photo = photo_behind(model, recipe)
    return None if photo is None else photo.pixels


def stored_original(run: Run, face: str) -> NDArray[np.uint8] | None:
    """The prepared picture of a stored face, or None where its data set is not on this machine."""
    data = run.config.data
    try:
        manifests = [Manifest.read(Path(data.data_dir) / name / MANIFEST_FILE) for name in data.datasets]
        fingerprints = tuple(manifest.fingerprint for manifest in manifests)
        collection = _opened(data.datasets, data.data_dir, data.size, fingerprints)
    except DataError:
        return None
    rows = np.flatnonzero(np.asarray(collection.labels["image_id"] == face))
    return np.asarray(collection.pixels(rows[:1])[0]) if len(rows) else None


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(names: tuple[str, ...], data_dir: str, size: int, fingerprints: tuple[str, ...]) -> Collection:
    return Collection.open(names, Path(data_dir), size)


def _detects(run: Run, size: int | None) -> bool:
    try:
        config = run.config
        return config.model.model in DETECTING and size in (None, config.data.size) and run.weights_path.is_file()
    except RunError:  # half written or damaged: the models page says so
        return False
