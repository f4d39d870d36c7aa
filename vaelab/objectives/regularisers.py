"""What the latents of a batch cost, by the name of the objective; all have one signature and one unit, nats per image.

A part that compares the pictures of a batch is one number, of the batch over all processes, charged to each picture.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from vaelab.losses import charged_kl
from vaelab.models.gaussian import DiagonalGaussian
from vaelab.objectives.mmd import squared_mmd
from vaelab.objectives.ranks import rows_of_all_ranks
from vaelab.objectives.total_correlation import decomposition
from vaelab.settings import LossConfig


@dataclass(frozen=True)
class Charge:
    """What is added to the reconstruction term of each picture, and its parts by name before they are weighed."""

    per_image: Float[Tensor, " batch"]
    terms: Mapping[str, Float[Tensor, "..."]] = field(default_factory=dict)


@dataclass(frozen=True)
class Latents:
    """A batch on its way from encoder to decoder: what was encoded, the noise, and z = mu + std * eps."""

    posterior: DiagonalGaussian
    eps: Float[Tensor, "batch latent"]
    z: Float[Tensor, "batch latent"]


def kl_charge(latents: Latents, config: LossConfig, beta: Float[Tensor, ""]) -> Charge:
    """beta * KL, with the free bits of each latent; beta = 1 is the evidence lower bound.

    Source: Higgins et al., beta-VAE (ICLR 2017), equation 4.
    """
    return Charge(beta * charged_kl(latents.posterior, config.free_bits))


def total_correlation_charge(latents: Latents, config: LossConfig, beta: Float[Tensor, ""]) -> Charge:
    """beta * (KL + (tc_weight - 1) * total correlation): the KL with its total correlation weighed by itself.

    Source: Chen et al. (NeurIPS 2018), equation 4, with alpha = gamma = beta and their beta = beta * tc_weight.
    Differs: the KL as a whole is exact and only the extra weight rests on the estimate, so it varies less.
    """
    posterior = DiagonalGaussian(rows_of_all_ranks(latents.posterior.mu), rows_of_all_ranks(latents.posterior.logvar))
    parts = decomposition(rows_of_all_ranks(latents.z), posterior)
    extra = (config.tc_weight - 1.0) * parts.total_correlation.mean()
    return Charge(beta * (charged_kl(latents.posterior, config.free_bits) + extra), vars(parts))


def mmd_charge(latents: Latents, config: LossConfig, beta: Float[Tensor, ""]) -> Charge:
    """mmd_weight * squared kernel distance between the batch's latents and as many draws of the prior.

    The encoder is deterministic, as in the paper, so its noise is not used; it serves as the draws of the prior.
    `beta` plays no part.

    Source: Tolstikhin et al., Wasserstein Auto-Encoders (ICLR 2018), algorithm 2.
    """
    distance = squared_mmd(rows_of_all_ranks(latents.z), rows_of_all_ranks(latents.eps))
    return Charge((config.mmd_weight * distance).expand(len(latents.z)), {"mmd": distance})


def norm_charge(latents: Latents, config: LossConfig, beta: Float[Tensor, ""]) -> Charge:
    """beta * |z|^2 / 2 of a deterministic encoder: the KL of a posterior of fixed deviation, but for a constant.

    Source: Ghosh et al., From Variational to Deterministic Autoencoders (ICLR 2020), equation 11.
    """
    norm = latents.z.square().sum(1) / 2
    return Charge(beta * norm, {"latent_norm": norm})


Regulariser = Callable[[Latents, LossConfig, Float[Tensor, ""]], Charge]

REGULARISERS: dict[str, Regulariser] = {
    "elbo": kl_charge,
    "beta-tc": total_correlation_charge,
    "wae-mmd": mmd_charge,
    "rae": norm_charge,
}
