"""Losses, in nats per image: reconstruction likelihoods of one signature, the KL, and the record they make.

A likelihood turns a decoder's output into minus log p(x given z) of each picture. Sums over all 3 * size^2 numbers
of a picture, so that beta = 1 is the evidence lower bound at any size. A loss that averages over pixels with KL
weight c, as many notebooks write it, is ours with beta = c * `Likelihood.pixel_mean_scale(3 * size^2)`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
import torch.distributed
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vaelab.models.gaussian import DiagonalGaussian

Images = Float[Tensor, "batch 3 size size"]
PerImage = Float[Tensor, " batch"]

SIGMA_FLOOR = 1.0 / 255
"""Smallest deviation the optimal Gaussian may take: one grey level, below which 8-bit pictures say nothing."""


@dataclass(frozen=True)
class Likelihood:
    """One reconstruction term.

    Attributes:
        nll: minus log p(x given decoder output) of each picture, nats.
        mean: the picture in [0, 1] that a decoder output stands for.
        pixel_mean_scale: factor by which `nll` (less constants) exceeds the usual mean over pixels, given the number
            of values in a picture; a published weight c on the KL is beta = c * pixel_mean_scale here.
    """

    nll: Callable[[Images, Images], PerImage]
    mean: Callable[[Images], Images]
    pixel_mean_scale: Callable[[int], float]


def laplace_nll(decoded: Images, images: Images) -> PerImage:
    """Laplace of unit scale: sum |x - decoded| + n log 2."""
    return (images - decoded).abs().flatten(1).sum(1) + images[0].numel() * math.log(2.0)


def bernoulli_nll(decoded: Images, images: Images) -> PerImage:
    """Binary cross-entropy of the logits `decoded`, summed over values.

    Differs: pictures are not binary, so this is no normalised density (Loaiza-Ganem and Cunningham, 2019).
    """
    return F.binary_cross_entropy_with_logits(decoded, images, reduction="none").flatten(1).sum(1)


def gaussian_nll(decoded: Images, images: Images) -> PerImage:
    """Gaussian of unit deviation: sum (x - decoded)^2 / 2 + n log(2 pi) / 2."""
    return squared_error(decoded, images) / 2 + images[0].numel() * math.log(2.0 * math.pi) / 2


def rmse_nll(decoded: Images, images: Images) -> PerImage:
    """Euclidean distance |x - decoded|, the root-mean-square error times sqrt(n).

    Differs: an energy without its normalising constant, so values do not compare with the other likelihoods.
    """
    return (squared_error(decoded, images) + 1e-12).sqrt()


def optimal_gaussian_nll(decoded: Images, images: Images) -> PerImage:
    """Gaussian whose deviation is the root-mean-square error over the batch (over all ranks), the best constant one.

    Sigma is held fixed in the gradient; the gradient is still that of n log sigma(decoded) exactly.
    Source: Rybkin, Daniilidis, Levine, Simple and Effective VAE Training with Calibrated Decoders (ICML 2021), eq. 5.
    """
    error, count = squared_error(decoded, images), images[0].numel()
    variance = mean_over_ranks(error.detach().mean() / count).clamp(min=SIGMA_FLOOR**2)
    return error / (2 * variance) + count * (variance.log() + math.log(2.0 * math.pi)) / 2


def squared_error(decoded: Images, images: Images) -> PerImage:
    """Sum over a picture's values of (x - decoded)^2."""
    return (images - decoded).square().flatten(1).sum(1)


def mean_over_ranks(value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """`value` averaged over the processes of a distributed training; itself in an ordinary one.

    Without gradients it is itself too: validation is the first process's alone, the others would not answer.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized() and torch.is_grad_enabled():
        value = value.clone()
        torch.distributed.all_reduce(value)
        value = value / torch.distributed.get_world_size()
    return value


def _identity(decoded: Images) -> Images:
    return decoded.clamp(0.0, 1.0)


LIKELIHOODS: dict[str, Likelihood] = {
    "laplace": Likelihood(laplace_nll, _identity, lambda n: n),
    "bernoulli": Likelihood(bernoulli_nll, torch.sigmoid, lambda n: n),
    "gaussian": Likelihood(gaussian_nll, _identity, lambda n: n / 2),
    "rmse": Likelihood(rmse_nll, _identity, math.sqrt),
    "optimal-gaussian": Likelihood(optimal_gaussian_nll, _identity, lambda n: 1.0),
}


@dataclass(frozen=True)
class LossParts:
    """What one batch cost, by part; the faces come first in a batch and alone carry the VAE's terms.

    Attributes:
        loss: the minimised scalar, a mean over the batch, nats per image.
        recon_loss, kl: of each face, nats; None where the network has no decoder, `kl` also where it is deterministic.
        kl_per_dim: mean over the faces of each latent's KL, nats.
        classification_loss: cross-entropy of each picture, face or not, nats; None where there is no detector.
        mu: posterior means of the faces, for resampling.
        terms: whatever else was weighed or is worth a curve, by its name in the metrics; per picture or of the batch.
    """

    loss: Float[Tensor, ""]
    recon_loss: Float[Tensor, " faces"] | None = None
    kl: Float[Tensor, " faces"] | None = None
    kl_per_dim: Float[Tensor, " latent"] | None = None
    classification_loss: Float[Tensor, " batch"] | None = None
    mu: Float[Tensor, "faces latent"] | None = None
    terms: Mapping[str, Float[Tensor, "..."]] = field(default_factory=dict)

    @property
    def neg_elbo(self) -> Float[Tensor, " faces"] | None:
        """recon_loss + kl: minus the evidence lower bound of each face, nats, whatever beta trains with."""
        return None if self.recon_loss is None or self.kl is None else self.recon_loss + self.kl


def charged_kl(posterior: DiagonalGaussian, free_bits: float) -> PerImage:
    """KL of each picture where every latent costs at least `free_bits` nats.

    Source: Kingma et al., Inverse Autoregressive Flow (2016), appendix C.8.
    Differs: the floor holds for each picture, not for the minibatch mean, so the value does not depend on the batch.
    """
    per_dim = posterior.kl_per_dim()
    return (per_dim.clamp(min=free_bits) if free_bits > 0 else per_dim).sum(1)


def classification_nll(face_logit: PerImage, num_faces: int) -> PerImage:
    """Cross-entropy of each picture; the first `num_faces` are faces, the rest are not."""
    is_face = torch.zeros_like(face_logit)
    is_face[:num_faces] = 1.0
    return F.binary_cross_entropy_with_logits(face_logit, is_face, reduction="none")
