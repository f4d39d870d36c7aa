"""What a VAE's probability of a picture is at least: the evidence lower bound and the importance-weighted one.

Pictures are 8-bit, so the figure that compares across models is the probability of the bytes themselves: a decoder's
noise gives each of the 256 levels the mass of its bin, the outermost ones their tails. It is a true probability, so
bits per dimension are at least 0, and 8 is what no model at all needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.models.gaussian import DiagonalGaussian

Images = Float[Tensor, "batch 3 size size"]
PerImage = Float[Tensor, " batch"]

LEVELS = 256
NoiseKind = Literal["gaussian", "laplace"]


def _laplace_log_cdf(t: Tensor) -> Tensor:
    below = t - math.log(2.0)
    return torch.where(t <= 0, below, torch.log1p(-0.5 * torch.exp(-t.clamp(min=0))))


LOG_CDF: dict[str, Callable[[Tensor], Tensor]] = {
    "gaussian": lambda t: torch.special.log_ndtr(t),
    "laplace": _laplace_log_cdf,
}


def in_double(values: Tensor) -> Tensor:
    """`values` in float64; those of an Apple GPU, which has none, on the processor."""
    return (values.cpu() if values.device.type == "mps" else values).double()


@dataclass(frozen=True)
class PixelNoise:
    """Independent noise of one scale around a decoder's mean, pixel values in [0, 1].

    Attributes:
        scale: deviation of the Gaussian, or mean absolute deviation of the Laplace distribution.
    """

    kind: NoiseKind
    scale: float

    def log_density(self, mean: Images, images: Images) -> PerImage:
        """log p(x given mean) of each picture as a continuous density, nats: the scale the losses are on."""
        off = in_double(images - mean) / self.scale
        if self.kind == "gaussian":
            each = -off.square() / 2 - math.log(self.scale) - math.log(2 * math.pi) / 2
        else:
            each = -off.abs() - math.log(2 * self.scale)
        return each.flatten(1).sum(1)

    def log_mass(self, mean: Images, images: Images) -> PerImage:
        """log P(x given mean) of each 8-bit picture, nats: every level has its bin, the outermost have the tails.

        Source: the binning of Salimans et al., PixelCNN++ (2017), equation 2, with this noise for their logistic.
        """
        mean, level = in_double(mean), (in_double(images) * (LEVELS - 1)).round()
        low = ((level - 0.5) / (LEVELS - 1) - mean) / self.scale
        high = ((level + 0.5) / (LEVELS - 1) - mean) / self.scale
        low = torch.where(level == 0, -math.inf, low)
        high = torch.where(level == LEVELS - 1, math.inf, high)
        # the difference of two logarithms near 0 has no digits left, so bins above the mean are mirrored below it
        mirrored = low + high > 0
        low, high = torch.where(mirrored, -high, low), torch.where(mirrored, -low, high)
        upper, lower = LOG_CDF[self.kind](high), LOG_CDF[self.kind](low)
        return (upper + torch.log1p(-torch.exp(lower - upper))).flatten(1).sum(1)


def log_importance_weights(
    posterior: DiagonalGaussian,
    eps: Float[Tensor, "samples batch latent"],
    log_likelihood: Callable[[Float[Tensor, "batch latent"]], Float[Tensor, "*noises batch"]],
) -> Float[Tensor, "samples *noises batch"]:
    """log p(x, z) - log q(z given x) for each posterior sample of each picture, nats.

    Args:
        eps: standard normal noise, one set per sample.
        log_likelihood: log p(x given z) of all pictures, each with its own z; under several noises at once if wanted.
    """
    found = []
    for noise in eps:
        z = posterior.sample(noise)
        prior = -0.5 * in_double(z).square().sum(1)  # the constants of prior and posterior cancel
        density = -0.5 * (in_double(noise).square() + in_double(posterior.logvar)).sum(1)
        found.append(in_double(log_likelihood(z)) + prior - density)
    return torch.stack(found)


@dataclass(frozen=True)
class Bounds:
    """Lower bounds on log p(x) of each picture, nats.

    Attributes:
        elbo: mean of the log weights: the evidence lower bound.
        importance: log of the mean weight: never below the ELBO on average, and exact for infinitely many samples.
        effective_samples: 1 / sum of squared normalised weights, from 1 to the number of samples; near 1 the bound
            is still loose.
    """

    elbo: PerImage
    importance: PerImage
    effective_samples: PerImage

    @classmethod
    def of(cls, log_weights: Float[Tensor, "samples batch"]) -> Bounds:
        """Source: Burda, Grosse, Salakhutdinov, Importance Weighted Autoencoders (ICLR 2016), equation 8."""
        total = torch.logsumexp(log_weights, dim=0)
        share = torch.exp(log_weights - total)
        return cls(log_weights.mean(0), total - math.log(len(log_weights)), 1 / share.square().sum(0))


def bits_per_dim(nats: float, num_values: int) -> float:
    """Minus log probability in bits per pixel value, from log probability in nats per picture of `num_values`."""
    return -nats / num_values / math.log(2.0)
