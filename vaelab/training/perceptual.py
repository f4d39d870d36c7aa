"""The detector whose features a training compares pictures by, read from its run."""

from pathlib import Path

import torch

from vaelab.config import TrainConfig
from vaelab.errors import CheckpointError, ConfigError
from vaelab.models import build_model
from vaelab.models.lab import Classifier, DebiasingVAE
from vaelab.objectives.perceptual import PerceptualDistance
from vaelab.runs.checkpoints import load_weights, read_checkpoint
from vaelab.training.start import known_run


def perceptual_distance(config: TrainConfig, root: Path, device: torch.device) -> PerceptualDistance | None:
    """The distance that `config` weighs, on `device`; None where it weighs none.

    Args:
        root: folder that holds the run; where it does not, the usual folder is looked into.

    Raises:
        ConfigError: the run is missing, has no weights, is no detector of the lab's, or takes pictures of another size.
    """
    if not config.loss.perceptual_weight:
        return None
    name = config.loss.perceptual_run
    hint = f"train one with `python -m vaelab train --recipe cnn --name {name}`, or set perceptual_weight to 0"
    run = known_run("perceptual_run", name, root, hint)
    theirs = run.config
    if theirs.data.size != config.data.size:
        raise ConfigError(
            f"perceptual_run {run.id} takes pictures of {theirs.data.size} pixels, this training has "
            f"{config.data.size}; train at --size {theirs.data.size}, or a detector at {config.data.size}"
        )
    network = build_model(theirs)
    if not isinstance(network, Classifier | DebiasingVAE):
        raise ConfigError(f"perceptual_run {run.id} is a {theirs.model.model}; take the run of a cnn or a dbvae")
    try:
        load_weights(network, read_checkpoint(run.weights_path).tensors, str(run.weights_path))
    except CheckpointError as error:
        raise ConfigError(f"perceptual_run {run.id} cannot be read: {error}") from error
    return PerceptualDistance.of(network.to(device).to(memory_format=torch.channels_last))
