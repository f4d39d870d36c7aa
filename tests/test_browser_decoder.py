"""The exported decoder draws what `FaceModel.decode` draws, whatever the network and the likelihood."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch.utils.flop_counter import FlopCounterMode

from vaelab.browser_decoder import decoder_flops, onnx_decoder, runs_in_browser
from vaelab.config import TrainConfig
from vaelab.engine import Engine
from vaelab.errors import ConfigError
from vaelab.inference import FaceModel
from vaelab.losses import LIKELIHOODS
from vaelab.models import build_model
from vaelab.once import Once

KINDS = {
    "residual": {"model": "residual"},
    "residual without linear path": {"model": "residual", "linear_path": False},
    "pyramid": {"model": "pyramid", "size": 32, "linear_path": True},
    "lab": {"model": "vae", "likelihood": "bernoulli"},
    "dbvae": {"model": "dbvae", "classifier_weight": 768.0},
}
MOST_APART = 2
"""Grey levels: two sums in another order may fall on two sides of a half."""


@pytest.fixture
def untrained(tiny_config: Callable[..., TrainConfig]) -> Callable[..., FaceModel]:
    """A model with random weights, some of which leave [0, 1] and must be clamped; made without a run folder."""

    def made(**settings: Any) -> FaceModel:
        config = tiny_config(**settings)
        network = build_model(config).eval().requires_grad_(False)
        random = torch.Generator().manual_seed(7)
        for name, tensor in network.state_dict().items():
            if name.startswith(("decoder", "principal", "core", "enlarger")):
                tensor.copy_(torch.randn(tensor.shape, generator=random) * 0.3)
        network.to(memory_format=torch.channels_last)
        return FaceModel(
            run_id="untrained",
            config=config,
            weights_fingerprint="0" * 16,
            latents=None,
            directions=None,
            read_engine=Once(lambda: Engine(config, network, torch.device("cpu"))),
        )

    return made


def latents(model: FaceModel, count: int = 12) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((count, model.latent_size)).astype(np.float32)


def drawn(graph: bytes, z: np.ndarray) -> np.ndarray:
    """What the graph makes of each latent vector, by ONNX's own reference implementation."""
    evaluator = ReferenceEvaluator(onnx.load_from_string(graph))
    with np.errstate(over="ignore", invalid="ignore"):  # its sigmoid works out both halves and takes one
        return np.concatenate([evaluator.run(None, {"z": row[None]})[0] for row in z])


def assert_same_pictures(rgba: np.ndarray, pixels: np.ndarray) -> None:
    assert rgba.dtype == np.uint8
    assert rgba.shape == (*pixels.shape[:3], 4)
    assert (rgba[..., 3] == 255).all()
    apart = np.abs(rgba[..., :3].astype(int) - pixels)
    assert apart.max() <= MOST_APART
    assert (apart > 0).mean() < 0.01
    assert len(np.unique(pixels)) > 20, "a flat picture proves nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_draws_what_the_model_draws(untrained: Callable[..., FaceModel], kind: str) -> None:
    model = untrained(**KINDS[kind])
    z = latents(model)
    pixels = model.decode(z)
    assert_same_pictures(drawn(onnx_decoder(model), z), pixels)
    assert np.array_equal(model.decode(z), pixels), "exporting leaves the model as it was"


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_every_likelihood_has_its_mean(untrained: Callable[..., FaceModel], likelihood: str) -> None:
    model = untrained(model="residual", likelihood=likelihood)
    z = latents(model, 4)
    assert_same_pictures(drawn(onnx_decoder(model), z), model.decode(z))


def test_the_file_says_what_goes_in_and_out(untrained: Callable[..., FaceModel]) -> None:
    graph = onnx.load_from_string(onnx_decoder(untrained(model="residual")))
    onnx.checker.check_model(graph, full_check=True)
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in [*graph.graph.input, *graph.graph.output]
    }
    assert shapes == {"z": [1, 4], "pixels": [1, 16, 16, 4]}


def test_exports_from_several_threads_do_not_disturb_each_other(untrained: Callable[..., FaceModel]) -> None:
    models = [untrained(**settings) for settings in KINDS.values()]
    alone = [onnx_decoder(model) for model in models]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(onnx_decoder, models))
    assert together == alone


@pytest.mark.parametrize("kind", KINDS)
def test_operations_are_those_torch_counts(untrained: Callable[..., FaceModel], kind: str) -> None:
    model = untrained(**KINDS[kind])
    with torch.inference_mode(), FlopCounterMode(display=False) as torchs:
        model.network.decode(torch.zeros(1, model.latent_size))
    assert decoder_flops(model) == torchs.get_total_flops() > 0


def test_a_heavy_decoder_is_kept_from_browsers(untrained: Callable[..., FaceModel]) -> None:
    assert runs_in_browser(untrained(model="residual"))
    assert not runs_in_browser(untrained(model="residual", size=128, width=64, depth=2))


def test_a_detector_has_nothing_to_export(untrained: Callable[..., FaceModel]) -> None:
    model = untrained(model="cnn")
    assert not runs_in_browser(model)
    with pytest.raises(ConfigError, match="has no decoder"):
        onnx_decoder(model)
    with pytest.raises(ConfigError, match="has no decoder"):
        decoder_flops(model)


def test_the_app_is_installed_with_what_the_export_imports() -> None:
    """torch's exporter imports onnx by itself, so no import of ours says that the app needs it."""
    pinned = (Path(__file__).parents[1] / "requirements.txt").read_text(encoding="utf-8")
    assert re.search(r"^onnx==", pinned, re.MULTILINE)
