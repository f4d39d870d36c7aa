"""A detector's features from its run, and what is said where there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vaelab.config import TrainConfig, replace
from vaelab.errors import ConfigError
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run
from vaelab.training.loop import train
from vaelab.training.perceptual import perceptual_distance

CPU = torch.device("cpu")


def test_without_a_weight_no_run_is_looked_for(tiny_config: Callable[..., TrainConfig], tmp_path: Path) -> None:
    assert perceptual_distance(tiny_config(perceptual_run="nowhere"), tmp_path, CPU) is None


def test_a_training_compares_by_a_finished_detector_and_leaves_it_alone(
    trained: Callable[[str], Run], tiny_config: Callable[..., TrainConfig]
) -> None:
    detector = trained("cnn")
    before = detector.weights_path.read_bytes()
    config = tiny_config(perceptual_weight=1.0, perceptual_run="cnn", num_images=64, ema_half_life=32)
    run = Run.create(config, detector.dir.parent, "by-features")
    train(run)
    (row, *_) = run.metrics("train")
    assert row["perceptual_loss"] > 0
    assert run.metrics("validation")[-1]["perceptual_loss"] > 0
    assert detector.weights_path.read_bytes() == before
    names = read_checkpoint(run.state_path).tensors
    assert not any("perceptual" in name for name in names)


def test_a_run_that_cannot_serve_is_refused_with_what_to_do(
    trained: Callable[[str], Run], tiny_config: Callable[..., TrainConfig]
) -> None:
    root = trained("cnn").dir.parent
    trained("vae")
    config = tiny_config(perceptual_weight=1.0)
    for wrong, said in (
        (replace(config, perceptual_run="nowhere"), r"'nowhere'.*train --recipe cnn --name nowhere"),
        (replace(config, perceptual_run="vae"), "is a vae; take the run of a cnn or a dbvae"),
        (replace(config, size=32), "16 pixels, this training has 32"),
    ):
        with pytest.raises(ConfigError, match=said):
            perceptual_distance(wrong, root, CPU)
    (root / "cnn" / "weights-latest.safetensors").write_bytes(b"cut short")
    with pytest.raises(ConfigError, match="cnn cannot be read"):
        perceptual_distance(config, root, CPU)
