"""The residual family: any size of network, and a start at the best linear model."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.errors import ConfigError
from vaelab.models import build_model, count_parameters
from vaelab.models.residual import ResidualVAE
from vaelab.rng import generator
from vaelab.training.pixels import images_on
from vaelab.training.start import set_principal_path

LATENT = 6


@pytest.mark.parametrize("size", [64, 128])
def test_width_and_depth_span_one_to_twenty_million_parameters(size: int) -> None:
    def count(width: int, depth: int) -> int:
        with torch.device("meta"):
            return count_parameters(
                build_model(replace(TrainConfig(), model="residual", size=size, latent=128, width=width, depth=depth))
            )

    assert count(6, 1) < 1_500_000
    assert count(64, 2) > 20_000_000
    assert count(24, 2) > count(24, 1)
    assert count(25, 1) > count(24, 1)


@pytest.mark.parametrize("linear_path", [False, True])
def test_depth_neither_explodes_nor_silences_a_new_network(linear_path: bool) -> None:
    def spread(depth: int) -> float:
        config = replace(
            TrainConfig(), model="residual", size=16, latent=8, width=4, depth=depth, linear_path=linear_path
        )
        z = torch.randn(64, 8, generator=generator(0, "z"))
        network = build_model(config)
        assert isinstance(network, ResidualVAE)
        return float(network.decoder.coarse(z).detach().std())

    assert 0.3 < spread(8) / spread(1) < 30


@pytest.fixture
def linear_network(tiny_config: Callable[..., TrainConfig], tiny_data: Collection) -> tuple[ResidualVAE, torch.Tensor]:
    """A new network with its linear path set, and the faces it was set by."""
    config = tiny_config(model="residual", linear_path=True, latent=LATENT)
    network = build_model(config)
    assert isinstance(network, ResidualVAE)
    assert network.principal is not None
    rows = tiny_data.rows("train", is_face=True)
    set_principal_path(network.principal, tiny_data, rows, config)
    return network, images_on(tiny_data.pixels(rows), torch.device("cpu"))


def test_a_linear_path_starts_exactly_at_the_linear_model(linear_network: tuple[ResidualVAE, torch.Tensor]) -> None:
    network, images = linear_network
    assert network.principal is not None
    posterior = network.encode(images).posterior
    assert posterior is not None
    mu, logvar = network.principal.encode(images).chunk(2, dim=1)
    assert torch.equal(posterior.mu, mu)
    assert torch.equal(posterior.logvar, logvar)
    assert torch.equal(network.decode(mu), network.principal.decode(mu))


def test_the_start_is_probabilistic_pca(linear_network: tuple[ResidualVAE, torch.Tensor]) -> None:
    network, images = linear_network
    values = images.flatten(1).double().numpy()
    exact = PCA(LATENT, svd_solver="full").fit(values)
    variances, num_values = exact.explained_variance_, values.shape[1]
    noise = (values.var(axis=0, ddof=1).sum() - variances.sum()) / (num_values - LATENT)
    # Tipping and Bishop: W = U (L - s I)^(1/2), posterior N(M^-1 W'(x - mean), s M^-1) with M = W'W + s I
    loading = exact.components_.T * np.sqrt(variances - noise)
    precision = loading.T @ loading + noise * np.eye(LATENT)
    mu = np.linalg.solve(precision, loading.T @ (values - exact.mean_).T).T
    variance = noise * np.diag(np.linalg.inv(precision))

    with torch.no_grad():
        posterior = network.encode(images).posterior
        assert posterior is not None
        recon = network.decode(posterior.mu)
    np.testing.assert_allclose(posterior.mu.abs().numpy(), np.abs(mu), atol=5e-3)  # signs of components are free
    np.testing.assert_allclose(posterior.logvar[0].exp().numpy(), variance, rtol=1e-2)
    np.testing.assert_allclose(recon.flatten(1).numpy(), mu @ loading.T + exact.mean_, atol=1e-3)


def test_the_learned_part_moves_off_the_start_at_the_first_step(
    linear_network: tuple[ResidualVAE, torch.Tensor],
) -> None:
    network, images = linear_network
    posterior = network.encode(images[:8]).posterior
    assert posterior is not None
    error = (network.decode(posterior.mu) - images[:8]).square().sum()
    error.backward()  # type: ignore[no-untyped-call]
    for layer in (network.encoder.head, network.decoder.fine[-1]):
        assert layer.weight.grad is not None
        assert layer.weight.grad.abs().max() > 0


def test_a_linear_path_needs_more_faces_than_latents(
    tiny_config: Callable[..., TrainConfig], tiny_data: Collection
) -> None:
    config = tiny_config(model="residual", linear_path=True, latent=LATENT)
    network = build_model(config)
    assert isinstance(network, ResidualVAE)
    assert network.principal is not None
    with pytest.raises(ConfigError, match="more training faces"):
        set_principal_path(network.principal, tiny_data, tiny_data.rows("train", True, limit=LATENT), config)
