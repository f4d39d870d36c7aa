"""A real model of eight latents with stored faces and labels, made without training."""

import pytest

from tests.pages.tiny_runs import make_run
from vaelab.inference import FaceModel
from vaelab.runs.store import Run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Its run; tests only read it."""
    return make_run(tmp_path_factory.mktemp("editing"), "tiny")


@pytest.fixture(scope="session")
def model(run: Run) -> FaceModel:
    """The model itself."""
    return FaceModel.load(run)
