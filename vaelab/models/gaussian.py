"""The diagonal Gaussian posterior: the only place that turns a log-variance into a deviation, a sample or a KL."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

LOWEST_LOGVAR = -20.0


@dataclass(frozen=True)
class DiagonalGaussian:
    """q(z given x) = N(mu, diag(exp(logvar))), one row per picture.

    Source: Kingma and Welling, Auto-Encoding Variational Bayes (2014), section 3 and appendix B.
    """

    mu: Float[Tensor, "batch latent"]
    logvar: Float[Tensor, "batch latent"]

    @classmethod
    def from_parameters(cls, parameters: Float[Tensor, "batch two_latent"]) -> "DiagonalGaussian":
        """The posterior whose `mu` is the first half of a network's output and `logvar` the second.

        `logvar` is kept within -20..20 (a deviation of 5e-5 to 2e4), so that one wild batch cannot overflow.
        """
        mu, logvar = parameters.float().chunk(2, dim=1)
        return cls(mu, logvar.clamp(LOWEST_LOGVAR, -LOWEST_LOGVAR))

    @classmethod
    def point(cls, mu: Float[Tensor, "batch latent"]) -> "DiagonalGaussian":
        """All mass at `mu`, as nearly as the kept range of `logvar` can say: a deviation of 5e-5."""
        return cls(mu, torch.full_like(mu, LOWEST_LOGVAR))

    def __getitem__(self, rows: slice) -> "DiagonalGaussian":
        """The posteriors of some of the pictures."""
        return DiagonalGaussian(self.mu[rows], self.logvar[rows])

    @property
    def std(self) -> Float[Tensor, "batch latent"]:
        """Standard deviation of each latent."""
        return torch.exp(0.5 * self.logvar)

    def sample(self, eps: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch latent"]:
        """z = mu + std * eps (equation 10); the noise comes from a named stream, so a step can be repeated."""
        return self.mu + self.std * eps

    def kl_per_dim(self) -> Float[Tensor, "batch latent"]:
        """KL to N(0, 1) of each latent, in nats."""
        return 0.5 * (self.logvar.exp() + self.mu.square() - 1.0 - self.logvar)

    def kl(self) -> Float[Tensor, " batch"]:
        """KL to N(0, I) of each picture, in nats."""
        return self.kl_per_dim().sum(dim=1)
