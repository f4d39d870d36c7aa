"""The ways a VAE makes a face: from a face, from a prior, from between two faces."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float

from vaelab.errors import ConfigError
from vaelab.evaluation.latents import StoredLatents
from vaelab.inference import FaceModel
from vaelab.rng import numpy_generator

Latents = Float[np.ndarray, "n latent"]

PRIORS = ("standard", "fitted", "mixture", "second-stage")
"""Priors to draw from, as far as the model has them."""
FACES_PER_LATENT = 10
"""A Gaussian fitted to fewer faces than so many times its latents is too rough to judge the prior by."""


@dataclass(frozen=True)
class Way:
    """One way: its name in reports, what it is in words, and its latents.

    Attributes:
        is_paired: each face was made from the real face of its row.
    """

    name: str
    words: str
    latents: Latents
    is_paired: bool = False


def ways_of(model: FaceModel, mu: Latents, compared: pd.DataFrame, seed: int) -> tuple[list[Way], dict[str, str]]:
    """All ways that `model` has for len(mu) pictures, and why it lacks the others.

    Args:
        mu: posterior means of held-out faces: what is reconstructed and interpolated.
        compared: `image_id` and `split` of these faces; a prior that was fitted to them would be flattered.
    """
    ways = [Way("reconstruct", "held-out faces through the model, from mu", mu, is_paired=True)]
    missing = {}
    for prior in PRIORS:
        try:
            words, source = _without(compared, model, prior)
            z = source.sample_latents(len(mu), seed, prior)
        except ConfigError as error:
            missing[prior] = str(error)
            continue
        ways.append(Way(f"prior_{prior.replace('-', '_')}", f"latents from {words}", z))
    ways.append(Way("interpolate", "halfway between pairs of held-out faces, on the great circle", midpoints(mu, seed)))
    return ways, missing


def _without(compared: pd.DataFrame, model: FaceModel, prior: str) -> tuple[str, FaceModel]:
    """A prior in words, and the model with one that was not fitted to the faces that are compared with.

    Raises:
        ConfigError: there is none.
    """
    if prior == "standard":
        return "N(0, I)", model
    if prior == "fitted" and model.latents is not None:
        latents = _of_others(compared, model, model.latents)
        return f"a Gaussian fitted to {latents.num_encoded:,} other faces", replace(model, latents=latents)
    fitted = model.fitted_priors
    if prior != "fitted" and fitted is not None and fitted.split in set(compared["split"]):
        raise ConfigError(
            f"the {prior} prior was fitted to split {fitted.split}, which has the faces compared with; fit it to "
            f"another one with `python -m vaelab priors {model.run_id} --split`"
        )
    return f"the {prior} prior", model


def _of_others(compared: pd.DataFrame, model: FaceModel, stored: StoredLatents) -> StoredLatents:
    """The stored latents, or where these are of the same split those of other faces alone.

    An id that two data sets share counts as the same face: what is stored does not name its data set.
    """
    if not set(stored.labels["split"]) & set(compared["split"]):
        return stored
    others = np.flatnonzero(~stored.labels["image_id"].isin(compared["image_id"]))
    needed = FACES_PER_LATENT * model.latent_size
    if len(others) < needed:
        raise ConfigError(
            f"of the stored faces {len(others):,} are others than those compared with, and a Gaussian over "
            f"{model.latent_size} latents takes {needed:,}; compare fewer (--num-generated), or store those of "
            f"another split with `python -m vaelab encode {model.run_id} --split`"
        )
    mu = stored.mu[others].astype(np.float32)
    std = np.tile(stored.posterior_std, (len(mu), 1))
    return StoredLatents.fit(mu, std, stored.labels.iloc[others], np.arange(len(mu)), stored.weights_fingerprint)


def midpoints(mu: Latents, seed: int) -> Latents:
    """The middle of the spherical path from each face to another one; every face ends two paths.

    Source: White, Sampling Generative Networks (2016), section 2: slerp at 1/2.
    """
    order = numpy_generator(seed, "pairs").permutation(len(mu))
    first, second = mu[order].astype(np.float64), mu[np.roll(order, 1)].astype(np.float64)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosine = (first * second).sum(axis=1) / np.maximum(lengths, 1e-12)
    # slerp's weights at 1/2: sin(angle / 2) / sin(angle) = 1 / (2 cos(angle / 2)); opposite faces have no shortest path
    half_cosine = np.sqrt(np.maximum((1 + cosine) / 2, 1e-4))
    return np.asarray((first + second) / (2 * half_cosine[:, None]), np.float32)
