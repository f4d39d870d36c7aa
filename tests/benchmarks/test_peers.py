"""The lab's loop as it is compared with ours: the same draws and the same loss, so that only speed differs."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.peers import LabLoader, lab_loss, lab_probs
from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.debiasing import resampling
from vaelab.models import build_model
from vaelab.training.pixels import images_on

MakeConfig = Callable[..., TrainConfig]


@pytest.fixture
def config(tiny_config: MakeConfig) -> TrainConfig:
    return tiny_config(model="dbvae", aggregation="max", standardise=False, inactive_variance=0.0, flip=False)


def test_its_draw_probabilities_are_ours(config: TrainConfig, faces: np.ndarray) -> None:
    network = build_model(config)
    with torch.inference_mode():
        posterior = network.eval().encode(images_on(faces, torch.device("cpu"))).posterior
    assert posterior is not None
    expected = resampling(posterior.mu.numpy(), replace(config.debias, min_effective_share=0.0)).sample_probs
    scaled = faces.astype(np.float32) / 255
    np.testing.assert_allclose(lab_probs(network, scaled), expected, rtol=1e-3)


def test_its_batch_is_half_faces_in_rgb_and_its_loss_teaches_all_parts(
    config: TrainConfig, tiny_data: Collection
) -> None:
    loader = LabLoader(tiny_data, config)
    uniform = np.full(len(loader.faces), 1 / len(loader.faces))
    x, y = (torch.from_numpy(part) for part in loader.batch(16, uniform))
    assert x.shape == (16, 3, 16, 16)
    assert y.sum() == 8
    rows = tiny_data.rows("train", is_face=True)
    assert torch.isclose(images_on(tiny_data.pixels(rows), torch.device("cpu")), x[0]).flatten(1).all(1).any()
    network = build_model(config)
    lab_loss(network, x, y).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())
