"""How probable a model finds held-out faces: ELBO, importance-weighted bound and bits per dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from vaelab.data.collection import Collection
from vaelab.data.images import to_images
from vaelab.evaluation.intervals import bootstrapped, mean_with_interval
from vaelab.evaluation.likelihood import Bounds, PixelNoise, bits_per_dim, in_double, log_importance_weights
from vaelab.inference import FaceModel
from vaelab.losses import LIKELIHOODS, SIGMA_FLOOR
from vaelab.models.gaussian import DiagonalGaussian
from vaelab.rng import generator, random_rows
from vaelab.scorecard.training_faces import training_faces

NUM_SIGMA_FACES = 256
"""Training faces that the deviation is fitted to."""
BATCH = 32


def likelihood_section(
    model: FaceModel,
    data: Collection,
    faces: np.ndarray,
    num_faces: int,
    num_samples: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Bounds on log P of `num_faces` of the faces, by `num_samples` posterior samples each.

    The main figure takes one Gaussian deviation around the decoder's mean, fitted to training faces, whatever
    likelihood the model was trained with: so all models compare. The noise it was trained with follows, where that is
    a normalised distribution with a scale of its own.
    """
    if model.config.loss.is_deterministic:
        return {"refused": f"trained by {model.config.loss.objective}, which decodes mu alone: it has no posterior"}
    faces = random_rows(faces, num_faces, 0, "likelihood")
    num_values = 3 * model.size**2
    sigma, fitted_on = _fitted_deviation(model, data, faces)
    noises: dict[str, PixelNoise] = {"fitted_gaussian": PixelNoise("gaussian", sigma)}
    trained = model.config.loss.likelihood
    if trained in ("gaussian", "laplace"):
        noises[f"as_trained_{trained}"] = PixelNoise("gaussian" if trained == "gaussian" else "laplace", 1.0)
    weights = _log_weights(model, data, faces, list(noises.values()), num_samples, tell)
    report: dict[str, Any] = {
        "n": len(faces),
        "num_samples": num_samples,
        "trained_with": trained,
        "deviation_fitted_on": fitted_on,
        "discretised": "each of the 256 levels has the mass of its bin, the outermost ones their tails",
    }
    for place, (name, noise) in enumerate(noises.items()):
        bounds = Bounds.of(weights[:, place])
        elbo, importance = bounds.elbo.numpy(), bounds.importance.numpy()
        report[name] = {
            "scale": noise.scale,
            "elbo_nats": asdict(mean_with_interval(elbo)),
            "importance_bound_nats": asdict(mean_with_interval(importance))
            | {"standard_error": float(importance.std(ddof=1) / np.sqrt(len(faces))) if len(faces) > 1 else None},
            "bits_per_dim": asdict(bootstrapped(lambda nats: bits_per_dim(float(nats.mean()), num_values), importance)),
            "effective_samples": asdict(mean_with_interval(bounds.effective_samples.numpy())),
        }
    if trained == "bernoulli":
        report["not_measured"] = {
            "as_trained_bernoulli": "cross-entropy of grey values is no normalised density, so it gives no likelihood "
            "(Loaiza-Ganem and Cunningham, 2019)"
        }
    return report


def _posterior(model: FaceModel, images: torch.Tensor) -> DiagonalGaussian:
    posterior = model.network.encode(images).posterior
    assert posterior is not None
    return posterior


def _fitted_deviation(model: FaceModel, data: Collection, faces: np.ndarray) -> tuple[float, str]:
    """The best one deviation around pictures decoded from posterior samples, and which faces it was fitted to."""
    training = training_faces(model, data, NUM_SIGMA_FACES, "deviation")
    rows, words = (training, f"{len(training)} training faces") if len(training) else (faces, "the same faces")
    mean, noise = LIKELIHOODS[model.config.loss.likelihood].mean, generator(0, "deviation")
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            images = to_images(data.pixels(rows[start : start + BATCH])).to(model.device)
            posterior = _posterior(model, images)
            z = posterior.sample(torch.randn(posterior.mu.shape, generator=noise).to(model.device))
            total += float(in_double(mean(model.network.decode(z)) - images).square().sum())
    return max(float(np.sqrt(total / (len(rows) * 3 * model.size**2))), SIGMA_FLOOR), words


def _log_weights(
    model: FaceModel,
    data: Collection,
    faces: np.ndarray,
    noises: Sequence[PixelNoise],
    num_samples: int,
    tell: Callable[[str], None],
) -> Float[torch.Tensor, "samples noises faces"]:
    """Log importance weights under each noise; all of them look at the same decoded pictures."""
    mean, noise = LIKELIHOODS[model.config.loss.likelihood].mean, generator(0, "importance")
    parts = []
    with torch.inference_mode():
        for start in range(0, len(faces), BATCH):
            tell(f"likelihood, {num_samples} samples each, {start:,} of {len(faces):,} faces")
            images = to_images(data.pixels(faces[start : start + BATCH])).to(model.device)
            posterior = _posterior(model, images)
            eps = torch.randn(num_samples, *posterior.mu.shape, generator=noise).to(model.device)

            def log_likelihood(z: torch.Tensor, images: torch.Tensor = images) -> torch.Tensor:
                decoded = mean(model.network.decode(z))
                return torch.stack([each.log_mass(decoded, images) for each in noises])

            parts.append(log_importance_weights(posterior, eps, log_likelihood).cpu())
    return torch.cat(parts, dim=2)
