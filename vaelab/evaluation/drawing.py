"""How often a DB-VAE would draw each face that it stores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from vaelab.debiasing import resampling
from vaelab.evaluation.latents import StoredLatents
from vaelab.settings import DebiasConfig

PerFace = Float[np.ndarray, " faces"]


def times_fair_share(latents: StoredLatents, config: DebiasConfig) -> PerFace:
    """Draw probability of each stored face among the stored ones, times their number; 1 is uniform.

    The weights that a training used are those of all its faces and are not kept: these are computed in the same way
    from the stored faces, whose histograms stand for theirs. `gaussian` takes the mean posterior deviation of each
    latent for every face. No floor of the effective sample size stops it: nothing is trained by it.
    """
    std = np.broadcast_to(latents.posterior_std, latents.mu.shape)
    probs = resampling(latents.mu, replace(config, min_effective_share=0.0), std).sample_probs
    return np.asarray(probs * len(probs))
