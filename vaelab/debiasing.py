"""From the latents of the training faces to how often each face is drawn: the resampling of the DB-VAE.

A face is rare when its latents fall into thinly filled bins. Per latent, a density histogram over all faces gives
each face a rarity 1 / (density + alpha); an aggregation combines the rarities over latents; the result, normalised,
is the probability with which the face is drawn.

Source: Amini et al., Uncovering and Mitigating Algorithmic Bias through Learned Latent Structure (AIES 2019),
section 3.3; MIT 6.S191 lab 2 (`max`); FacialDebiasing, a replication (`max5`, `gaussian`).
Differs: latents are standardised before binning, since alpha is not scale-free; inactive ones are left out;
products are taken in log space; `tempered` is ours (see `tempered_probs`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr

from vaelab.errors import TrainingDiverged
from vaelab.settings import DebiasConfig

Latents = Float[np.ndarray, "faces latent"]
PerFace = Float[np.ndarray, " faces"]


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

    Raises:
        TrainingDiverged: the effective sample size is below the floor `min_effective_share`, or a latent is not finite.
    """
    if not np.isfinite(mu).all():
        raise TrainingDiverged("a posterior mean is not a finite number; lower the learning rate and resume")
    num_faces = len(mu)
    active = mu.var(axis=0) >= config.inactive_variance
    if config.aggregation == "none" or not active.any():
        return Resampling(np.full(num_faces, 1.0 / num_faces), int(active.sum()))
    log_rarity = log_rarities(mu[:, active], config, None if std is None else std[:, active])
    if config.aggregation == "tempered":
        probs = tempered_probs(log_rarity.sum(axis=1), config.effective_share)
    else:
        probs = _softmax(_aggregate(log_rarity, config.aggregation))
    result = Resampling(probs, int(active.sum()))
    if result.effective_share < config.min_effective_share:
        raise TrainingDiverged(
            f"resampling by {config.aggregation} leaves an effective sample of {result.effective_sample_size:.0f} of "
            f"{num_faces} faces ({result.effective_share:.2%}), below min_effective_share "
            f"{config.min_effective_share:.2%}; raise alpha, or use aggregation tempered with a wanted effective_share"
        )
    return result


def log_rarities(
    mu: Latents,
    config: DebiasConfig,
    std: Latents | None = None,
    others: Float[np.ndarray, "others latent"] | None = None,
) -> Float[np.ndarray, "rows latent"]:
    """log 1 / (smoothed density) of each face's bin, per latent; the same for all faces of a bin.

    `alpha` is added to a density per unit of the (standardised) latent. The outer bins are open.

    Args:
        others: faces to find the rarities of in the histograms of `mu`; by default those of `mu` itself.
    """
    if config.standardise:
        centre, scale = mu.mean(axis=0), mu.std(axis=0)
        scale[scale == 0] = 1.0
        std = None if std is None else std / scale
        others = None if others is None else (others - centre) / scale
        mu = (mu - centre) / scale
    asked = mu if others is None else others
    result = np.empty_like(asked, dtype=np.float64)
    for latent in range(mu.shape[1]):
        column = mu[:, latent]
        edges = np.histogram_bin_edges(column, bins=config.bins)
        bins = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, config.bins - 1)
        if config.aggregation == "gaussian" and std is not None:
            share = _posterior_share(column, std[:, latent], edges)
        else:
            share = np.bincount(bins, minlength=config.bins) / len(column)
        width = edges[1] - edges[0]
        density = share / width + config.alpha
        density /= density.sum() * width
        mine = np.clip(np.searchsorted(edges, asked[:, latent], side="right") - 1, 0, config.bins - 1)
        result[:, latent] = -np.log(density[mine])
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


def _aggregate(log_rarity: Latents, aggregation: str) -> PerFace:
    """One log weight per face; each latent's rarities are first normalised over the faces, as the lab does."""
    normalised = log_rarity - logsumexp(log_rarity, axis=0, keepdims=True)
    match aggregation:
        case "max":
            weight = normalised.max(axis=1)
        case "max5":
            weight = np.sort(normalised, axis=1)[:, -5:].sum(axis=1)
        case _:  # product; gaussian is a product over histograms of the posteriors
            weight = normalised.sum(axis=1)
    return np.asarray(weight)


def _posterior_share(mu: PerFace, std: PerFace, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, " bins"]:
    """Share of all the faces' posterior mass in each bin, outer bins open."""
    inner = ndtr((edges[None, 1:-1] - mu[:, None]) / std[:, None]).mean(axis=0)
    return np.diff(np.concatenate([[0.0], inner, [1.0]]))


def _softmax(log_weight: PerFace) -> PerFace:
    return np.asarray(np.exp(log_weight - logsumexp(log_weight)))


def _log_effective_share(log_weight: PerFace) -> float:
    log_probs = log_weight - logsumexp(log_weight)
    return float(-logsumexp(2 * log_probs) - np.log(len(log_weight)))
