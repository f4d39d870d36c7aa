"""Putting the weights of a frozen backbone into a network, and refusing others than those it was trained on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from vaelab.backbone.published import published_weights
from vaelab.backbone.weights import layout, read_weights
from vaelab.config import TrainConfig
from vaelab.errors import CheckpointError
from vaelab.models.network import Network
from vaelab.models.vgg import VGG19VAE, vgg19_features
from vaelab.rng import stream_seed

Tell = Callable[[str], None]

_attaching = threading.Lock()


def attach_backbone(
    network: Network, config: TrainConfig, device: torch.device, tell: Tell = lambda text: None
) -> None:
    """See that `network` has the backbone that `config` names; nothing to do for networks without one.

    Safe to call from several threads and as often as one likes: what is there stays.

    Args:
        tell: gets sentences while something is downloaded.

    Raises:
        CheckpointError: the weights cannot be had or read, or are not those that the network was trained on.
    """
    if not isinstance(network, VGG19VAE):
        return
    with _attaching:
        if not network.backbone.fingerprint:
            weights = backbone_weights(config, tell)
            network.backbone.fill(weights, fingerprint(weights), device)
        found, known = network.backbone.fingerprint, bytes(network.backbone_fingerprint.tolist())
        if not any(known):
            network.backbone_fingerprint.copy_(torch.tensor(list(found), dtype=torch.uint8))
        elif found != known:
            raise CheckpointError(
                f"the backbone {config.model.backbone} has fingerprint {found.hex()[:12]}, the network was trained on "
                f"{known.hex()[:12]}; put the weights it began with where they were, or train anew"
            )


def backbone_weights(config: TrainConfig, tell: Tell) -> dict[str, Tensor]:
    """VGG19's weights up to block5_pool by their names within torchvision's `features`, float32.

    Raises:
        CheckpointError: they cannot be had, or the file does not hold them.
    """
    named = config.model.backbone
    if named == "random":
        return random_weights(config.run.seed)
    return read_weights(published_weights(tell) if named == "imagenet" else Path(named).expanduser())


def random_weights(seed: int) -> dict[str, Tensor]:
    """Weights that learned nothing, drawn from the stream (seed, "backbone") as torchvision draws them at first."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "backbone"))
        layers = vgg19_features()
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layers.state_dict()


def fingerprint(weights: Mapping[str, Tensor]) -> bytes:
    """SHA-256 over names, shapes and float32 values: the same for the same weights in any file."""
    digest = hashlib.sha256()
    for name in layout():
        values = weights[name].detach().cpu().float().contiguous()
        digest.update(f"{name} {tuple(values.shape)}\n".encode())
        digest.update(values.numpy().tobytes())
    return digest.digest()
