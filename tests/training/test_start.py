"""Where training begins: at another run's weights, in whole or at half the side."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.drawn import draw
from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.errors import Cancelled, ConfigError
from vaelab.inference import FaceModel
from vaelab.models import build_model
from vaelab.models.pyramid import PyramidVAE
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run
from vaelab.training.loop import train
from vaelab.training.start import begin, take_over

MakeConfig = Callable[..., TrainConfig]


@pytest.fixture
def started(trained: Callable[[str], Run], tiny_config: MakeConfig) -> Callable[..., TrainConfig]:
    """Settings of a training that begins with the weights of `residual`."""
    trained("residual")
    tiny: dict[str, object] = {"model": "residual", "likelihood": "optimal-gaussian", "start_from": "residual"}
    return lambda **settings: tiny_config(**(tiny | settings))


def test_a_training_goes_on_from_another_runs_weights(
    trained: Callable[[str], Run], started: MakeConfig, tmp_path: Path
) -> None:
    """One tiny step away from the run it began with, at a loss that a new network does not have."""
    first = trained("residual")
    root = first.dir.parent
    one_step = {"num_images": 16, "report_every": 16, "learning_rate": 1e-6}
    run = Run.create(started(**one_step), root, "went-on")
    train(run)
    anew = Run.create(started(**one_step, start_from=""), root, "anew")
    train(anew)
    before, after = (read_checkpoint(each.weights_path).tensors for each in (first, run))
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, rtol=0, atol=1e-5)
    losses = [each.metrics("train")[0]["recon_loss"] for each in (run, anew)]
    assert losses[0] < losses[1]


def test_a_resumed_training_does_not_begin_again(
    trained: Callable[[str], Run], started: MakeConfig, tmp_path: Path
) -> None:
    root = trained("residual").dir.parent
    config = started(num_images=96, report_every=16, checkpoint_every=48)
    whole, stopped = (Run.create(config, root, name) for name in ("whole-start", "stopped-start"))
    train(whole)
    stopped.request_cancel()
    with pytest.raises(Cancelled):
        train(stopped)
    train(stopped)
    ends = [read_checkpoint(run.weights_path).tensors for run in (whole, stopped)]
    assert all(torch.equal(ends[1][name], tensor) for name, tensor in ends[0].items())


def test_a_pyramid_begins_with_a_run_of_half_the_side(trained: Callable[[str], Run], started: MakeConfig) -> None:
    first = trained("residual")
    config = started(model="pyramid", size=32)
    network = build_model(config)
    take_over(network, config, first.dir.parent)
    model = FaceModel.load(first, with_latents=False)
    z = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        small = model.network.decode(z)
        enlarged = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
        torch.testing.assert_close(network.decode(z), enlarged)


@pytest.fixture
def pyramid(tiny_config: MakeConfig, tmp_path: Path) -> tuple[TrainConfig, Collection]:
    """Settings of a pyramid, and drawn faces of 32 pixels for it."""
    draw(tmp_path / "tiny-32", 60, 0, 32)
    settings = {"model": "pyramid", "size": 32, "linear_path": True, "datasets": ("tiny-32",)}
    return tiny_config(**settings, data_dir=str(tmp_path)), Collection.open(("tiny-32",), tmp_path, 32)


def test_a_pyramids_components_are_those_of_the_smaller_pictures(
    pyramid: tuple[TrainConfig, Collection], tmp_path: Path
) -> None:
    config, data = pyramid
    network = build_model(config)
    assert isinstance(network, PyramidVAE)
    rows = data.rows("train", is_face=True)
    begin(network, data, rows, config, tmp_path)
    path = network.core.principal
    assert path is not None
    pixels = data.pixels(rows).astype(np.float64) / 255
    pooled = pixels.reshape(len(rows), 16, 2, 16, 2, 3).mean((2, 4))
    assert np.allclose(path.mean.view(3, 16, 16).permute(1, 2, 0), pooled.mean(0), atol=1e-4)


def test_a_pyramid_learns_at_both_sides(pyramid: tuple[TrainConfig, Collection], tmp_path: Path) -> None:
    config, data = pyramid
    run = Run.create(replace(config, num_images=320, validate_every=320), tmp_path / "runs", "pyramid")
    train(run)
    first, *_, last = run.metrics("train")
    assert last["recon_loss"] < first["recon_loss"]
    model = FaceModel.load(run)
    begun = build_model(config).state_dict()
    for name in ("core.encoder.head.weight", "core.decoder.fine.2.weight", "enlarger.draw.2.weight"):
        assert not torch.equal(model.network.state_dict()[name], begun[name]), name
    pixels = data.pixels(data.rows("val", is_face=True))
    assert model.reconstruct(pixels).shape == pixels.shape


def test_a_run_that_cannot_be_begun_with_is_refused_in_words(
    trained: Callable[[str], Run], started: MakeConfig
) -> None:
    root = trained("residual").dir.parent
    trained("vae")
    for wrong, said in (
        (started(start_from="nowhere"), r"start_from is 'nowhere'.*vaelab runs"),
        (started(latent=6), "start_from residual does not fit: it is a residual with 4 latents"),
        (started(start_from="vae"), "start_from vae does not fit: it is a vae"),
        (replace(started(model="pyramid", size=64)), "on 16 pixels"),
    ):
        with pytest.raises(ConfigError, match=said):
            take_over(build_model(wrong), wrong, root)
