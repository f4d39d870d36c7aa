"""The second stage: a small VAE over the latents of a trained one, so that what it draws lies where faces lie.

Source: Dai and Wipf, Diagnosing and Enhancing VAE Models (ICLR 2019), section 5.
Differs: the latents are whitened by their own Gaussian first, and the decoder begins by saying N(0, I), so that
training begins at that Gaussian; and the deviation that it leaves open is its own for each coordinate and each u.
With one deviation for all, the second stage of `face-vae` learned nothing: what its latents are not Gaussian in is how
far they spread, and that differs from face to face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.evaluation.likelihood import Bounds, log_importance_weights
from vaelab.evaluation.priors import Gaussian, Latents, PerImage, SecondStage, whitened
from vaelab.models.gaussian import DiagonalGaussian
from vaelab.rng import generator, numpy_generator, stream_seed

WIDTH = 256
BATCH = 256
NUM_SEEN = 1_200_000
"""Latents seen in all: 32 passes over FairFace's training faces."""
MAX_PASSES = 100
"""Fewer faces are not looked at more often than this; by then there is nothing new in them."""
LEARNING_RATE = 1e-3
WARMUP = 0.3
"""Share of the steps over which the KL's weight rises from 0 to 1; at once, the encoder gives up before it begins."""
BOUND_DRAWS = 32
"""Draws of the importance-weighted bound on the log density."""


class SecondStageNetwork(nn.Module):
    """Encoder and decoder between whitened latents w and inner latents u of the same length."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.encoder = _layers(latent, 2 * latent)
        self.decoder = _layers(latent, 2 * latent)
        last = self.decoder[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def posterior(self, w: Float[Tensor, "batch latent"]) -> DiagonalGaussian:
        """q(u given w)."""
        return DiagonalGaussian.from_parameters(self.encoder(w))

    def log_likelihood(
        self, w: Float[Tensor, "*batch latent"], u: Float[Tensor, "*batch latent"]
    ) -> Float[Tensor, "*batch"]:
        """log p(w given u), nats."""
        decoded: Tensor = self.decoder(u)
        mean, log_deviation = decoded.chunk(2, dim=-1)
        residual = (w - mean) * (-log_deviation).exp()
        log_volume = log_deviation.sum(-1) + 0.5 * w.shape[-1] * math.log(2 * math.pi)
        return -0.5 * residual.square().sum(-1) - log_volume


@dataclass(frozen=True, eq=False)
class FittedSecondStage:
    """A trained second stage: what draws from it, and how likely it holds latents."""

    prior: SecondStage
    network: SecondStageNetwork
    whitening: Gaussian

    @torch.inference_mode()
    def log_density_bound(self, z: Latents, seed: int = 0) -> PerImage:
        """A lower bound on the log density of each z, nats: BOUND_DRAWS importance-weighted draws."""
        noise = generator(seed, "second stage", "bound")
        log_volume = float(np.log(np.diag(self.whitening.factor)).sum())
        bounds = []
        inner = whitened(z, self.whitening.mean, self.whitening.factor).astype(np.float32)
        for w in torch.split(torch.from_numpy(inner), BATCH):
            posterior = self.network.posterior(w)
            eps = torch.randn((BOUND_DRAWS, *w.shape), generator=noise)
            weights = log_importance_weights(posterior, eps, partial(self.network.log_likelihood, w))
            bounds.append(Bounds.of(weights).importance)
        return np.asarray(torch.cat(bounds).numpy() - log_volume)


def fit_second_stage(mu: Latents, std: Latents, whitening: Gaussian, seed: int = 0) -> FittedSecondStage:
    """A second stage for the aggregate posterior of faces with means `mu` and deviations `std`.

    Every latent it sees is a fresh draw from its face's posterior.

    Args:
        whitening: the Gaussian fitted to the same posteriors; training begins there.
    """
    with torch.random.fork_rng(devices=[]):  # layers draw from the global generator; lend it ours and put it back
        torch.manual_seed(stream_seed(seed, "second stage", "weights"))
        network = SecondStageNetwork(mu.shape[1])
    draws, noise = numpy_generator(seed, "second stage", "z"), generator(seed, "second stage", "u")
    inverse = np.linalg.inv(whitening.factor.astype(np.float64))
    num_steps = max(1, min(NUM_SEEN, MAX_PASSES * len(mu)) // BATCH)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    for step in range(num_steps):
        rows = draws.integers(0, len(mu), BATCH)
        z = mu[rows] + std[rows] * draws.standard_normal((BATCH, mu.shape[1]), dtype=np.float32)
        w = torch.from_numpy(np.asarray((z - whitening.mean) @ inverse.T, np.float32))
        posterior = network.posterior(w)
        u = posterior.sample(torch.randn(w.shape, generator=noise))
        beta = min(1.0, step / (WARMUP * num_steps))
        loss = (beta * posterior.kl() - network.log_likelihood(w, u)).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return FittedSecondStage(_record(network, whitening), network, whitening)


def _layers(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, outputs)
    )


def _record(network: SecondStageNetwork, whitening: Gaussian) -> SecondStage:
    linear = [layer for layer in network.decoder if isinstance(layer, nn.Linear)]
    return SecondStage(
        mean=whitening.mean,
        factor=whitening.factor,
        weights=tuple(layer.weight.detach().T.contiguous().numpy() for layer in linear),
        biases=tuple(layer.bias.detach().numpy() for layer in linear),
    )
