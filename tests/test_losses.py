"""Losses: likelihoods are densities where they say so, and everything is in nats per image."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Laplace, Normal

from vaelab.losses import (
    LIKELIHOODS,
    SIGMA_FLOOR,
    LossParts,
    charged_kl,
    classification_nll,
    squared_error,
)
from vaelab.models.gaussian import DiagonalGaussian
from vaelab.rng import generator
from vaelab.settings import LossConfig

BATCH, SIZE = 5, 16
NUM_VALUES = 3 * SIZE**2


@pytest.fixture
def decoded() -> Tensor:
    return torch.rand(BATCH, 3, SIZE, SIZE, generator=generator(0, "decoded")) * 1.4 - 0.2


@pytest.fixture
def images() -> Tensor:
    return torch.rand(BATCH, 3, SIZE, SIZE, generator=generator(0, "images"))


def minus_log_prob(distribution: torch.distributions.Distribution, images: Tensor) -> Tensor:
    return -distribution.log_prob(images).flatten(1).sum(1)


def test_laplace_is_the_density_of_unit_scale(decoded: Tensor, images: Tensor) -> None:
    expected = minus_log_prob(Laplace(decoded, 1.0), images)
    torch.testing.assert_close(LIKELIHOODS["laplace"].nll(decoded, images), expected)


def test_gaussian_is_the_density_of_unit_deviation(decoded: Tensor, images: Tensor) -> None:
    expected = minus_log_prob(Normal(decoded, 1.0), images)
    torch.testing.assert_close(LIKELIHOODS["gaussian"].nll(decoded, images), expected)


def test_bernoulli_is_the_mass_of_binary_pictures(decoded: Tensor, images: Tensor) -> None:
    binary = images.round()
    expected = minus_log_prob(Bernoulli(logits=decoded), binary)
    torch.testing.assert_close(LIKELIHOODS["bernoulli"].nll(decoded, binary), expected)


def test_rmse_is_the_euclidean_distance(decoded: Tensor, images: Tensor) -> None:
    expected = (decoded - images).flatten(1).norm(dim=1)
    torch.testing.assert_close(LIKELIHOODS["rmse"].nll(decoded, images), expected)


def test_the_optimal_gaussian_is_the_density_at_the_deviation_of_the_errors(decoded: Tensor, images: Tensor) -> None:
    sigma = (decoded - images).square().mean().sqrt()
    nll = LIKELIHOODS["optimal-gaussian"].nll(decoded, images)
    torch.testing.assert_close(nll, minus_log_prob(Normal(decoded, sigma), images))
    for other in (0.8 * sigma, 1.2 * sigma):  # and no other constant deviation is better
        assert minus_log_prob(Normal(decoded, other), images).mean() > nll.mean()


def test_the_optimal_gaussian_has_the_gradient_of_n_log_sigma(decoded: Tensor, images: Tensor) -> None:
    decoded.requires_grad_()
    (gradient,) = torch.autograd.grad(LIKELIHOODS["optimal-gaussian"].nll(decoded, images).mean(), decoded)
    sigma = (decoded - images).square().mean().sqrt()
    (expected,) = torch.autograd.grad(NUM_VALUES * sigma.log(), decoded)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("name", ["optimal-gaussian", "rmse"])
def test_a_perfect_reconstruction_has_a_finite_loss_and_gradient(name: str, images: Tensor) -> None:
    decoded = images.clone().requires_grad_()
    loss = LIKELIHOODS[name].nll(decoded, images).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.isfinite()
    assert decoded.grad is not None
    assert decoded.grad.isfinite().all()


def test_sigma_never_falls_below_one_grey_level(images: Tensor) -> None:
    expected = minus_log_prob(Normal(images, SIGMA_FLOOR), images)
    torch.testing.assert_close(LIKELIHOODS["optimal-gaussian"].nll(images, images), expected)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_likelihood_gives_one_number_per_picture(name: str, decoded: Tensor, images: Tensor) -> None:
    assert LIKELIHOODS[name].nll(decoded, images).shape == (BATCH,)
    mean = LIKELIHOODS[name].mean(decoded)
    assert mean.shape == images.shape
    assert mean.min() >= 0
    assert mean.max() <= 1


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("laplace", lambda decoded, images: (decoded - images).abs().flatten(1).mean(1)),
        ("gaussian", lambda decoded, images: (decoded - images).square().flatten(1).mean(1)),
        ("rmse", lambda decoded, images: (decoded - images).square().flatten(1).mean(1).sqrt()),
        (
            "bernoulli",
            lambda decoded, images: (
                F.binary_cross_entropy_with_logits(decoded, images, reduction="none").flatten(1).mean(1)
            ),
        ),
    ],
)
def test_scales_lead_from_losses_that_average_over_pixels(name: str, usual, decoded: Tensor, images: Tensor) -> None:  # type: ignore[no-untyped-def]
    likelihood = LIKELIHOODS[name]
    ours = likelihood.nll(decoded, images) - likelihood.nll(decoded.flip(0), images)  # constants fall out
    theirs = usual(decoded, images) - usual(decoded.flip(0), images)
    torch.testing.assert_close(ours, likelihood.pixel_mean_scale(NUM_VALUES) * theirs, rtol=1e-4, atol=1e-2)


def test_squared_error_is_a_sum_over_the_values_of_a_picture(decoded: Tensor, images: Tensor) -> None:
    expected = np.square(decoded.numpy() - images.numpy()).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(squared_error(decoded, images).numpy(), expected, rtol=1e-5)


@pytest.fixture
def posterior() -> DiagonalGaussian:
    parameters = torch.randn(BATCH, 12, generator=generator(0, "posterior"))
    return DiagonalGaussian.from_parameters(parameters.requires_grad_())


def test_without_free_bits_the_whole_kl_is_charged(posterior: DiagonalGaussian) -> None:
    assert torch.equal(charged_kl(posterior, 0.0), posterior.kl())


def test_a_latent_below_its_free_bits_is_not_pushed(posterior: DiagonalGaussian) -> None:
    free = float(posterior.kl_per_dim().detach().median()) + 1e-4  # on neither side of a tie
    charged = charged_kl(posterior, free)
    assert (charged >= posterior.kl()).all()
    assert (charged >= 6 * free).all()
    (gradient,) = torch.autograd.grad(charged.sum(), posterior.mu)
    assert torch.equal(gradient == 0, posterior.kl_per_dim() < free)


def test_cross_entropy_takes_the_first_pictures_for_faces() -> None:
    logits = torch.linspace(-3, 3, BATCH)
    loss = classification_nll(logits, 2)
    expected = torch.cat([-torch.log(logits.sigmoid())[:2], -torch.log(1 - logits.sigmoid())[2:]])
    torch.testing.assert_close(loss, expected)


def test_negatives_move_the_logit() -> None:
    logits = torch.zeros(BATCH, requires_grad=True)
    (gradient,) = torch.autograd.grad(classification_nll(logits, 0).mean(), logits)
    assert (gradient > 0).all()


def test_the_negative_elbo_is_the_sum_of_its_parts_at_any_beta() -> None:
    recon_loss, kl = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    parts = LossParts(torch.tensor(0.0), recon_loss=recon_loss, kl=kl)
    assert torch.equal(parts.neg_elbo, torch.tensor([4.0, 7.0]))
    assert LossParts(torch.tensor(0.0)).neg_elbo is None


def test_the_effective_beta_is_said_in_words() -> None:
    assert "evidence lower bound" in LossConfig().effective_beta
    sentence = LossConfig(beta=6.5, beta_warmup=12_000, free_bits=0.25).effective_beta
    assert all(part in sentence for part in ("6.5", "12,000", "0.25"))
    assert "evidence" not in sentence


def test_half_log_two_pi_is_the_gaussian_at_its_mean(images: Tensor) -> None:
    expected = torch.full((BATCH,), NUM_VALUES * math.log(2 * math.pi) / 2)
    torch.testing.assert_close(LIKELIHOODS["gaussian"].nll(images, images), expected)
