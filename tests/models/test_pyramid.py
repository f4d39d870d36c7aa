"""One level of a pyramid: a residual VAE at half the side, and what enlarging its picture lacks."""

import pytest
import torch
import torch.nn.functional as F

from vaelab.config import TrainConfig, replace
from vaelab.errors import ConfigError
from vaelab.models import build_model, count_parameters
from vaelab.models.pyramid import PyramidVAE
from vaelab.rng import generator

SMALL = replace(TrainConfig(), model="pyramid", size=64, latent=8, width=4)


@pytest.fixture
def network() -> PyramidVAE:
    made = build_model(SMALL)
    assert isinstance(made, PyramidVAE)
    return made


def test_it_starts_as_its_core_enlarged(network: PyramidVAE) -> None:
    z = torch.randn(5, 8, generator=generator(0, "z"))
    with torch.no_grad():
        drawn, small = network.decode(z), network.core.decode(z)
        images = torch.rand(5, 3, 64, 64, generator=generator(0, "images"))
        ours, cores = network.encode(images).posterior, network.core.encode(F.avg_pool2d(images, 2)).posterior
    assert drawn.shape == (5, 3, 64, 64)
    assert torch.equal(drawn, F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False))
    assert ours is not None
    assert cores is not None
    assert torch.equal(ours.mu, cores.mu)
    assert torch.equal(ours.logvar, cores.logvar)


def test_the_last_step_moves_at_once_and_the_core_with_it(network: PyramidVAE) -> None:
    z = torch.randn(5, 8, generator=generator(0, "z"))
    network.decode(z).square().sum().backward()  # type: ignore[no-untyped-call]
    for layer in (network.enlarger.draw[-1], network.core.decoder.fine[-1]):
        assert layer.weight.grad is not None
        assert layer.weight.grad.abs().max() > 0


def test_all_that_draws_counts_as_the_decoder(network: PyramidVAE) -> None:
    drawing = sum(parameter.numel() for parameter in network.decoder_parameters())
    looking = count_parameters(network.core.encoder)
    assert drawing + looking == count_parameters(network)


def test_a_deterministic_one_has_points_for_posteriors() -> None:
    made = build_model(replace(SMALL, objective="rae"))
    posterior = made.encode(torch.rand(2, 3, 64, 64)).posterior
    assert posterior is not None
    assert posterior.logvar.max() == -20.0


def test_half_of_its_side_is_halved_four_times() -> None:
    with pytest.raises(ConfigError, match=r"size is 48.*multiple of 32"):
        replace(SMALL, size=48)
