"""Other people's training loops on the same networks and faces, in turn with ours.

Two comparisons, each with a limit, which is bare steps of our form on a tensor already in memory:

- the DB-VAE against the loop of MIT 6.S191's lab 2, written as its notebook has it: batches through float64 numpy,
  float32 eager, plain Adam, non-faces decoded too;
- the VAE on the lab's trunk against pythae's trainer, where that is installed beside the lab (`pip install pythae`).
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.interleaved import Timing, interleaved, ratio
from benchmarks.kept import Rows
from benchmarks.training import WINDOWS, Loop, limit, prepared, timed, window_of
from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.models import build_model
from vaelab.models.network import Network
from vaelab.recipes import RECIPES

BATCH = 32


PEERS = ("lab", "pythae")


def measure(data_dir: Path, rounds: int, peer: str, seconds: float = 8.0) -> Rows:
    """The comparison with one of PEERS, on about `seconds` of training a round; none where pythae is not installed."""
    if peer == "lab":
        return [_compared("mit-dbvae", "lab", lab_loop, data_dir, rounds, seconds, with_compiled=True)]
    if importlib.util.find_spec("pythae"):
        return [_compared("mit-vae", "pythae", pythae_loop, data_dir, rounds, seconds)]
    return []


PeerLoop = Callable[[TrainConfig, Collection, int], Callable[[], float]]


def _compared(
    recipe: str,
    peer: str,
    peer_loop: PeerLoop,
    data_dir: Path,
    rounds: int,
    seconds: float,
    *,
    with_compiled: bool = False,
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        config = prepared(RECIPES[recipe], data_dir, Path(folder))
        window = window_of(config, seconds / WINDOWS)
        config = timed(config, window)
        data = Collection.open(config.data.datasets, Path(config.data.data_dir), config.data.size)
        variants: dict[str, Callable[[], float]] = {
            peer: peer_loop(config, data, window),
            "ours": Loop(config, window, data, Path(folder) / "ours"),
            "limit": limit(config, WINDOWS * window),
        }
        pairs = [("ours", peer), ("ours", "limit"), (peer, "limit")]
        if with_compiled:
            compiled = replace(config, compile=True)
            variants["compiled"] = Loop(compiled, window, data, Path(folder) / "compiled")
            variants["compiled_limit"] = limit(compiled, WINDOWS * window)
            pairs += [("compiled", peer), ("compiled", "compiled_limit")]
        found = interleaved(variants, rounds)
    result: dict[str, Any] = {"what": f"training {recipe}: our loop and {peer}'s"}
    result |= {f"{name}_images_per_second": WINDOWS * window / timing.median for name, timing in found.items()}
    for one, other in pairs:
        result |= _ratio(f"{one}_over_{other}", found[one], found[other])
    return result | {"images_per_round": WINDOWS * window, "rounds": rounds}


def _ratio(name: str, of: Timing, to: Timing) -> dict[str, Any]:
    middle, low, high = ratio(of, to)
    return {name: middle, f"{name}_range": [low, high]}


class LabLoader:
    """The lab's `TrainingDatasetLoader`: all pictures in memory, a batch of which is divided by 255 in float64."""

    def __init__(self, data: Collection, config: TrainConfig) -> None:
        faces = data.rows("train", is_face=True, limit=config.data.max_faces)
        others = data.rows("train", is_face=False)
        self.images = data.pixels(np.concatenate([faces, others]))[..., ::-1].copy()  # the lab's file is BGR
        self.labels = np.repeat([[1.0], [0.0]], [len(faces), len(others)], axis=0).astype(np.float32)
        self.faces, self.others = np.arange(len(faces)), np.arange(len(faces), len(self.images))
        self.random = np.random.RandomState(0)  # the draw without replacement that the notebook makes

    def batch(self, size: int, face_probs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half faces, drawn by their probabilities, and half others, in the order of the file."""
        faces = self.random.choice(self.faces, size=size // 2, replace=False, p=face_probs)
        others = self.random.choice(self.others, size=size // 2, replace=False)
        chosen = np.sort(np.concatenate([faces, others]))
        images = (self.images[chosen][:, :, :, ::-1] / 255.0).astype(np.float32)
        return np.ascontiguousarray(np.transpose(images, (0, 3, 1, 2))), self.labels[chosen]


def lab_loop(config: TrainConfig, data: Collection, window: int) -> Callable[[], float]:
    """The lab's training of its DB-VAE; resampled as often as ours, so that both count one for each window."""
    loader = LabLoader(data, config)
    faces = loader.images[loader.faces]

    def call() -> float:
        network = build_model(config).train()
        optimizer = torch.optim.Adam(network.parameters(), lr=config.optim.learning_rate)
        started = 0.0
        for index in range(1 + WINDOWS):
            if index == 1:
                started = time.perf_counter()
            face_probs = lab_probs(network, faces)
            network.train()
            for _ in range(window // BATCH):
                x, y = (torch.from_numpy(part) for part in loader.batch(BATCH, face_probs))
                optimizer.zero_grad()
                loss = lab_loss(network, x, y)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                loss.item()  # the notebook's progress bar and history read it
        return time.perf_counter() - started

    return call


def lab_loss(network: Network, x: Tensor, y: Tensor) -> Tensor:
    """The lab's loss, with the indicator on the term that it is meant for."""
    encoding = network.encode(x)
    assert encoding.posterior is not None
    assert encoding.face_logit is not None
    mu, logsigma = encoding.posterior.mu, encoding.posterior.logvar
    z = mu + torch.exp(logsigma) * torch.randn_like(mu)
    recon = network.decode(z)
    latent_loss = 0.5 * torch.sum(torch.exp(logsigma) + mu**2 - 1 - logsigma, dim=1)
    reconstruction_loss = torch.mean(torch.abs(x - recon), dim=(1, 2, 3))
    vae_loss = 0.0005 * latent_loss + reconstruction_loss
    classification_loss = F.binary_cross_entropy_with_logits(encoding.face_logit, y[:, 0], reduction="none")
    return torch.mean(classification_loss + y[:, 0] * vae_loss)


def lab_probs(network: Network, faces: np.ndarray, bins: int = 10, smoothing: float = 0.001) -> np.ndarray:
    """The lab's draw probabilities: the whole network over all faces, then a histogram of each latent."""
    network.eval()
    means = []
    with torch.no_grad():
        images = torch.from_numpy(faces).float()
        for start in range(0, len(images), 64):
            encoding = network.encode(images[start : start + 64].permute(0, 3, 1, 2))
            assert encoding.posterior is not None
            posterior = encoding.posterior
            network.decode(posterior.mu + torch.exp(posterior.logvar) * torch.randn_like(posterior.mu))
            means.append(posterior.mu)
    mu = torch.cat(means).numpy()
    probs = np.zeros(len(mu))
    for latent in range(mu.shape[1]):
        density, edges = np.histogram(mu[:, latent], density=True, bins=bins)
        edges[0], edges[-1] = -np.inf, np.inf
        place = np.digitize(mu[:, latent], edges)
        smoothed = density + smoothing
        smoothed /= np.sum(smoothed)
        weight = 1.0 / smoothed[place - 1]
        probs = np.maximum(probs, weight / np.sum(weight))
    return probs / np.sum(probs)


def pythae_loop(config: TrainConfig, data: Collection, window: int) -> Callable[[], float]:
    """pythae's trainer on our encoder and decoder, with its default settings but for the batch and the epochs.

    Its data set is a tensor of floats in memory. An epoch is a window; the first one warms up.
    """
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    rows = np.resize(data.rows("train", is_face=True, limit=config.data.max_faces), window)
    images = torch.from_numpy(data.pixels(rows)).permute(0, 3, 1, 2).float().div(255).contiguous()

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self, network: Network) -> None:
            super().__init__()
            self.network = network.get_submodule("encoder")

        def forward(self, x: Tensor) -> Any:
            mu, logvar = self.network(x).chunk(2, dim=1)
            return ModelOutput(embedding=mu, log_covariance=logvar)

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self, network: Network) -> None:
            super().__init__()
            self.network = network.get_submodule("decoder")

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.network(z))

    class Clock(TrainingCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_train_step_end(self, *_: Any, **__: Any) -> None:
            self.ends.append(time.perf_counter())

    def call() -> float:
        network = build_model(config)
        about = VAEConfig(input_dim=(3, config.data.size, config.data.size), latent_dim=config.model.latent)
        clock = Clock()
        with tempfile.TemporaryDirectory() as folder:
            settings = BaseTrainerConfig(
                output_dir=folder, num_epochs=1 + WINDOWS, per_device_train_batch_size=BATCH, no_cuda=True
            )
            model = VAE(about, encoder=Encoder(network), decoder=Decoder(network))
            labels = torch.ones(len(images))
            BaseTrainer(model, BaseDataset(images, labels), None, settings, callbacks=[clock]).train()
        return clock.ends[-1] - clock.ends[0]

    return call
