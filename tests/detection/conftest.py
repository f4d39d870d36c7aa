"""Detectors of 64-pixel windows with random weights, which see something in everything."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.pages.tiny_runs import make_detector
from vaelab.inference import FaceModel


@pytest.fixture
def detector(tmp_path: Path) -> Callable[..., FaceModel]:
    """Makes a detector: `detector("cnn")`."""

    def made(model: str, name: str = "") -> FaceModel:
        run = make_detector(tmp_path, name or model, model, size=64)
        return FaceModel.load(run, with_latents=False)

    return made


@pytest.fixture
def photo() -> np.ndarray:
    """Noise of 200 x 260 pixels."""
    return np.random.default_rng(0).integers(0, 256, (200, 260, 3), np.uint8)
