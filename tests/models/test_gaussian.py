"""The posterior: its KL and its samples are those of torch.distributions."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaelab.models.gaussian import DiagonalGaussian
from vaelab.rng import generator

BATCH, LATENT = 6, 9


@pytest.fixture
def posterior() -> DiagonalGaussian:
    parameters = torch.randn(BATCH, 2 * LATENT, generator=generator(0, "parameters")) * 2
    return DiagonalGaussian.from_parameters(parameters)


def test_the_first_half_is_the_mean_and_the_second_the_log_variance() -> None:
    parameters = torch.arange(8.0).view(1, 8)
    posterior = DiagonalGaussian.from_parameters(parameters)
    assert posterior.mu.tolist() == [[0, 1, 2, 3]]
    assert posterior.logvar.tolist() == [[4, 5, 6, 7]]


def test_kl_is_that_of_torch(posterior: DiagonalGaussian) -> None:
    expected = kl_divergence(Normal(posterior.mu, posterior.std), Normal(0.0, 1.0))
    torch.testing.assert_close(posterior.kl_per_dim(), expected)
    torch.testing.assert_close(posterior.kl(), expected.sum(1))
    assert posterior.kl().shape == (BATCH,)


def test_the_standard_normal_has_no_kl() -> None:
    posterior = DiagonalGaussian.from_parameters(torch.zeros(BATCH, 2 * LATENT))
    assert (posterior.kl() == 0).all()


def test_the_log_variance_is_a_variance_everywhere(posterior: DiagonalGaussian) -> None:
    torch.testing.assert_close(posterior.std.square().log(), posterior.logvar)
    shifted = posterior.sample(torch.ones_like(posterior.mu)) - posterior.mu
    torch.testing.assert_close(shifted, posterior.std)


def test_samples_have_the_posteriors_mean_and_deviation() -> None:
    posterior = DiagonalGaussian(torch.full((20_000, 1), 1.5), torch.full((20_000, 1), -1.0))
    z = posterior.sample(torch.randn(20_000, 1, generator=generator(0, "eps")))
    assert float(z.mean()) == pytest.approx(1.5, abs=0.02)
    assert float(z.std()) == pytest.approx(float(posterior.std[0, 0]), rel=0.02)


def test_a_wild_output_stays_finite_and_cheap_noise_stays_positive() -> None:
    parameters = torch.tensor([[0.0, 1e4], [0.0, -1e4]])
    posterior = DiagonalGaussian.from_parameters(parameters)
    assert posterior.kl().isfinite().all()
    assert (posterior.std > 0).all()


def test_some_rows_can_be_taken(posterior: DiagonalGaussian) -> None:
    part = posterior[2:5]
    assert torch.equal(part.mu, posterior.mu[2:5])
    assert torch.equal(part.logvar, posterior.logvar[2:5])


def test_half_precision_outputs_become_full_precision_posteriors() -> None:
    posterior = DiagonalGaussian.from_parameters(torch.zeros(2, 4, dtype=torch.bfloat16))
    assert posterior.mu.dtype == torch.float32
    assert posterior.kl().dtype == torch.float32
