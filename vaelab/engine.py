"""The network of a model at work: torch in here, numpy outside. `FaceModel` builds one when it first needs it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vaelab.backbone import attach_backbone
from vaelab.config import TrainConfig
from vaelab.data.images import to_images
from vaelab.errors import ConfigError
from vaelab.losses import LIKELIHOODS
from vaelab.models import build_model
from vaelab.models.network import Encoding, Network
from vaelab.runs.checkpoints import load_weights

Pixels = UInt8[np.ndarray, "batch size size 3"]
Latents = Float[np.ndarray, "batch latent"]

BATCH = 256


@dataclass(frozen=True, eq=False)
class Engine:
    """A network ready to encode, decode and detect. Calls from several threads are safe."""

    config: TrainConfig
    network: Network
    device: torch.device

    @classmethod
    def of(cls, config: TrainConfig, tensors: Mapping[str, Tensor], source: str, device: str) -> Engine:
        """The network of `config` with these weights.

        Args:
            source: where they are from, for errors.

        Raises:
            CheckpointError: they are another network's.
            ConfigError: this machine has no such device.
        """
        network = build_model(config)
        load_weights(network, tensors, source)  # copying widens float16 by itself
        network.eval().requires_grad_(False)
        try:
            network.to(device).to(memory_format=torch.channels_last)
        except (RuntimeError, AssertionError) as error:  # torch raises either, by device and build
            raise ConfigError(f"torch cannot use the device {device!r} here; take cpu") from error
        return cls(config, network, torch.device(device))

    def decode(self, z: Latents) -> Pixels:
        """The picture of each latent vector."""
        size = self.config.data.size
        result = np.empty((len(z), size, size, 3), np.uint8)
        mean = LIKELIHOODS[self.config.loss.likelihood].mean
        with quiet(self.device):
            for start in range(0, len(z), BATCH):
                part = torch.from_numpy(z[start : start + BATCH]).to(self.device)
                images = mean(self.network.decode(part))
                rounded = images.mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1)
                result[start : start + BATCH] = rounded.cpu().numpy()
        return result

    def encodings(self, pixels: Pixels) -> Iterator[Encoding]:
        """What the network makes of the pictures, batch by batch.

        Raises:
            CheckpointError: its frozen backbone is not on this machine and cannot be had.
        """
        attach_backbone(self.network, self.config, self.device)
        with quiet(self.device):
            for start in range(0, len(pixels), BATCH):
                yield self.network.encode(to_images(pixels[start : start + BATCH]).to(self.device))


class _Quiet:
    """How many callers are inside `quiet`, and the number of threads there was before the first of them."""

    lock = threading.Lock()
    callers = 0
    num_threads = 1


@contextlib.contextmanager
def quiet(device: torch.device) -> Iterator[None]:
    """No gradients, and one thread on the CPU: with a training beside it, two would wait for each other.

    A new thread begins with the number that was set last in any thread, so callers that overlap must not take each
    other's 1 for what was there before.
    """
    with _Quiet.lock:
        if _Quiet.callers == 0:
            _Quiet.num_threads = torch.get_num_threads()
        _Quiet.callers += 1
        if device.type == "cpu":
            torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        with _Quiet.lock:
            _Quiet.callers -= 1
            torch.set_num_threads(_Quiet.num_threads)
