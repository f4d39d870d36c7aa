"""The ways a VAE makes a face: from a face, from a prior, from between two faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vaelab.errors import ConfigError
from vaelab.inference import FaceModel
from vaelab.rng import numpy_generator

Latents = Float[np.ndarray, "n latent"]

PRIORS = ("standard", "fitted", "mixture", "second-stage")
"""Priors to draw from, as far as the model has them."""


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


def ways_of(model: FaceModel, mu: Latents, seed: int) -> tuple[list[Way], dict[str, str]]:
    """All ways that `model` has for len(mu) pictures, and why it lacks the others.

    Args:
        mu: posterior means of held-out faces: what is reconstructed and interpolated.
    """
    ways = [Way("reconstruct", "held-out faces through the model, from mu", mu, is_paired=True)]
    missing = {}
    for prior in PRIORS:
        try:
            z = model.sample_latents(len(mu), seed, prior)
        except ConfigError as error:
            missing[prior] = str(error)
            continue
        words = "latents from N(0, I)" if prior == "standard" else f"latents from the {prior} prior"
        ways.append(Way(f"prior_{prior.replace('-', '_')}", words, z))
    ways.append(Way("interpolate", "halfway between pairs of held-out faces, on the great circle", midpoints(mu, seed)))
    return ways, missing


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
