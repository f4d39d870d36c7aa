"""From the latents of the training faces to how often each face is drawn: the resampling of the DB-VAE.

A face is rare when its latents fall into thinly filled bins. Per latent, a density histogram over all faces gives
each face a rarity 1 / (density + alpha); an aggregation combines the rarities over latents; the result, normalised,
is the probability with which the face is drawn.

Source: Amini et al., Uncovering and Mitigating Algorithmic Bias through Learned Latent Structure (AIES 2019),
section 3.3; MIT 6.S191 lab 2 (`max`); FacialDebiasing, a replication (`max5`, `gaussian`).
Differs: latents are standardised before binning, since alpha is not scale-free; inactive ones are left out;
products are taken in log space; `tempered` is ours (see `tempered_probs`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr

from vaelab.errors import TrainingDiverged
from vaelab.settings import DebiasConfig

Latents = Float[np.ndarray, "faces latent"]
PerFace = Float[np.ndarray, " faces"]

FEW_EDGES = 128
"""Up to so many, comparing all values with each edge is faster than searching; with nine, eight times."""


@dataclass(frozen=True)
class Resampling:
    """How the faces are drawn from now on.

    Attributes:
        sample_probs: probability of each training face; sums to 1.
        num_active: latents that took part.
    """

    sample_probs: PerFace
    num_active: int

    @property
    def effective_sample_size(self) -> float:
        """1 / sum p^2: how many equally likely faces would vary as much. Unit: faces."""
        return float(1.0 / np.square(self.sample_probs).sum())

    @property
    def effective_share(self) -> float:
        """`effective_sample_size` over the number of faces; 1 is uniform."""
        return self.effective_sample_size / len(self.sample_probs)


def resampling(mu: Latents, config: DebiasConfig, std: Latents | None = None) -> Resampling:
    """Draw probabilities of the faces whose posterior means are `mu` (and deviations `std`, for `gaussian`).

    Beside `mu` it needs memory for a few numbers per face, whatever the number of latents.

    Raises:
        TrainingDiverged: the effective sample size is below the floor `min_effective_share`, or a latent is not finite.
    """
    num_faces = len(mu)
    columns = np.ascontiguousarray(mu.T)
    if not all(np.isfinite(column).all() for column in columns):
        raise TrainingDiverged("a posterior mean is not a finite number; lower the learning rate and resume")
    active = np.flatnonzero([column.var() >= config.inactive_variance for column in columns])
    if config.aggregation == "none" or not len(active):
        return Resampling(np.full(num_faces, 1.0 / num_faces), len(active))
    histograms = (Histogram.of(columns[latent], config, None if std is None else std[:, latent]) for latent in active)
    log_weight = _aggregate(histograms, config.aggregation)
    tempered = config.aggregation == "tempered"
    probs = tempered_probs(log_weight, config.effective_share) if tempered else _softmax(log_weight)
    result = Resampling(probs, len(active))
    if result.effective_share < config.min_effective_share:
        raise TrainingDiverged(
            f"resampling by {config.aggregation} leaves an effective sample of {result.effective_sample_size:.0f} of "
            f"{num_faces} faces ({result.effective_share:.2%}), below min_effective_share "
            f"{config.min_effective_share:.2%}; raise alpha, or use aggregation tempered with a wanted effective_share"
        )
    return result


@dataclass(frozen=True, eq=False)
class Histogram:
    """One latent over the faces, in bins; the outer ones are open.

    Attributes:
        inner_edges: between the bins.
        places: bin of each face.
        counts: faces in each bin.
        log_rarity: of each bin, log 1 / (density + alpha), normalised as a density.
    """

    inner_edges: Float[np.ndarray, " edges"]
    places: Int[np.ndarray, " faces"]
    counts: Int[np.ndarray, " bins"]
    log_rarity: Float[np.ndarray, " bins"]

    @classmethod
    def of(cls, column: PerFace, config: DebiasConfig, std: PerFace | None = None) -> Histogram:
        """The histogram of one latent's posterior means; `alpha` is added to a density per unit of the latent, or per
        deviation of it where `standardise` is set.

        Args:
            std: the posteriors' deviations, for `gaussian`.
        """
        edges = np.histogram_bin_edges(column, bins=config.bins)
        places = _places(edges[1:-1], column)
        counts = np.bincount(places, minlength=config.bins)
        share = counts / len(column)
        if config.aggregation == "gaussian" and std is not None:
            share = _posterior_share(column, std, edges)
        deviation = float(column.std()) if config.standardise else 0.0
        width = float(edges[1] - edges[0]) / (deviation or 1.0)
        density = share / width + config.alpha
        density /= density.sum() * width
        return cls(edges[1:-1], places, counts, -np.log(density))

    @property
    def log_rarity_of_all(self) -> float:
        """Log of the sum of all faces' rarities: of a bin's faces each has the same, so the counts know it."""
        filled = self.counts > 0  # whose density is at least a face's share, so that no exponential overflows
        return float(np.log(np.exp(self.log_rarity[filled]) @ self.counts[filled]))

    def log_rarity_at(self, column: PerFace) -> PerFace:
        """Log rarity that other faces have in this histogram."""
        return np.asarray(self.log_rarity[_places(self.inner_edges, column)])


def log_rarities(
    mu: Latents, config: DebiasConfig, others: Float[np.ndarray, "others latent"]
) -> Float[np.ndarray, "others latent"]:
    """log 1 / (smoothed density) of each of `others` in the histograms of `mu`, per latent."""
    result = np.empty_like(others, dtype=np.float64)
    for latent in range(mu.shape[1]):
        histogram = Histogram.of(np.ascontiguousarray(mu[:, latent]), config)
        result[:, latent] = histogram.log_rarity_at(others[:, latent])
    return result


def tempered_probs(log_weight: PerFace, effective_share: float) -> PerFace:
    """exp(t * log_weight), normalised, with the power t at which the effective sample size is the wanted share.

    One knob that means the same for every latent size: 1 draws uniformly, smaller shares follow the rarity harder.
    Ties at the top bound what can be reached; then t is the largest tried (1e4) and the share stays above the wish.
    """

    def share_error(log_power: float) -> float:
        return float(_log_effective_share(np.exp(log_power) * log_weight) - np.log(effective_share))

    if effective_share >= 1.0 or np.ptp(log_weight) == 0.0:
        return np.full(len(log_weight), 1.0 / len(log_weight))
    low, high = np.log(1e-8), np.log(1e4)
    if share_error(high) > 0:
        return _softmax(np.exp(high) * log_weight)
    return _softmax(np.exp(brentq(share_error, low, high, xtol=1e-6)) * log_weight)


def _aggregate(histograms: Iterable[Histogram], aggregation: str) -> PerFace:
    """One log weight per face, latent after latent, so that no rarity is kept longer than it is needed.

    Each latent's rarities are first normalised over the faces, as the lab does; a product does not feel it.
    """
    kept = {"max": 1, "max5": 5}.get(aggregation, 0)  # gaussian is a product over histograms of the posteriors
    largest: list[PerFace] = []
    total: PerFace = np.zeros(1)
    for histogram in histograms:
        mine = (histogram.log_rarity - histogram.log_rarity_of_all)[histogram.places]
        if not kept:
            total = total + mine
        for place, before in enumerate(largest):  # the largest stands first; what it pushes out goes on to the next
            largest[place], mine = np.maximum(before, mine), np.minimum(before, mine)
        if len(largest) < kept:
            largest.append(mine)
    return np.sum(largest, axis=0) if kept else total


def _places(inner_edges: Float[np.ndarray, " edges"], column: PerFace) -> Int[np.ndarray, " rows"]:
    """Bin of each value; a value on an edge belongs to the bin above it."""
    if len(inner_edges) > FEW_EDGES:
        return np.searchsorted(inner_edges, column, side="right")
    places = np.zeros(len(column), np.int16)
    for edge in inner_edges:
        places += column >= edge
    return places


def _posterior_share(mu: PerFace, std: PerFace, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, " bins"]:
    """Share of all the faces' posterior mass in each bin, outer bins open."""
    inner = ndtr((edges[None, 1:-1] - mu[:, None]) / std[:, None]).mean(axis=0)
    return np.diff(np.concatenate([[0.0], inner, [1.0]]))


def _softmax(log_weight: PerFace) -> PerFace:
    return np.asarray(np.exp(log_weight - logsumexp(log_weight)))


def _log_effective_share(log_weight: PerFace) -> float:
    log_probs = log_weight - logsumexp(log_weight)
    return float(-logsumexp(2 * log_probs) - np.log(len(log_weight)))
