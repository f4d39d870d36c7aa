"""How near a model's reconstructions come, beside PCA of as many components, and how it spends its latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from vaelab.data.collection import Collection
from vaelab.evaluation.intervals import bootstrapped, mean_with_interval
from vaelab.evaluation.reconstruction import PrincipalComponents, psnr, sharpness, ssim
from vaelab.inference import FaceModel
from vaelab.passes import drawn, encoded
from vaelab.scorecard.training_faces import training_faces

MAX_PCA_FACES = 16_000
ACTIVE_VARIANCE = 0.01
"""A latent is active where the variance of `mu` over faces exceeds this (Burda et al., 2016)."""
CHUNK = 512


def reconstruction_section(
    model: FaceModel, data: Collection, faces: np.ndarray, tell: Callable[[str], None]
) -> dict[str, Any]:
    """PSNR, SSIM and sharpness of reconstructions from `mu`; KL by latent, active latents; PCA beside it.

    An objective that decodes `mu` itself trains no deviation, so there is no KL to speak of.
    """
    quality, likeness, detail, kl, means = [], [], [], [], []
    for start in range(0, len(faces), CHUNK):
        tell(f"reconstructions, {start:,} of {len(faces):,} faces")
        pixels = data.pixels(faces[start : start + CHUNK])
        mu, std = encoded(model, pixels)
        recon = drawn(model, mu)
        quality.append(psnr(pixels, recon))
        likeness.append(ssim(pixels, recon))
        detail.append(sharpness(recon) / np.maximum(sharpness(pixels), 1e-6))
        if not model.config.loss.is_deterministic:
            kl.append(0.5 * (np.square(std) + np.square(mu) - 1 - 2 * np.log(std)))
        means.append(mu)
    report: dict[str, Any] = {
        "psnr_db": asdict(mean_with_interval(np.concatenate(quality))),
        "ssim": asdict(mean_with_interval(np.concatenate(likeness))),
        "sharpness_ratio_median": asdict(bootstrapped(_median, np.concatenate(detail))),
        "active_units": asdict(bootstrapped(_num_active, np.concatenate(means), resamples=200)),
    }
    if kl:
        by_face = np.concatenate(kl)
        report["kl_nats"] = asdict(mean_with_interval(by_face.sum(axis=1)))
        report["kl_per_dim_nats"] = [round(float(value), 4) for value in by_face.mean(axis=0)]
    return report | _beside_pca(model, data, faces, np.concatenate(quality), tell)


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


def _num_active(mu: np.ndarray) -> float:
    return float((mu.var(axis=0) > ACTIVE_VARIANCE).sum())


def _beside_pca(
    model: FaceModel, data: Collection, faces: np.ndarray, quality: np.ndarray, tell: Callable[[str], None]
) -> dict[str, Any]:
    """PSNR of the linear model of as many numbers, fitted to training faces; nothing where these are too few."""
    training = training_faces(model, data, MAX_PCA_FACES, "pca")
    if len(training) <= model.latent_size:
        return {}
    tell(f"PCA with {model.latent_size} components")
    linear = PrincipalComponents.fit(data.pixels(training), model.latent_size)
    chunks = (data.pixels(faces[start : start + CHUNK]) for start in range(0, len(faces), CHUNK))
    pca_quality = np.concatenate([psnr(pixels, linear.reconstruct(pixels)) for pixels in chunks])
    return {
        "pca_psnr_db": asdict(mean_with_interval(pca_quality)) | {"num_fitted": len(training)},
        "psnr_over_pca_db": asdict(mean_with_interval(quality - pca_quality)),
    }
