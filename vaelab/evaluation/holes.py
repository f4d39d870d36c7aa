"""Where a prior and the encoded faces part: draws in holes between faces, and faces that the prior leaves out.

Everything follows from the stored latents, without a data set. Faces are compared as draws from their posteriors, as a
prior's latents are draws too: under a prior equal to the aggregate posterior both shares below would be 1 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Int

from vaelab.errors import ConfigError
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.priors import Axes, Latents, PerImage, PerLatent
from vaelab.evaluation.rates import Rate, rate
from vaelab.rng import numpy_generator

TAIL = 0.01
"""Share of faces that are farther from all others than what is called a hole, and that a perfect prior leaves out."""
MIN_FACES = 100
ROWS = 500
"""Latents whose distances are computed at once."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The encoded faces around which a prior draws.

    Attributes:
        mu: posterior means of the stored faces; `drawn`: one draw from each one's posterior, in the same order.
        reach: the distance to the nearest other face's mean that TAIL of the faces exceed.
    """

    mu: Latents
    drawn: Latents
    reach: float

    @classmethod
    def of(cls, latents: StoredLatents) -> Surroundings:
        """The surroundings that the stored faces make; each face's own mean is left out of its distance.

        Raises:
            ConfigError: fewer than MIN_FACES are stored.
        """
        if len(latents.mu) < MIN_FACES:
            raise ConfigError(
                f"{len(latents.mu)} faces are stored, which leave holes everywhere; encode at least {MIN_FACES}"
            )
        noise = numpy_generator(0, "posterior draws").standard_normal(latents.mu.shape)
        drawn = np.asarray(latents.mu + latents.posterior_std * noise, np.float32)
        distances = nearest_distance(drawn, latents.mu, same_rows=True)
        return cls(latents.mu, drawn, float(np.quantile(distances, 1 - TAIL)))

    def in_holes(self, z: Latents) -> Rate:
        """The share of latents farther from every encoded face than 99 % of faces are from every other."""
        return rate(int((nearest_distance(z, self.mu) > self.reach).sum()), len(z))

    def left_out(self, z: Latents) -> Rate:
        """The share of faces whose distance from 0 is outside the range in which 99 % of the draws `z` are.

        In many dimensions a Gaussian's draws all lie on a thin shell; faces whose latents are shorter or longer are
        ones it practically never draws.
        """
        low, high = np.quantile(np.linalg.norm(z, axis=1), [TAIL / 2, 1 - TAIL / 2])
        lengths = np.linalg.norm(self.drawn, axis=1)
        return rate(int(((lengths < low) | (lengths > high)).sum()), len(lengths))


def nearest_distance(z: Latents, known: Float[np.ndarray, "faces latent"], same_rows: bool = False) -> PerImage:
    """Euclidean distance of each latent to the nearest of `known`, which must not be empty.

    Args:
        same_rows: `z` belongs to `known` row by row; a row's own is left out.
    """
    squared = np.square(known).sum(axis=1)
    distances = np.empty(len(z))
    for start in range(0, len(z), ROWS):
        part = z[start : start + ROWS]
        table = np.square(part).sum(axis=1)[:, None] - 2 * part @ known.T + squared
        if same_rows:
            table[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        distances[start : start + ROWS] = np.sqrt(np.maximum(table.min(axis=1), 0.0))
    return distances


def aggregate_variance(latents: StoredLatents) -> tuple[PerLatent, PerLatent]:
    """Variance of `mu` over the encoded faces, and mean posterior variance, of each latent.

    Their sum is the variance of the aggregate posterior, which N(0, I) takes to be 1.
    """
    total = np.square(latents.prior_factor.astype(np.float64)).sum(axis=1)
    within = np.square(latents.posterior_std.astype(np.float64))
    return np.maximum(total - within, 0.0), within


def principal_axes(latents: StoredLatents) -> Float[np.ndarray, "latent latent"]:
    """Orthonormal principal axes of the stored means as columns, the widest first."""
    centred = latents.mu.astype(np.float64) - latents.mu.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.asarray(vectors[:, ::-1])


def at_point(centre: PerLatent, axes: Axes, point: tuple[float, float]) -> PerLatent:
    """The latent nearest to `centre` whose coordinates on the plane are `point`."""
    return np.asarray(centre + axes @ (np.asarray(point) - centre @ axes), np.float32)


def least_normal(z: Latents) -> Int[np.ndarray, " latent"]:
    """Latents in order of how far the distribution of their column is from N(0, 1): mean distance of quantiles."""
    shares = (np.arange(len(z)) + 0.5) / len(z)
    normal = np.array([NormalDist().inv_cdf(float(share)) for share in shares])
    distances = np.abs(np.sort(z, axis=0) - normal[:, None]).mean(axis=0)
    return np.argsort(-distances, kind="stable")
