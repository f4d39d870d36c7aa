"""Bounds on log p(x): exact where a linear model is, tight with samples, and those of pythae on the same network."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import laplace, multivariate_normal, norm

from tests.apple_gpu import OnAppleGpu
from vaelab.evaluation.likelihood import Bounds, PixelNoise, bits_per_dim, log_importance_weights
from vaelab.models.gaussian import DiagonalGaussian
from vaelab.rng import generator, numpy_generator

SIDE, LATENT, SIGMA = 4, 3, 0.4
VALUES = 3 * SIDE**2


@pytest.fixture
def linear() -> tuple[torch.Tensor, torch.Tensor]:
    """Loadings (values, latent) of a linear decoder, and pictures that it made with noise."""
    random = numpy_generator(0, "linear")
    loadings = torch.from_numpy(random.normal(0.0, 0.3, (VALUES, LATENT)))
    z, noise = random.normal(size=(6, LATENT)), SIGMA * random.normal(size=(6, VALUES))
    return loadings, (torch.from_numpy(z) @ loadings.T + torch.from_numpy(noise)).view(6, 3, SIDE, SIDE)


def posterior_of(loadings: torch.Tensor, images: torch.Tensor, widen: float) -> DiagonalGaussian:
    """The exact posterior of probabilistic PCA on orthogonal loadings, its deviations made `widen` times larger."""
    precision = loadings.T @ loadings / SIGMA**2 + torch.eye(LATENT, dtype=torch.float64)
    mu = images.flatten(1) @ loadings / SIGMA**2 @ torch.linalg.inv(precision)
    logvar = -torch.log(torch.diagonal(precision)) + 2 * math.log(widen)
    return DiagonalGaussian(mu, logvar.expand_as(mu))


def test_an_exact_posterior_gives_the_exact_likelihood(linear: tuple[torch.Tensor, torch.Tensor]) -> None:
    loadings = torch.linalg.qr(linear[0]).Q * 0.9  # orthogonal, so that the posterior is diagonal
    exact, bounds = bounds_of(loadings, linear[1], widen=1.0, num_samples=2)
    assert bounds.elbo.numpy() == pytest.approx(exact, rel=1e-6)
    assert bounds.importance.numpy() == pytest.approx(exact, rel=1e-6)
    assert bounds.effective_samples.numpy() == pytest.approx(2.0)


def test_samples_close_the_gap_that_a_wrong_posterior_leaves(linear: tuple[torch.Tensor, torch.Tensor]) -> None:
    exact, few = bounds_of(*linear, widen=1.3, num_samples=1)
    _, many = bounds_of(*linear, widen=1.3, num_samples=4000)
    assert (many.elbo.numpy() < exact).all()
    assert many.importance.mean().item() == pytest.approx(exact.mean(), rel=5e-3)
    assert few.importance.numpy() == pytest.approx(few.elbo.numpy())
    assert many.importance.mean() > many.elbo.mean() + 0.1


def bounds_of(
    loadings: torch.Tensor, images: torch.Tensor, widen: float, num_samples: int
) -> tuple[np.ndarray, Bounds]:
    """The exact log-likelihood of each picture under probabilistic PCA, and the bounds on it."""
    covariance = (loadings @ loadings.T + SIGMA**2 * torch.eye(VALUES)).numpy()
    exact = multivariate_normal(np.zeros(VALUES), covariance).logpdf(images.flatten(1).numpy())
    noise = PixelNoise("gaussian", SIGMA)
    eps = torch.randn(num_samples, len(images), LATENT, generator=generator(0, "eps"), dtype=torch.float64)
    weights = log_importance_weights(
        posterior_of(loadings, images, widen),
        eps,
        lambda z: noise.log_density((z @ loadings.T).view(-1, 3, SIDE, SIDE), images),
    )
    return exact, Bounds.of(weights)


def test_the_bound_is_that_of_pythae_on_the_same_weights(linear: tuple[torch.Tensor, torch.Tensor]) -> None:
    models = pytest.importorskip("pythae.models")
    nn = pytest.importorskip("pythae.models.nn")
    output = pytest.importorskip("pythae.models.base.base_utils").ModelOutput
    loadings, images = linear[0].float(), linear[1].float()

    class Encoder(nn.BaseEncoder):  # type: ignore[misc, name-defined]
        def forward(self, x: torch.Tensor) -> object:
            mu = 0.19 * x.flatten(1) @ loadings
            return output(embedding=mu, log_covariance=torch.full_like(mu, -1.4))

    class Decoder(nn.BaseDecoder):  # type: ignore[misc, name-defined]
        def forward(self, z: torch.Tensor) -> object:
            return output(reconstruction=(z @ loadings.T).view(-1, 3, SIDE, SIDE))

    theirs = models.VAE(
        models.VAEConfig(input_dim=(3, SIDE, SIDE), latent_dim=LATENT, reconstruction_loss="mse"), Encoder(), Decoder()
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        expected = theirs.get_nll(images, n_samples=4000, batch_size=500)  # in spite of its name, the log-likelihood
    posterior = DiagonalGaussian(0.19 * images.flatten(1) @ loadings, torch.full((6, LATENT), -1.4))
    eps = torch.randn(4000, 6, LATENT, generator=generator(0, "eps"))
    noise = PixelNoise("gaussian", 1.0)
    ours = log_importance_weights(
        posterior, eps, lambda z: noise.log_density((z @ loadings.T).view(-1, 3, SIDE, SIDE), images)
    )
    assert Bounds.of(ours).importance.mean().item() == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("scale", [0.03, 1.0])
@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
def test_the_masses_of_all_levels_add_up_to_one(kind: str, scale: float) -> None:
    noise = PixelNoise(kind, scale)  # type: ignore[arg-type]
    levels = torch.arange(256).view(256, 1, 1, 1).expand(256, 3, 1, 1) / 255.0
    for mean in (0.0, 0.31, 1.0):
        total = noise.log_mass(torch.full_like(levels, mean), levels) / 3  # the three colours are alike
        assert total.exp().sum().item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("kind", "reference"), [("gaussian", norm), ("laplace", laplace)])
def test_a_bin_has_its_distribution_s_mass_even_far_out(kind: str, reference: object) -> None:
    noise = PixelNoise(kind, 0.05)  # type: ignore[arg-type]
    for level, mean in ((128, 0.5), (130, 0.2), (3, 0.6), (0, 0.2), (255, 0.9)):
        image = torch.full((1, 3, 1, 1), level / 255.0)
        low = -np.inf if level == 0 else (level - 0.5) / 255
        high = np.inf if level == 255 else (level + 0.5) / 255
        around = reference(mean, 0.05)  # type: ignore[operator]
        mass = around.cdf(high) - around.cdf(low) if low < mean else around.sf(low) - around.sf(high)
        found = noise.log_mass(torch.full_like(image, mean), image).item() / 3
        assert found == pytest.approx(np.log(mass), rel=1e-4)
    far = noise.log_mass(torch.zeros(1, 3, 1, 1), torch.full((1, 3, 1, 1), 254 / 255.0))
    assert torch.isfinite(far).all()


def test_a_fine_bin_is_the_density_times_its_width() -> None:
    noise, images = PixelNoise("gaussian", 0.2), torch.full((2, 3, 2, 2), 100 / 255.0)
    mean = torch.full_like(images, 0.5)
    expected = noise.log_density(mean, images) - 12 * math.log(255)
    assert noise.log_mass(mean, images).numpy() == pytest.approx(expected.numpy(), rel=1e-3)


def test_no_model_at_all_needs_eight_bits() -> None:
    assert bits_per_dim(-12 * math.log(256), 12) == pytest.approx(8.0)


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
def test_an_apple_gpu_gives_what_a_processor_does(kind: str) -> None:
    random = generator(0, "apple")
    images, mean = torch.rand(2, 5, 3, SIDE, SIDE, generator=random)
    mu, logvar = torch.randn(2, 5, LATENT, generator=random)
    eps, noise = torch.randn(2, 5, LATENT, generator=random), PixelNoise(kind, SIGMA)

    def found(kind: type[torch.Tensor]) -> list[torch.Tensor]:
        there, drawn = images.as_subclass(kind), mean.as_subclass(kind)
        posterior = DiagonalGaussian(mu.as_subclass(kind), logvar.as_subclass(kind))
        weights = log_importance_weights(posterior, eps.as_subclass(kind), lambda z: noise.log_mass(drawn, there))
        return [noise.log_density(drawn, there), weights]

    for on_apple, on_processor in zip(found(OnAppleGpu), found(torch.Tensor), strict=True):
        assert torch.equal(on_apple, on_processor)
