"""A real model of eight latents with stored faces and labels, made without training."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.pages.tiny_runs import make_run
from vaelab.config import replace
from vaelab.evaluation.directions import Directions
from vaelab.evaluation.latents import StoredLatents
from vaelab.inference import FaceModel
from vaelab.rng import numpy_generator
from vaelab.runs.store import Run

LEARNED = ("smile", "beard", "gender-male")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Its run; tests only read it."""
    return make_run(tmp_path_factory.mktemp("editing"), "tiny")


@pytest.fixture(scope="session")
def model(run: Run) -> FaceModel:
    """The model itself."""
    return FaceModel.load(run)


@pytest.fixture(scope="session")
def certain(model: FaceModel) -> FaceModel:
    """The same model as if its encoder were deterministic; its latent 2 is the same for all faces."""
    assert model.latents is not None
    point = np.full_like(model.latents.mu, np.exp(-10.0))  # as `DiagonalGaussian.point` says it
    stored = StoredLatents.fit(
        model.latents.mu, point, model.latents.labels, np.arange(len(point)), model.weights_fingerprint
    )
    config = replace(model.config, objective="rae", likelihood="gaussian")
    return dataclasses.replace(model, config=config, latents=stored)


@pytest.fixture(scope="session")
def taught(model: FaceModel) -> FaceModel:
    """The same model with directions of the attributes in LEARNED, which overlap, as attributes of faces do."""
    random = numpy_generator(0, "taught")
    mu = random.standard_normal((600, 8)).astype(np.float32)
    normals = random.standard_normal((3, 8))
    normals[1] += 0.7 * normals[0]
    answers = mu @ normals.T + random.logistic(size=(600, 3)) > 0
    labels = pd.DataFrame(
        {
            "image_id": [f"i{n}" for n in range(600)],
            "split": "test",
            "smile": np.where(answers[:, 0], "yes", "no"),
            "beard": np.where(answers[:, 1], "yes", "no"),
            "gender": np.where(answers[:, 2], "Male", "Female"),
        }
    )
    return dataclasses.replace(model, directions=Directions.fit(mu, labels, model.weights_fingerprint))
