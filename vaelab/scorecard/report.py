"""What `evaluate` finds out: reconstruction beside PCA, latents, detection by group; each number with its n."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from vaelab.data.collection import Collection
from vaelab.data.groups import group_columns
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.directions import Directions
from vaelab.evaluation.familiarity import MIN_FACES, Familiarity
from vaelab.evaluation.groups import detection
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.reconstruction import PrincipalComponents, mean_with_interval, psnr, sharpness
from vaelab.inference import FaceModel
from vaelab.rng import numpy_generator
from vaelab.runs.store import Run

FALSE_POSITIVE_RATES = (0.05, 0.01, 0.001)
MAX_PCA_FACES = 16_000
CHUNK = 512


def evaluate(
    model: FaceModel,
    data: Collection,
    split: str = "test",
    limit: int = 0,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """The report of a model on one split of prepared data.

    Args:
        limit: look at the first so many faces and non-faces of each split; 0 at all.
        progress: told what is being measured.

    Raises:
        DataError: the split has no faces, or too few calibration negatives.
    """
    tell = progress or (lambda _: None)
    faces = data.rows(split, is_face=True, limit=limit)
    if not len(faces):
        raise DataError(f"the data sets have no faces in split {split!r}; choose another with --split")
    report: dict[str, Any] = {
        "model": model.about(),
        "data": data.fingerprints,
        "split": split,
        "num_faces": len(faces),
        "crop": {store.manifest.name: store.manifest.crop for store in data.stores},
    }
    if model.has_decoder:
        tell("reconstructions")
        report["reconstruction"] = _reconstruction(model, data, faces, tell)
    if model.has_detector:
        tell("detection")
        report["detection"] = _detection(model, data, faces, split, limit)
    return report


def encode_faces(model: FaceModel, run: Run, data: Collection, split: str, num_kept: int) -> StoredLatents:
    """Encode all faces of a split and keep the statistics, and `num_kept` posterior means, in the run's folder.

    Beside them go directions learned from their labels, unless the run has some for these weights, and how far
    other held-out faces are from what the model knows (`Familiarity`).

    Raises:
        ConfigError: the model has no decoder.
        DataError: there are not more faces than latents.
    """
    rows = data.rows(split, is_face=True)
    if len(rows) <= model.latent_size:
        raise DataError(f"{len(rows)} faces cannot fit a Gaussian over {model.latent_size} latents; encode more")
    parts = [model.encode(data.pixels(rows[start : start + CHUNK])) for start in range(0, len(rows), CHUNK)]
    mu, std = (np.concatenate(side) for side in zip(*parts, strict=True))
    keep = np.sort(numpy_generator(0, "kept latents").permutation(len(rows))[:num_kept])
    labels = data.labels.iloc[rows].drop(columns=["is_face", "dataset"]).dropna(axis=1, how="all")
    stored = StoredLatents.fit(mu, std, labels, keep, model.weights_fingerprint)
    stored.write(run)
    _keep_directions(run, mu, labels, model.weights_fingerprint)
    _keep_familiarity(model, run, data, stored, "test" if split == "val" else "val")
    return stored


def _keep_directions(run: Run, mu: np.ndarray, labels: pd.DataFrame, weights_fingerprint: str) -> None:
    """Learn them, unless those that are kept belong to these weights: `directions` learns from more faces."""
    if not (run.directions_path.is_file() and Directions.read(run).weights_fingerprint == weights_fingerprint):
        Directions.fit(mu, labels, weights_fingerprint).write(run)


def _keep_familiarity(model: FaceModel, run: Run, data: Collection, stored: StoredLatents, split: str) -> None:
    """Rank the faces of a split that the prior was not fitted to; without enough of them there is nothing to keep."""
    run.familiarity_path.unlink(missing_ok=True)
    rows = data.rows(split, is_face=True)
    if len(rows) < MIN_FACES:
        return
    parts = []
    for start in range(0, len(rows), CHUNK):
        pixels = data.pixels(rows[start : start + CHUNK])
        mu = model.encode(pixels)[0]
        parts.append((pixels, model.decode(mu), mu))
    pixels, recon, mu = (np.concatenate(side) for side in zip(*parts, strict=True))
    Familiarity.fit(pixels, recon, mu, stored, model.weights_fingerprint).write(run)


def _reconstruction(
    model: FaceModel, data: Collection, faces: np.ndarray, tell: Callable[[str], None]
) -> dict[str, Any]:
    quality, detail = [], []
    kl = np.zeros(model.latent_size)
    means = []
    for start in range(0, len(faces), CHUNK):
        pixels = data.pixels(faces[start : start + CHUNK])
        mu, std = model.encode(pixels)
        recon = model.decode(mu)
        quality.append(psnr(pixels, recon))
        detail.append(sharpness(recon) / np.maximum(sharpness(pixels), 1e-6))
        kl += 0.5 * (np.square(std) + np.square(mu) - 1 - 2 * np.log(std)).sum(axis=0)
        means.append(mu)
    kl /= len(faces)
    report = {
        "psnr_db": asdict(mean_with_interval(np.concatenate(quality))),
        "sharpness_ratio_median": float(np.median(np.concatenate(detail))),
        "kl_nats": float(kl.sum()),
        "kl_per_dim_nats": [round(float(value), 4) for value in kl],
        "active_units": int((np.concatenate(means).var(axis=0) > 0.01).sum()),
    }
    training = data.rows("train", is_face=True)
    if len(training) > model.latent_size:
        tell(f"PCA with {model.latent_size} components")
        if len(training) > MAX_PCA_FACES:
            training = training[numpy_generator(0, "pca").choice(len(training), MAX_PCA_FACES, replace=False)]
        linear = PrincipalComponents.fit(data.pixels(training), model.latent_size)
        chunks = (data.pixels(faces[start : start + CHUNK]) for start in range(0, len(faces), CHUNK))
        pca_quality = np.concatenate([psnr(pixels, linear.reconstruct(pixels)) for pixels in chunks])
        report["pca_psnr_db"] = asdict(mean_with_interval(pca_quality)) | {"num_fitted": len(training)}
        report["psnr_over_pca_db"] = asdict(mean_with_interval(np.concatenate(quality) - pca_quality))
    return report


def _detection(model: FaceModel, data: Collection, faces: np.ndarray, split: str, limit: int) -> dict[str, Any]:
    def logits(rows: np.ndarray) -> np.ndarray:
        parts = [model.face_logit(data.pixels(rows[s : s + CHUNK])) for s in range(0, len(rows), CHUNK)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    calibration = data.rows("calibration", is_face=False)
    negatives = data.rows(split, is_face=False, limit=limit)
    if not len(negatives):
        raise ConfigError(f"no non-faces in split {split!r}; evaluate a detector on data sets that hold some")
    labels = data.labels.iloc[faces]
    columns = group_columns(labels)
    face_scores, calibration_scores, negative_scores = logits(faces), logits(calibration), logits(negatives)
    report: dict[str, Any] = {"num_negatives": len(negatives)}
    for fpr in FALSE_POSITIVE_RATES:
        if len(calibration) < 10 / fpr:
            report[f"fpr_{fpr:g}"] = {
                "refused": f"needs {10 / fpr:.0f} calibration negatives, there are {len(calibration)}"
            }
            continue
        report[f"fpr_{fpr:g}"] = detection(
            face_scores, labels, calibration_scores, negative_scores, fpr, columns
        ).to_dict()
    return report
