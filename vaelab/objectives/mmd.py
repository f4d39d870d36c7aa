"""The distance between two samples by a kernel: what a Wasserstein autoencoder keeps small instead of the KL."""

import torch
from jaxtyping import Float
from torch import Tensor

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Of the kernels that are summed, against the distance expected between two draws of the prior."""


def inverse_multiquadratic(
    first: Float[Tensor, "many latent"], second: Float[Tensor, "some latent"]
) -> Float[Tensor, "many some"]:
    """Sum over scales s of C / (C + |a - b|^2) with C = 2 * latent * s, for every pair.

    Source: Tolstikhin et al., Wasserstein Auto-Encoders (ICLR 2018), section 4; scales as in their code.
    """
    squared = (first[:, None] - second).square().sum(2)
    expected = 2.0 * first.shape[1]
    return torch.stack([expected * scale / (expected * scale + squared) for scale in SCALES]).sum(0)


def squared_mmd(first: Float[Tensor, "many latent"], second: Float[Tensor, "many latent"]) -> Float[Tensor, ""]:
    """Unbiased estimate of the squared kernel distance; 0 in the mean for samples of one distribution, so at times
    below 0.

    Source: Gretton et al., A Kernel Two-Sample Test (JMLR 2012), equation 3.
    """
    count = len(first)
    if count < 2:  # no pair within a sample
        return first.sum() * 0.0
    pairs = count * (count - 1)
    within = inverse_multiquadratic(first, first) + inverse_multiquadratic(second, second)
    off_diagonal = within.sum() - torch.diagonal(within).sum()
    return off_diagonal / pairs - 2.0 * inverse_multiquadratic(first, second).mean()
