"""The KL taken apart: the parts add up, agree with brute force on a tiny set, and vanish where they should."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vaelab.models.gaussian import DiagonalGaussian
from vaelab.objectives.total_correlation import decomposition
from vaelab.rng import generator

BATCH, LATENT = 6, 3


def posterior(batch: int = BATCH, latent: int = LATENT) -> DiagonalGaussian:
    return DiagonalGaussian.from_parameters(torch.randn(batch, 2 * latent, generator=generator(0, "posterior")))


def sample(of: DiagonalGaussian, draw: int = 0) -> Tensor:
    return of.sample(torch.randn(of.mu.shape, generator=generator(draw, "eps")))


def test_the_parts_add_up_to_the_log_ratio_of_posterior_and_prior() -> None:
    q = posterior()
    z = sample(q)
    parts = decomposition(z, q)
    ratio = Independent(Normal(q.mu, q.std), 1).log_prob(z) - Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(parts.mutual_information + parts.total_correlation + parts.dimension_kl, ratio)


def test_each_part_is_that_of_the_mixture_of_all_posteriors() -> None:
    """The batch is the whole data set here, so nothing is estimated."""
    q = posterior()
    z = sample(q)
    parts = decomposition(z, q)
    weights = Categorical(torch.ones(BATCH))
    joint = MixtureSameFamily(weights, Independent(Normal(q.mu, q.std), 1)).log_prob(z)
    marginals = sum(
        (MixtureSameFamily(weights, Normal(q.mu[:, j], q.std[:, j])).log_prob(z[:, j]) for j in range(LATENT)),
        torch.zeros(BATCH),
    )
    torch.testing.assert_close(parts.total_correlation, joint - marginals)
    torch.testing.assert_close(parts.dimension_kl, marginals - Normal(0.0, 1.0).log_prob(z).sum(1))


def test_the_mean_over_many_draws_is_the_integral() -> None:
    """KL(q(z), q(z_1) q(z_2)) on a fine grid, against the mean of the estimate, within four standard errors."""
    q = posterior(4, 2)
    grid = torch.linspace(-9.0, 9.0, 361)
    each = torch.exp(-((grid[:, None, None] - q.mu).square() / q.logvar.exp() + q.logvar + math.log(2 * math.pi)) / 2)
    first, second = each[:, :, 0].T, each[:, :, 1].T  # (posterior, grid)
    joint = torch.einsum("na,nb->ab", first, second) / 4
    product = first.mean(0)[:, None] * second.mean(0)
    integrand = torch.where(joint > 1e-30, joint * (joint.clamp(min=1e-30) / product.clamp(min=1e-30)).log(), 0.0)
    integral = float(integrand.sum()) * 0.05**2
    found = np.array([float(decomposition(sample(q, draw), q).total_correlation.mean()) for draw in range(1500)])
    assert abs(found.mean() - integral) < 4 * found.std() / math.sqrt(len(found))
    assert integral > 0.05


def test_the_gradient_is_that_of_the_papers_estimator() -> None:
    """Theirs divides by the size of the data set as well, whatever that is."""
    q = posterior()
    z, mu = sample(q), q.mu.clone().requires_grad_()
    ours = decomposition(z, DiagonalGaussian(mu, q.logvar)).total_correlation.mean()
    log_pairs = Normal(mu, q.std).log_prob(z[:, None])
    size = math.log(38_000 * BATCH)
    theirs = torch.logsumexp(log_pairs.sum(2), 1) - size - (torch.logsumexp(log_pairs, 1) - size).sum(1)
    (found,), (expected,) = torch.autograd.grad(ours, mu), torch.autograd.grad(theirs.mean(), mu)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(theirs.mean() - ours, torch.tensor((LATENT - 1) * math.log(38_000.0)))


def test_equal_posteriors_tell_nothing_of_the_picture_and_nothing_of_each_other() -> None:
    q = DiagonalGaussian(torch.full((BATCH, LATENT), 0.3), torch.full((BATCH, LATENT), -0.5))
    parts = decomposition(sample(q), q)
    for part in (parts.mutual_information, parts.total_correlation):
        torch.testing.assert_close(part, torch.zeros(BATCH), rtol=0, atol=1e-5)


def test_the_information_is_at_most_the_log_of_the_batch() -> None:
    q = DiagonalGaussian(torch.eye(BATCH) * 100, torch.full((BATCH, BATCH), -6.0))
    torch.testing.assert_close(
        decomposition(sample(q), q).mutual_information, torch.full((BATCH,), math.log(BATCH)), rtol=0, atol=1e-3
    )


def test_latents_that_repeat_each_other_have_a_total_correlation_that_falls_when_it_is_followed() -> None:
    shared = torch.randn(BATCH, 1, generator=generator(0, "shared"))
    mu = (2 * shared).repeat(1, LATENT).requires_grad_()
    q = DiagonalGaussian(mu, torch.full((BATCH, LATENT), -2.0))
    eps = torch.randn(BATCH, LATENT, generator=generator(0, "eps"))
    before = decomposition(q.sample(eps), q).total_correlation.mean()
    assert before > 1.0
    (gradient,) = torch.autograd.grad(before, mu)
    moved = DiagonalGaussian((mu - 0.05 * gradient / gradient.norm()).detach(), q.logvar)
    assert decomposition(moved.sample(eps), moved).total_correlation.mean() < before
