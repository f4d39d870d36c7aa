"""The second stage: begins as the Gaussian it whitens with, and learns what no Gaussian says."""

import math

import numpy as np
import pytest

from vaelab.evaluation.priors import Gaussian, whitened
from vaelab.rng import numpy_generator
from vaelab.training import second_stage
from vaelab.training.second_stage import fit_second_stage

LATENT, FACES = 4, 4000


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_stage, "WIDTH", 64)
    monkeypatch.setattr(second_stage, "NUM_SEEN", 120_000)


def gaussian_of(z: np.ndarray) -> Gaussian:
    factor = np.linalg.cholesky(np.cov(z.astype(float), rowvar=False))
    return Gaussian(z.mean(axis=0), factor.astype(np.float32))


def spread_unevenly(name: str) -> np.ndarray:
    """Half of the faces near the middle, half three times as far out: no Gaussian, though none of it is skewed."""
    random = numpy_generator(0, name)
    scale = np.where(np.arange(FACES) % 2, 0.5, 1.5)[:, None]
    mixing = np.array([[1, 0, 0, 0], [0.5, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0.3, 1]])
    return (random.standard_normal((FACES, LATENT)) * scale @ mixing.T + 1).astype(np.float32)


def test_it_learns_what_a_gaussian_cannot_say() -> None:
    z, held_out = spread_unevenly("fitted"), spread_unevenly("held out")
    whitening = gaussian_of(z)
    fitted = fit_second_stage(z, np.full_like(z, 0.01), whitening)
    gain = fitted.log_density_bound(held_out) - whitening.log_density(held_out)
    assert gain.mean() > 0.15
    drawn = fitted.prior.draw(numpy_generator(1, "noise").standard_normal((FACES, LATENT)), 0, 1.0)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.cov(held_out, rowvar=False), atol=0.6)
    lengths = [np.linalg.norm(whitened(side, whitening.mean, whitening.factor), axis=1) for side in (drawn, held_out)]
    assert np.quantile(lengths[0], 0.25) == pytest.approx(np.quantile(lengths[1], 0.25), rel=0.15)


def test_where_all_is_gaussian_the_bound_stays_below_the_truth() -> None:
    random = numpy_generator(0, "gaussian")
    z, held_out = (random.standard_normal((FACES, LATENT)).astype(np.float32) for _ in range(2))
    bound = fit_second_stage(z, np.full_like(z, 1e-3), gaussian_of(z)).log_density_bound(held_out)
    truth = -0.5 * np.square(held_out).sum(axis=1) - 0.5 * LATENT * math.log(2 * math.pi)
    assert truth.mean() - 0.15 < bound.mean() < truth.mean() + 0.02


def test_the_same_posteriors_give_the_same_second_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_stage, "NUM_SEEN", 2560)
    z = spread_unevenly("fitted")
    one, other = (fit_second_stage(z, np.full_like(z, 0.1), gaussian_of(z)).prior for _ in range(2))
    for first, second in zip(one.weights, other.weights, strict=True):
        assert np.array_equal(first, second)
    assert not np.array_equal(
        one.weights[0], fit_second_stage(z, np.full_like(z, 0.1), gaussian_of(z), 1).prior.weights[0]
    )
