"""Priors: densities are those of scipy, draws have the density that is claimed, and what is kept is what draws."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vaelab.config import TrainConfig, replace
from vaelab.errors import CheckpointError
from vaelab.evaluation.fitted_priors import FittedPriors, Likelihood
from vaelab.evaluation.intervals import MeanWithInterval
from vaelab.evaluation.priors import Gaussian, Mixture, PlaneMixture, Prior, SecondStage, Standard
from vaelab.rng import numpy_generator
from vaelab.runs.checkpoints import write_checkpoint
from vaelab.runs.store import Run

LATENT, COUNT = 3, 40_000


def factor(name: str) -> np.ndarray:
    values = np.tril(numpy_generator(0, name).uniform(-0.4, 0.4, (LATENT, LATENT)))
    return (values + np.diag(np.array([0.6, 0.9, 1.2]) - np.diag(values))).astype(np.float32)


def mixture() -> Mixture:
    means = np.array([[-2, 0, 0.5], [1, 1, -1]], np.float32)
    return Mixture(np.array([0.25, 0.75], np.float32), means, np.stack([factor("a"), factor("b")]))


def second_stage() -> SecondStage:
    random = numpy_generator(0, "layers")
    sizes = [(LATENT, 5), (5, 2 * LATENT)]
    weights = tuple(random.normal(0, 0.5, size).astype(np.float32) for size in sizes)
    biases = tuple(random.normal(0, 0.2, size[1]).astype(np.float32) for size in sizes)
    return SecondStage(np.array([0.5, -1, 0], np.float32), factor("c"), weights, biases)


PRIORS: dict[str, Prior] = {
    "standard": Standard(LATENT),
    "gaussian": Gaussian(np.array([1, 0, -2], np.float32), factor("d")),
    "mixture": mixture(),
    "second-stage": second_stage(),
}
every = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)


def noise(count: int = COUNT, seed: int = 0) -> np.ndarray:
    return numpy_generator(seed, "noise").standard_normal((count, LATENT))


def test_log_densities_are_those_of_scipy() -> None:
    z = noise(50).astype(np.float32)
    made = mixture()
    parts = [
        weight * multivariate_normal(mean, root.astype(float) @ root.T.astype(float)).pdf(z)
        for weight, mean, root in zip(made.weights, made.means, made.factors, strict=True)
    ]
    np.testing.assert_allclose(made.log_density(z), np.log(np.sum(parts, axis=0)), rtol=1e-4)
    np.testing.assert_allclose(Standard(LATENT).log_density(z), multivariate_normal(np.zeros(3)).logpdf(z), rtol=1e-5)


def test_one_gaussian_alone_is_a_mixture_of_one() -> None:
    gaussian, z = PRIORS["gaussian"], noise(50).astype(np.float32)
    assert isinstance(gaussian, Gaussian)
    alone = Mixture(np.ones(1, np.float32), gaussian.mean[None], gaussian.factor[None])
    np.testing.assert_allclose(alone.log_density(z), gaussian.log_density(z), rtol=1e-6)
    np.testing.assert_allclose(alone.draw(noise(9), 1, 0.7), gaussian.draw(noise(9), 1, 0.7), rtol=1e-6)


@every
def test_a_plane_shows_where_draws_fall(prior: Prior) -> None:
    """The density that is claimed for squares of the plane is the share of draws in them."""
    axes = np.linalg.qr(noise(LATENT)[:, :2])[0]
    places = prior.draw(noise(), 5, 0.8) @ axes
    seen = prior.on_plane(axes, 0.8)
    line = np.arange(-6, 6.01, 0.5)
    middles = np.stack(np.meshgrid(*[np.arange(-5.95, 6, 0.1)] * 2, indexing="ij"), axis=-1)
    density = seen.density(middles.reshape(-1, 2)).reshape(middles.shape[:2])
    claimed = density.reshape(24, 5, 24, 5).sum(axis=(1, 3)) * 0.1**2
    found = np.histogram2d(places[:, 0], places[:, 1], bins=[line, line])[0] / len(places)
    assert claimed.sum() == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(found, claimed, atol=0.008)


@every
def test_a_face_depends_on_its_own_seed_and_row_alone(prior: Prior) -> None:
    five = prior.draw(noise(5), 3, 1.0)
    assert np.array_equal(five, prior.draw(noise(5), 3, 1.0))
    np.testing.assert_allclose(prior.draw(noise(5)[:2], 3, 1.0), five[:2], rtol=1e-5)
    assert five.dtype == np.float32


@every
def test_a_lower_temperature_keeps_draws_together(prior: Prior) -> None:
    wide, narrow, none = (prior.draw(noise(2000), 3, temperature) for temperature in (1.0, 0.5, 0.0))
    assert narrow.var(axis=0).sum() < wide.var(axis=0).sum()
    assert len(np.unique(none.round(5), axis=0)) <= (2 if isinstance(prior, Mixture) else 1)


def test_a_prior_without_width_has_no_density() -> None:
    flat = PlaneMixture(np.ones(1), np.zeros((1, 2)), np.zeros((1, 2, 2)))
    assert flat.density(np.zeros((4, 2))).tolist() == [0.0] * 4


# --- what is kept


def likelihood(nats: float) -> Likelihood:
    return Likelihood(MeanWithInterval(nats, nats - 1, nats + 1, 7), MeanWithInterval(1.0, 0.5, 1.5, 7), 99)


@pytest.fixture
def kept() -> FittedPriors:
    found = {"standard": likelihood(-9.0), "mixture": likelihood(-4.0), "second-stage": likelihood(-5.0)}
    return FittedPriors(mixture(), second_stage(), found, "train", "val", "abc")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(replace(TrainConfig(), latent=LATENT), tmp_path, "first")


def test_the_likeliest_prior_is_the_best(kept: FittedPriors) -> None:
    assert kept.best == "mixture"


def test_what_was_written_draws_the_same_faces(kept: FittedPriors, run: Run) -> None:
    kept.write(run)
    found = FittedPriors.read(run)
    for ours, theirs in ((kept.mixture, found.mixture), (kept.second_stage, found.second_stage)):
        np.testing.assert_allclose(theirs.draw(noise(50), 2, 1.0), ours.draw(noise(50), 2, 1.0), atol=0.02)
    assert found.likelihoods == kept.likelihoods
    assert (found.split, found.held_out, found.weights_fingerprint) == ("train", "val", "abc")


def test_a_file_of_something_else_is_refused(kept: FittedPriors, run: Run) -> None:
    write_checkpoint(run, run.priors_path, {}, {"num_layers": 2})
    with pytest.raises(CheckpointError, match=r"priors\.safetensors is no file of priors.*priors first"):
        FittedPriors.read(run)
    run.priors_path.write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match="damaged"):
        FittedPriors.read(run)


def test_priors_of_another_number_of_latents_are_refused(kept: FittedPriors, tmp_path: Path) -> None:
    other = Run.create(replace(TrainConfig(), latent=LATENT + 1), tmp_path, "other")
    kept.write(other)
    with pytest.raises(CheckpointError, match="about 3 latents, other has 4"):
        FittedPriors.read(other)
