"""How much of each latent comes back from a picture that was drawn of it, encoded anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from vaelab.rng import numpy_generator

Latents = Float[np.ndarray, "faces latent"]
Response = Float[np.ndarray, "latent latent"]

NUM_DRAWN = 1000
"""Pictures to measure it on; eight for each latent where that is more."""
RIDGE = 1e-3
"""Share of the mean variance: a latent that varies far less than others, as some of a deterministic encoder, counts
for nothing, as its slopes would be those of rounded pixels."""


def measured_response(
    redrawn: Callable[[Latents], Latents], mu: Latents, posterior_std: Float[np.ndarray, " latent"]
) -> Response:
    """The matrix with which `redrawn(z)` is about `response @ z` + a constant, for each face.

    The identity where pictures tell all of z; the column of a latent that the decoder ignores is 0. Ridge regression
    over latents drawn from the aggregate posterior, as a decoder meets them in training.

    Args:
        redrawn: posterior means of the pictures of latents.
        mu: posterior means of faces.
        posterior_std: root of the mean posterior variance of each latent.
    """
    random = numpy_generator(0, "response")
    rows = random.integers(len(mu), size=max(NUM_DRAWN, 8 * mu.shape[1]))
    z = (mu[rows] + posterior_std * random.standard_normal((len(rows), mu.shape[1]))).astype(np.float32)
    drawn, seen = z.astype(np.float64), redrawn(z).astype(np.float64)
    drawn, seen = drawn - drawn.mean(axis=0), seen - seen.mean(axis=0)
    squares = drawn.T @ drawn
    squares += RIDGE * np.diag(squares).mean() * np.eye(len(squares))
    return np.asarray(np.linalg.solve(squares, drawn.T @ seen).T)
