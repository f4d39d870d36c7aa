"""Holes: found where they were made, and nearly none under a prior that is where the faces are."""

import numpy as np
import pandas as pd
import pytest

from vaelab.errors import ConfigError
from vaelab.evaluation.holes import (
    Surroundings,
    aggregate_variance,
    at_point,
    least_normal,
    nearest_distance,
    principal_axes,
)
from vaelab.evaluation.latents import StoredLatents
from vaelab.rng import numpy_generator

LATENT, FACES = 4, 3000


def stored(mu: np.ndarray, std: float = 0.3) -> StoredLatents:
    labels = pd.DataFrame({"image_id": [str(row) for row in range(len(mu))]})
    mu = mu.astype(np.float32)
    return StoredLatents.fit(mu, np.full_like(mu, std), labels, np.arange(len(mu)), "abc")


@pytest.fixture(scope="module")
def ring() -> np.ndarray:
    """Means on a ring of radius 3 in the first two latents: the middle is a hole."""
    random = numpy_generator(0, "ring")
    mu = 0.3 * random.standard_normal((FACES, LATENT))
    angle = random.uniform(0, 2 * np.pi, FACES)
    mu[:, :2] += 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return mu


def test_the_nearest_distance_is_that_of_a_plain_loop(ring: np.ndarray) -> None:
    z, known = ring[:700].astype(np.float32), ring[:900].astype(np.float32)
    loop = [np.linalg.norm(known - one, axis=1).min() for one in z[:20] + 1]
    np.testing.assert_allclose(nearest_distance(z + 1, known)[:20], loop, rtol=1e-3)
    assert nearest_distance(z, known).max() < 0.01
    others = [np.sort(np.linalg.norm(known - one, axis=1))[1] for one in z]
    np.testing.assert_allclose(nearest_distance(z, known, same_rows=True), others, rtol=1e-2, atol=1e-3)


def test_draws_in_a_hole_are_told_from_draws_among_faces(ring: np.ndarray) -> None:
    around = Surroundings.of(stored(ring))
    assert around.in_holes(np.zeros((50, LATENT), np.float32)).rate == 1.0
    noise = numpy_generator(1, "again").standard_normal(ring.shape)
    among = around.in_holes((ring + 0.3 * noise).astype(np.float32))
    assert among.rate < 0.03
    assert among.low <= among.rate <= among.high
    standard = around.in_holes(noise.astype(np.float32))
    assert standard.low > among.high


def test_faces_beyond_a_thin_shell_are_left_out() -> None:
    random = numpy_generator(0, "shell")
    scale = np.where(np.arange(FACES) % 2, 1.0, 4.0)[:, None]
    around = Surroundings.of(stored(random.standard_normal((FACES, LATENT)) * scale, std=0.01))
    draws = random.standard_normal((4000, LATENT)).astype(np.float32)
    assert 0.3 < around.left_out(draws).rate < 0.5
    assert around.left_out(around.drawn).rate == pytest.approx(0.01, abs=0.002)


def test_variance_is_parted_between_and_within_faces(ring: np.ndarray) -> None:
    between, within = aggregate_variance(stored(ring, std=0.5))
    np.testing.assert_allclose(between, ring.var(axis=0), rtol=0.01)
    np.testing.assert_allclose(within, 0.25, rtol=1e-5)


def test_the_plane_is_where_the_faces_spread(ring: np.ndarray) -> None:
    axes = principal_axes(stored(ring))
    np.testing.assert_allclose(axes.T @ axes, np.eye(LATENT), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(axes[:2, :2], axis=0), 1.0, atol=0.01)
    z = at_point(np.ones(LATENT, np.float32), axes[:, :2], (2.0, -1.0))
    np.testing.assert_allclose(z @ axes, [2.0, -1.0, *(np.ones(LATENT) @ axes)[2:]], atol=1e-5)


def test_latents_are_ordered_by_how_far_from_normal_they_are() -> None:
    z = numpy_generator(0, "columns").standard_normal((FACES, 3)).astype(np.float32)
    z[:, 1] += 2
    z[:, 2] *= 1.5
    assert least_normal(z).tolist() == [1, 2, 0]


def test_a_handful_of_faces_says_nothing_about_holes(ring: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="50 faces are stored"):
        Surroundings.of(stored(ring[:50]))
