"""Priors: where faces are drawn from. N(0, I) as trained, and what was fitted to the latents of encoded faces.

A VAE draws from N(0, I), but its encoder fills that Gaussian unevenly, so some draws fall where no face was ever
encoded and the decoder was never trained. Fitting the draw to the aggregate posterior, the mixture over faces of
q(z given x), closes those holes without touching the network.
Source: Hoffman and Johnson, ELBO surgery (2016); Ghosh et al., From Variational to Deterministic Autoencoders (2020),
section 4; Dai and Wipf, Diagnosing and Enhancing VAE Models (2019), section 5.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vaelab.rng import numpy_generator

Latents = Float[np.ndarray, "batch latent"]
PerLatent = Float[np.ndarray, " latent"]
PerImage = Float[np.ndarray, " batch"]
Square = Float[np.ndarray, "latent latent"]
Axes = Float[np.ndarray, "latent 2"]

PRIORS: dict[str, str] = {
    "standard": "N(0, I), the prior of training",
    "fitted": "one Gaussian with full covariance",
    "mixture": "a mixture of Gaussians with full covariances",
    "second-stage": "a second, small VAE over the latents of the first",
}
"""Every prior a model may have, and what it is; the plainest first."""
PLANE_DRAWS = 2000
"""Gaussians that stand for the second stage on a plane."""
GAUSSIANS_AT_ONCE = 100
"""Of which a density is taken; all at once would take hundreds of megabytes."""


@dataclass(frozen=True, eq=False)
class PlaneMixture:
    """A prior seen on a plane: a mixture of two-dimensional Gaussians.

    Attributes:
        weights: (gaussians,), adding up to 1.
        means: (gaussians, 2).
        covariances: (gaussians, 2, 2).
    """

    weights: Float[np.ndarray, " gaussians"]
    means: Float[np.ndarray, "gaussians 2"]
    covariances: Float[np.ndarray, "gaussians 2 2"]

    def density(self, points: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, " points"]:
        """Probability per unit of area at each point; 0 everywhere at temperature 0, where it has no area."""
        determinants = np.linalg.det(self.covariances)
        solid = determinants > 0.0
        heights = self.weights[solid] / (2 * math.pi * np.sqrt(determinants[solid]))
        inverses, means = np.linalg.inv(self.covariances[solid]), self.means[solid]
        total = np.zeros(len(points))
        for start in range(0, len(heights), GAUSSIANS_AT_ONCE):
            some = slice(start, start + GAUSSIANS_AT_ONCE)
            x, y = (points[:, axis] - means[some, axis, None] for axis in (0, 1))
            xx, xy, yy = (inverses[some, i, j, None] for i, j in ((0, 0), (0, 1), (1, 1)))
            exponents = (xx * x * x + 2 * xy * x * y + yy * y * y) / 2
            total += heights[some] @ np.exp(-exponents)
        return total


class Prior(abc.ABC):
    """Something that latents are drawn from."""

    @abc.abstractmethod
    def draw(self, noise: Latents, seed: int, temperature: float) -> Latents:
        """Latents made from standard normal `noise`, float32; the same noise gives related faces in every prior.

        Args:
            seed: of whatever else is drawn, which component for example.
            temperature: factor on every Gaussian deviation; 0 gives the centre of what was drawn, 1 the prior.
        """

    @abc.abstractmethod
    def on_plane(self, axes: Axes, temperature: float) -> PlaneMixture:
        """The distribution of `z @ axes`, exactly; of a second stage, over PLANE_DRAWS draws of its inner latent."""


@dataclass(frozen=True, eq=False)
class Standard(Prior):
    """N(0, I) over `latent` numbers."""

    latent: int

    def draw(self, noise: Latents, seed: int, temperature: float) -> Latents:
        return np.asarray(noise * temperature, np.float32)

    def on_plane(self, axes: Axes, temperature: float) -> PlaneMixture:
        return PlaneMixture(np.ones(1), np.zeros((1, 2)), temperature**2 * (axes.T @ axes)[None])

    def log_density(self, z: Latents) -> PerImage:
        """log N(z; 0, I), nats."""
        return gaussian_log_density(z, np.zeros(self.latent), np.eye(self.latent))


@dataclass(frozen=True, eq=False)
class Gaussian(Prior):
    """N(mean, factor @ factor.T), its factor lower triangular."""

    mean: PerLatent
    factor: Square

    def draw(self, noise: Latents, seed: int, temperature: float) -> Latents:
        return np.asarray(self.mean + (noise * temperature) @ self.factor.T, np.float32)

    def on_plane(self, axes: Axes, temperature: float) -> PlaneMixture:
        across = temperature * (axes.T @ self.factor)
        return PlaneMixture(np.ones(1), (self.mean @ axes)[None], (across @ across.T)[None])

    def log_density(self, z: Latents) -> PerImage:
        """Log density, nats."""
        return gaussian_log_density(z, self.mean, self.factor)


@dataclass(frozen=True, eq=False)
class Mixture(Prior):
    """A mixture of Gaussians with full covariances.

    Attributes:
        weights: (components,), adding up to 1; means: (components, latent).
        factors: (components, latent, latent), lower triangular roots of the covariances.
    """

    weights: Float[np.ndarray, " components"]
    means: Float[np.ndarray, "components latent"]
    factors: Float[np.ndarray, "components latent latent"]

    def draw(self, noise: Latents, seed: int, temperature: float) -> Latents:
        """See `Prior.draw`; at temperature 0 the means of the components are drawn, not one average face."""
        levels = np.cumsum(self.weights.astype(np.float64))
        uniform = numpy_generator(seed, "sample", "component").random(len(noise)) * levels[-1]
        chosen = np.minimum(np.searchsorted(levels, uniform, side="right"), len(levels) - 1)
        z = np.empty(noise.shape)
        for component in np.unique(chosen):
            rows = chosen == component
            z[rows] = self.means[component] + (noise[rows] * temperature) @ self.factors[component].T
        return z.astype(np.float32)

    def on_plane(self, axes: Axes, temperature: float) -> PlaneMixture:
        across = temperature * (axes.T @ self.factors)
        return PlaneMixture(self.weights, self.means @ axes, across @ across.transpose(0, 2, 1))

    def log_density(self, z: Latents) -> PerImage:
        """Log density, nats."""
        parts = [
            math.log(max(float(weight), 1e-300)) + gaussian_log_density(z, mean, factor)
            for weight, mean, factor in zip(self.weights, self.means, self.factors, strict=True)
        ]
        return np.asarray(np.logaddexp.reduce(parts, axis=0))


@dataclass(frozen=True, eq=False)
class SecondStage(Prior):
    """The decoder of a second VAE: u from N(0, I), then z = mean + factor @ (centre(u) + deviation(u) * noise).

    Attributes:
        mean, factor: the Gaussian whose whitened coordinates it works in.
        weights, biases: of the network's layers, (inputs, outputs) and (outputs,), with ReLU between them; the last
            gives the centre and the logarithm of the deviation of each coordinate.
    """

    mean: PerLatent
    factor: Square
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def draw(self, noise: Latents, seed: int, temperature: float) -> Latents:
        inner = numpy_generator(seed, "sample", "second stage").standard_normal(noise.shape)
        centre, deviation = self.decoded(inner * temperature)
        w = centre + deviation * noise * temperature
        return np.asarray(self.mean + w @ self.factor.T, np.float32)

    def on_plane(self, axes: Axes, temperature: float) -> PlaneMixture:
        inner = numpy_generator(0, "second stage on a plane").standard_normal((PLANE_DRAWS, len(self.mean)))
        centre, deviation = self.decoded(inner * temperature)
        across = axes.T @ self.factor
        spread = temperature * across * deviation[:, None, :]
        means = self.mean @ axes + centre @ across.T
        return PlaneMixture(np.full(PLANE_DRAWS, 1 / PLANE_DRAWS), means, spread @ spread.transpose(0, 2, 1))

    def decoded(self, inner: Latents) -> tuple[Latents, Latents]:
        """Centre and deviation that the network gives each inner latent, in whitened coordinates."""
        hidden = inner
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight + bias, 0.0)
        centre, log_deviation = np.split(hidden @ self.weights[-1] + self.biases[-1], 2, axis=1)
        return centre, np.exp(log_deviation)


def whitened(z: Latents, mean: PerLatent, factor: Square) -> Latents:
    """`z` in the coordinates in which N(mean, factor @ factor.T) is N(0, I), float64."""
    centred = z.astype(np.float64) - mean
    return np.asarray(np.linalg.solve(factor.astype(np.float64), centred.T).T)


def gaussian_log_density(z: Latents, mean: PerLatent, factor: Square) -> PerImage:
    """Log density of N(mean, factor @ factor.T) at each z, nats; `factor` is lower triangular."""
    squares = np.square(whitened(z, mean, factor)).sum(axis=1)
    log_volume = float(np.log(np.abs(np.diag(factor))).sum())
    return np.asarray(-0.5 * squares - log_volume - 0.5 * len(mean) * math.log(2 * math.pi))
