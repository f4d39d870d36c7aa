"""The KL taken apart: what the latents tell of the picture, what they tell of each other, and each one's own shape."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.models.gaussian import DiagonalGaussian

PerImage = Float[Tensor, " batch"]


@dataclass(frozen=True)
class Decomposition:
    """Three parts of log q(z given x) - log p(z), whose mean is the KL; each of each picture, nats.

    Attributes:
        mutual_information: log q(z given x) - log q(z).
        total_correlation: log q(z) - sum over latents of log q(z_j); 0 in the mean where latents are independent.
        dimension_kl: sum over latents of log q(z_j) - log p(z_j).
    """

    mutual_information: PerImage
    total_correlation: PerImage
    dimension_kl: PerImage


def decomposition(z: Float[Tensor, "batch latent"], posterior: DiagonalGaussian) -> Decomposition:
    """The KL's parts at one sample of each picture's posterior, with the batch for the data set.

    q(z) is the mean of the batch's posteriors, its own among them. So the mutual information cannot exceed the log of
    the batch size; the three parts always add up to log q(z given x) - log p(z).

    Args:
        z: one sample of each posterior.
        posterior: the posteriors of the batch that stands for the data set.

    Source: Chen et al., Isolating Sources of Disentanglement in VAEs (NeurIPS 2018), equations 2 and S6.
    Differs: their minibatch-weighted estimator divides by the size of the data set too. That shifts each logarithm
    by a constant, (latents - 1) times as much for the total correlation, and changes no gradient; without it the
    values are the exact ones of a data set as small as the batch.
    """
    batch, _ = z.shape
    log_two_pi = math.log(2.0 * math.pi)
    distance = (z[:, None] - posterior.mu).square() * torch.exp(-posterior.logvar)
    log_pairs = -(distance + posterior.logvar + log_two_pi) / 2  # (sample, posterior, latent)
    log_own = torch.diagonal(log_pairs.sum(2))
    log_joint = torch.logsumexp(log_pairs.sum(2), dim=1) - math.log(batch)
    log_marginals = (torch.logsumexp(log_pairs, dim=1) - math.log(batch)).sum(1)
    log_prior = -(z.square() + log_two_pi).sum(1) / 2
    return Decomposition(log_own - log_joint, log_joint - log_marginals, log_marginals - log_prior)
