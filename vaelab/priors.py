"""Fitting priors to a trained model: training faces are encoded, and others say which prior holds them best."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from vaelab.data.collection import Collection
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.fitted_priors import FittedPriors, Likelihood, half
from vaelab.evaluation.intervals import mean_with_interval
from vaelab.evaluation.priors import Gaussian, Mixture, Standard
from vaelab.inference import FaceModel
from vaelab.passes import encoded_rows
from vaelab.rng import numpy_generator, stream_seed
from vaelab.training.second_stage import fit_second_stage

Latents = Float[np.ndarray, "faces latent"]

COMPONENTS = 10
"""As Ghosh et al. (2020) take; fewer where there are not FACES_PER_COMPONENT times as many faces as latents."""
FACES_PER_COMPONENT = 4
SMALLEST_VARIANCE = 1e-4
"""Added to every variance of the mixture, so that a component on few faces stays a density."""
TOLERANCE_NATS = 0.01
MAX_ITERATIONS = 100
MIN_HELD_OUT = 5


def fit_priors(
    model: FaceModel, data: Collection, split: str = "train", tell: Callable[[str], None] | None = None
) -> FittedPriors:
    """The mixture and the second stage of a model, and the held-out likelihood of every prior it then has.

    Both are fitted to draws from the posteriors of the faces of `split`, not to their means: the likelihood of such
    draws is the term of the evidence lower bound that a prior can better, and a latent that carries nothing stays
    N(0, 1) instead of shrinking to a point.
    Differs: Ghosh et al. (2020), whose encoder gives points, fit the means. Where posteriors are narrow that is the
    same: for `face-vae` the mixture of the means is 17.4 nats over N(0, I), that of the draws 17.5 (n = 2,008).

    Raises:
        ConfigError: the model has no decoder.
        DataError: too few faces to fit, or none left to measure on.
    """
    say = tell or (lambda _: None)
    if not model.has_decoder:
        raise ConfigError(f"{model.run_id} is a {model.config.model.model}, which has no decoder to draw with")
    held_out = _held_out_split(model, split)
    say(f"latents of split {split}")
    mu, std = _encoded(model, data, split, at_least=model.latent_size + 1)
    measured = _drawn(*_encoded(model, data, held_out, at_least=MIN_HELD_OUT), "held out")
    say(f"a mixture for {len(mu):,} faces")
    mixture = fit_mixture(_drawn(mu, std, "fitted"))
    say("a second stage")
    stage = fit_second_stage(mu, std, _gaussian(mu, std))
    say(f"likelihood of {len(measured):,} faces of split {held_out}")
    standard = Standard(model.latent_size).log_density(measured)
    found = {"standard": (standard, 0)}
    if model.latents is not None:
        fitted = Gaussian(model.latents.prior_mean, model.latents.prior_factor)
        found["fitted"] = (fitted.log_density(measured), model.latents.num_encoded)
    found["mixture"] = (mixture.log_density(measured), len(mu))
    found["second-stage"] = (stage.log_density_bound(measured), len(mu))
    likelihoods = {
        name: Likelihood(mean_with_interval(nats), mean_with_interval(nats - standard), num_fitted)
        for name, (nats, num_fitted) in found.items()
    }
    return FittedPriors(mixture, stage.prior, likelihoods, split, held_out, model.weights_fingerprint)


def fit_mixture(z: Latents, seed: int = 0) -> Mixture:
    """A mixture of Gaussians with full covariances for latents `z`, by expectation maximisation from k-means."""
    components = int(np.clip(len(z) // (FACES_PER_COMPONENT * z.shape[1]), 1, COMPONENTS))
    estimator = GaussianMixture(
        components,
        covariance_type="full",
        reg_covar=SMALLEST_VARIANCE,
        tol=TOLERANCE_NATS,
        max_iter=MAX_ITERATIONS,
        init_params="kmeans",
        random_state=stream_seed(seed, "mixture") % 2**32,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundredth of a nat more is worth no message
        estimator.fit(z)
    factors = np.linalg.cholesky(estimator.covariances_)
    return Mixture(
        np.asarray(estimator.weights_, np.float32), half(estimator.means_).astype(np.float32),
        half(factors).astype(np.float32),
    )  # fmt: skip


def _held_out_split(model: FaceModel, split: str) -> str:
    """A split that no prior of the model saw: neither those fitted now nor the one of its stored latents."""
    stored = set() if model.latents is None else set(model.latents.labels["split"])
    for candidate in ("val", "test"):
        if candidate not in stored | {split}:
            return candidate
    raise DataError(
        f"the latents of {model.run_id} are of split {', '.join(sorted(stored))}, so that after fitting to {split} no "
        "split is left to measure on; fit to train"
    )


def _encoded(model: FaceModel, data: Collection, split: str, at_least: int) -> tuple[Latents, Latents]:
    trained_on = model.config.data.max_faces if split == "train" else 0  # no others, where a training took but some
    rows = data.rows(split, is_face=True, limit=trained_on)
    if len(rows) < at_least:
        raise DataError(f"split {split} has {len(rows):,} faces; priors of {model.run_id} need at least {at_least}")
    return encoded_rows(model, data, rows)


def _drawn(mu: Latents, std: Latents, name: str) -> Latents:
    """One draw from every face's posterior."""
    noise = numpy_generator(0, "priors", name).standard_normal(mu.shape)
    return np.asarray(mu + std * noise, np.float32)


def _gaussian(mu: Latents, std: Latents) -> Gaussian:
    """The Gaussian with the mean and covariance of the aggregate posterior."""
    covariance = np.atleast_2d(np.cov(mu.astype(np.float64), rowvar=False))
    covariance += np.diag(np.square(std.astype(np.float64)).mean(axis=0) + SMALLEST_VARIANCE)
    return Gaussian(mu.mean(axis=0), np.linalg.cholesky(covariance).astype(np.float32))
