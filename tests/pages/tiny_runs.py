"""Small real runs, made through the real API: a VAE of eight latents on 32-pixel pictures, with stored latents."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaelab.config import TrainConfig, replace
from vaelab.data.manifest import MANIFEST_FILE, Manifest
from vaelab.runs.store import RUNS_DIR, Run, RunStatus

LATENT, STORED, FILMED = 8, 240, 60


def make_run(
    root: Path, name: str, *, state: str = "done", weights: bool = True, latents: bool = True, card: str = ""
) -> Run:
    """A run folder under `root`; with weights its faces can be drawn, with latents it has a fitted prior."""
    tiny = {"model": "residual", "latent": LATENT, "size": 32, "width": 4}
    config = replace(TrainConfig(recipe="tiny"), **tiny, datasets=("fairface-64",))
    run = Run.create(config, root=root / RUNS_DIR, name=name)
    run.write_status(RunStatus(state=state, images_seen=12_000 if weights else 0))
    if weights:
        write_weights(run, seed=len(name))
    if weights and latents:
        write_latents(run)
    if card:
        (run.dir / "README.md").write_text(card, encoding="utf-8")
    return run


def make_detector(
    root: Path, name: str, model: str = "cnn", *, size: int = 32, threshold: float | None = None, **settings: Any
) -> Run:
    """A run that detects; with a threshold it has a report that sets it at 1 % false positives. A dbvae draws too."""
    tiny = {"model": model, "latent": LATENT, "size": size, "datasets": ("fairface-64",)}
    config = replace(TrainConfig(recipe="tiny"), **tiny, **settings)
    run = Run.create(config, root=root / RUNS_DIR, name=name)
    run.write_status(RunStatus(state="done", images_seen=12_000))
    write_weights(run, seed=len(name))
    if model == "dbvae":
        write_latents(run)
    if threshold is not None:
        from vaelab.inference import FaceModel

        fingerprint = FaceModel.load(run, with_latents=False).weights_fingerprint
        measured = {"threshold": threshold, "num_calibration": 10_000}
        run.write_report("test", {"model": {"weights": fingerprint}, "detection": {"fpr_0.01": measured}})
    return run


def keep_photo_threshold(run: Run, logit: float) -> None:
    """As if a detector's false alarms had been counted in photos, and gave this threshold for any number of them."""
    from vaelab.detection.search import Search
    from vaelab.detection.thresholds import RATES, REPORT
    from vaelab.inference import FaceModel

    weights = FaceModel.load(run, with_latents=False).weights_fingerprint
    alarms = {f"{rate:g}": {"threshold": logit} for rate in RATES}
    run.write_report(
        REPORT,
        {
            "model": {"weights": weights},
            "num_photos": 100,
            "mean_megapixels": 0.3,
            "search": asdict(Search()),
            "false_alarms_per_photo": alarms,
        },
    )


def make_drawn(root: Path, *names: str) -> None:
    """As if the program had drawn these data sets: manifests alone."""
    for name in names:
        counts = {"by_is_face": {"true": 12, "false": 0}}
        manifest = Manifest(name, "synthetic", "whole", 32, counts, "0" * 64, "drawn")
        (root / "data" / name).mkdir(parents=True)
        (root / "data" / name / MANIFEST_FILE).write_text(manifest.to_json())


def make_narrow(root: Path, name: str, *, latents: bool = True) -> Run:
    """A VAE of a single latent; without stored latents it has a single slider too."""
    from vaelab.evaluation.latents import StoredLatents
    from vaelab.inference import FaceModel

    config = replace(TrainConfig(recipe="tiny"), model="residual", latent=1, size=32, width=4)
    run = Run.create(config, root=root / RUNS_DIR, name=name)
    run.write_status(RunStatus(state="done", images_seen=12_000))
    write_weights(run, seed=1)
    if not latents:
        return run
    mu = np.random.default_rng(3).standard_normal((STORED, 1)).astype(np.float32)
    labels = pd.DataFrame({"image_id": [f"train/{index}" for index in range(STORED)], "split": "train"})
    fingerprint = FaceModel.load(run).weights_fingerprint
    StoredLatents.fit(mu, np.full_like(mu, 0.5), labels, np.arange(STORED), fingerprint).write(run)
    return run


def write_weights(run: Run, seed: int) -> None:
    """New random weights for `run`."""
    from vaelab.models import build_model
    from vaelab.runs.checkpoints import write_checkpoint

    network = build_model(replace(run.config, seed=seed))
    write_checkpoint(run, run.weights_path, network.state_dict(), {"images_seen": 12_000})


def make_deterministic(run: Run) -> None:
    """As if `run` had been trained with rae: its encoder gives points, no posteriors."""
    path = run.dir / "config.json"
    record = json.loads(path.read_text())
    record["config"]["loss"] |= {"objective": "rae", "likelihood": "gaussian"}
    path.write_text(json.dumps(record))


def write_latents(run: Run) -> None:
    """Stored latents for the weights that `run` has now; latent 5 tells most, latent 2 nothing, latent 1 gender."""
    from vaelab.evaluation.latents import StoredLatents
    from vaelab.inference import FaceModel

    run.latents_path.unlink(missing_ok=True)
    random = np.random.default_rng(3)
    scale = np.array([1, 0.8, 0, 0.9, 0.7, 2, 1.1, 0.6])
    mu = (random.standard_normal((STORED, LATENT)) * scale).astype(np.float32)
    mu[::2, 1] += 1.5  # so that gender is told apart by latent 1
    std = np.full_like(mu, 0.5)
    std[:, 2] = 1.0
    labels = pd.DataFrame(
        {
            "image_id": [f"train/{index}" for index in range(STORED)],
            "split": "train",
            "gender": ["Female", "Male"] * (STORED // 2),
            "age": ["3-9", "20-29", "more than 70", "10-19"] * (STORED // 4),
        }
    )
    fingerprint = FaceModel.load(run).weights_fingerprint
    StoredLatents.fit(mu, std, labels, np.arange(STORED), fingerprint).write(run)


def write_priors(run: Run) -> None:
    """Fitted priors for the weights and latents that `run` has now; the mixture is the likeliest."""
    from vaelab.evaluation.fitted_priors import FittedPriors, Likelihood
    from vaelab.evaluation.intervals import MeanWithInterval
    from vaelab.evaluation.priors import Mixture, SecondStage
    from vaelab.inference import FaceModel

    model = FaceModel.load(run)
    assert model.latents is not None
    mean, factor = model.latents.prior_mean, model.latents.prior_factor
    random = np.random.default_rng(4)
    weights = tuple(random.normal(0, 0.3, shape).astype(np.float32) for shape in ((LATENT, 6), (6, 2 * LATENT)))
    stage = SecondStage(mean, factor, weights, (np.zeros(6, np.float32), np.full(2 * LATENT, -0.3, np.float32)))
    mixture = Mixture(np.array([0.4, 0.6], np.float32), np.stack([mean - 0.5, mean + 0.4]), np.stack([factor, factor]))
    gains = {"standard": 0.0, "fitted": 1.0, "mixture": 3.0, "second-stage": 2.0}
    likelihoods = {
        name: Likelihood(
            MeanWithInterval(gain - 9, gain - 10, gain - 8, STORED),
            MeanWithInterval(gain, gain - 1, gain + 1, STORED),
            99,
        )
        for name, gain in gains.items()
    }
    FittedPriors(mixture, stage, likelihoods, "train", "val", model.weights_fingerprint).write(run)


def write_frames(run: Run, count: int = 4) -> list[str]:
    """Frames as a training leaves them, of 60 faces that gender and age tell apart ever better; their image ids."""
    from vaelab.evaluation.frames import write_faces, write_frame

    random = np.random.default_rng(5)
    goal = random.standard_normal((FILMED, LATENT)) * np.linspace(2, 0.3, LATENT)
    goal[::2, 0] += 3.0
    names = [f"val/{index}" for index in range(FILMED)]
    labels = {"gender": ["Female", "Male"] * (FILMED // 2), "age": ["3-9", "20-29", "30-39"] * (FILMED // 3)}
    write_faces(run, pd.DataFrame({"image_id": names, "split": "val", **labels}))
    for frame in range(count):
        share = (frame + 1) / count
        mu = share * goal + (1 - share) * random.standard_normal((FILMED, LATENT))
        write_frame(run, 3_000 * (frame + 1), mu.astype(np.float32), np.full(LATENT, 0.5, np.float32), names)
    return names
