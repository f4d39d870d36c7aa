"""What comes back of a drawn latent: known matrices are found, ignored latents count for nothing."""

import numpy as np

from vaelab.evaluation.response import measured_response
from vaelab.rng import numpy_generator

LATENT = 6


def test_the_response_of_a_linear_painter_is_found() -> None:
    random = numpy_generator(0, "painter")
    mu = random.standard_normal((300, LATENT)).astype(np.float32)
    matrix = random.standard_normal((LATENT, LATENT))

    def redrawn(z: np.ndarray) -> np.ndarray:
        return (z @ matrix.T + 3.0).astype(np.float32)

    np.testing.assert_allclose(measured_response(redrawn, mu, np.full(LATENT, 0.1, np.float32)), matrix, atol=0.01)


def test_a_latent_that_is_not_drawn_has_a_column_of_zeros() -> None:
    """Also one whose posterior means hardly differ: its deviation is drawn with it."""
    mu = numpy_generator(0, "faces").standard_normal((300, LATENT)).astype(np.float32)
    mu[:, 3:] *= 0.01
    std = np.array([0.1, 0.1, 0.1, 1, 1, 1], np.float32)
    drawn = np.array([1, 1, 1, 0, 0, 0], np.float32)
    np.testing.assert_allclose(measured_response(lambda z: z * drawn, mu, std), np.diag(drawn), atol=0.01)
    np.testing.assert_allclose(measured_response(np.zeros_like, mu, std), 0.0, atol=1e-6)


def test_a_latent_that_hardly_varies_is_no_slope_of_noise() -> None:
    """Of a deterministic encoder: the picture is rounded, so what is read of it differs by chance."""
    random = numpy_generator(0, "noise")
    mu = random.standard_normal((300, LATENT)).astype(np.float32)
    mu[:, 0] *= 1e-3

    def redrawn(z: np.ndarray) -> np.ndarray:
        return (z + 0.05 * random.standard_normal(z.shape)).astype(np.float32)

    assert np.abs(measured_response(redrawn, mu, np.full(LATENT, 5e-5, np.float32))[:, 0]).max() < 0.05
