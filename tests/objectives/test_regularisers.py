"""What latents cost: each objective against the others where they must agree."""

import pytest
import torch

from vaelab.losses import charged_kl
from vaelab.models.gaussian import DiagonalGaussian
from vaelab.objectives.mmd import squared_mmd
from vaelab.objectives.regularisers import REGULARISERS, Latents
from vaelab.rng import generator
from vaelab.settings import LossConfig

BATCH, LATENT = 8, 3
BETA = torch.tensor(0.7)


@pytest.fixture
def latents() -> Latents:
    posterior = DiagonalGaussian.from_parameters(torch.randn(BATCH, 2 * LATENT, generator=generator(0, "posterior")))
    eps = torch.randn(BATCH, LATENT, generator=generator(0, "eps"))
    return Latents(posterior, eps, posterior.sample(eps))


@pytest.mark.parametrize("objective", REGULARISERS)
def test_every_objective_charges_each_picture(objective: str, latents: Latents) -> None:
    charge = REGULARISERS[objective](latents, LossConfig(objective=objective), BETA)
    assert charge.per_image.shape == (BATCH,)
    assert charge.per_image.isfinite().all()


def test_the_choices_of_the_setting_are_these_objectives() -> None:
    about = next(f for f in LossConfig.__dataclass_fields__.values() if f.name == "objective").metadata["option"]
    assert set(about.choices) == set(REGULARISERS)


def test_at_weight_one_the_total_correlation_is_charged_as_the_kl_is(latents: Latents) -> None:
    elbo = REGULARISERS["elbo"](latents, LossConfig(free_bits=0.1), BETA)
    same = REGULARISERS["beta-tc"](latents, LossConfig(objective="beta-tc", free_bits=0.1), BETA)
    torch.testing.assert_close(same.per_image, elbo.per_image)


def test_the_extra_weight_is_on_the_total_correlation_alone(latents: Latents) -> None:
    charge = REGULARISERS["beta-tc"](latents, LossConfig(objective="beta-tc", tc_weight=6.0), BETA)
    extra = 5.0 * BETA * charge.terms["total_correlation"].mean()
    torch.testing.assert_close(charge.per_image, BETA * charged_kl(latents.posterior, 0.0) + extra)


def test_wae_pays_for_the_distance_to_the_noise_it_does_not_use(latents: Latents) -> None:
    charge = REGULARISERS["wae-mmd"](latents, LossConfig(objective="wae-mmd", mmd_weight=3.0), BETA)
    torch.testing.assert_close(charge.per_image, (3.0 * squared_mmd(latents.z, latents.eps)).expand(BATCH))


def test_rae_pays_the_kl_of_a_fixed_deviation_but_for_a_constant(latents: Latents) -> None:
    fixed = DiagonalGaussian(latents.z, torch.zeros(BATCH, LATENT))  # deviation 1: the constant is 0
    charge = REGULARISERS["rae"](latents, LossConfig(objective="rae"), BETA)
    torch.testing.assert_close(charge.per_image, BETA * fixed.kl())
