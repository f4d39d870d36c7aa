"""The same network, data, seed and images with each objective: `python -m benchmarks.objectives`.

Each row trains the small VAE on the lab's trunk anew and measures it on held-out faces. `--only NAME` makes one row and
leaves the others in the file as they are.
"""

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.frechet import DetectorFeatures, frechet_distance
from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.reconstruction import mean_with_interval, psnr, sharpness
from vaelab.inference import FaceModel
from vaelab.runs.store import RUNS_DIR, Run, find_run
from vaelab.training.job import run_training

OPTIMAL = {"likelihood": "optimal-gaussian"}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "VAE, unit deviation": {"likelihood": "gaussian"},
    "optimal-sigma VAE": OPTIMAL,
    "beta-VAE": {**OPTIMAL, "beta": 4.0},
    "beta-TC": {**OPTIMAL, "objective": "beta-tc", "tc_weight": 6.0},
    "WAE-MMD": {**OPTIMAL, "objective": "wae-mmd", "mmd_weight": 50_000.0},
    "RAE-L2": {**OPTIMAL, "objective": "rae", "decoder_decay": 1.0},
    "perceptual": {**OPTIMAL, "perceptual_weight": 1.0},
}
"""What each row changes; all but the first reconstruct by the same likelihood."""

PRIORS = ("standard", "fitted")
"""What new faces are drawn from. A two-stage VAE is another prior on the network of `optimal-sigma VAE`: once
`FaceModel.sample_latents` knows `second-stage`, it is one more name here."""

FOLDS, FOLD_FACES, FITTED_FACES = 5, 1_000, 8_000
ACTIVE_VARIANCE = 0.01
CHUNK = 500
OUT = Path(__file__).with_name("objectives.json")


def settings(arguments: argparse.Namespace, objective: str) -> TrainConfig:
    """What all rows share, with what this one changes."""
    shared = TrainConfig(recipe="objectives")
    return replace(
        shared,
        datasets=tuple(arguments.datasets),
        data_dir=str(arguments.data_dir),
        model="vae",
        latent=64,
        num_images=arguments.num_images,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        report_every=arguments.num_images,
        validate_every=arguments.num_images,
        checkpoint_every=arguments.num_images,
        precision="float32",
        **OBJECTIVES[objective],
    )


def measure(run: Run, data: Collection, features: DetectorFeatures) -> dict[str, Any]:
    """Reconstruction, latents and new faces of a finished run, on the first test faces; intervals are of 95 %."""
    model = FaceModel.load(run, with_latents=False)
    faces = data.rows("test", is_face=True, limit=FOLDS * FOLD_FACES)
    quality, detail, means, nats = [], [], [], []
    for start in range(0, len(faces), CHUNK):
        pixels = data.pixels(faces[start : start + CHUNK])
        mu, std = model.encode(pixels)
        recon = model.decode(mu)
        quality.append(psnr(pixels, recon))
        detail.append(sharpness(recon) / np.maximum(sharpness(pixels), 1e-6))
        means.append(mu)
        nats.append(0.5 * (np.square(std) + np.square(mu) - 1 - 2 * np.log(std)).sum(axis=1))
    kl = None if run.config.loss.is_deterministic else mean_with_interval(np.concatenate(nats).astype(np.float64))
    return {
        "held_by": run.config.loss.effective_beta,
        "psnr_db": dataclasses.asdict(mean_with_interval(np.concatenate(quality))),
        "sharpness_ratio": dataclasses.asdict(mean_with_interval(np.concatenate(detail))),
        "active_units": int((np.concatenate(means).var(axis=0) > ACTIVE_VARIANCE).sum()),
        "kl_nats": kl and dataclasses.asdict(kl),
        "fd_cnn": _distances(model, data, faces, features),
        "train_seconds": run.status.train_seconds,
    }


def _distances(
    model: FaceModel, data: Collection, faces: np.ndarray, features: DetectorFeatures
) -> dict[str, dict[str, float]]:
    """Frechet distance of new faces by each prior to five disjoint lots of test faces, each lot with new draws."""
    known = data.rows("train", is_face=True, limit=FITTED_FACES)
    parts = [model.encode(data.pixels(known[start : start + CHUNK])) for start in range(0, len(known), CHUNK)]
    mu, std = (np.concatenate(side) for side in zip(*parts, strict=True))
    stored = StoredLatents.fit(mu, std, data.labels.iloc[known], np.arange(10), model.weights_fingerprint)
    model = dataclasses.replace(model, latents=stored)
    found = {}
    for prior in PRIORS:
        lots = [
            frechet_distance(
                features.of(data.pixels(faces[fold * FOLD_FACES : (fold + 1) * FOLD_FACES])),
                features.of(model.decode(model.sample_latents(FOLD_FACES, seed=fold, prior=prior))),
            )
            for fold in range(FOLDS)
        ]
        found[prior] = interval_over_lots(lots)
    return found


def interval_over_lots(lots: list[float]) -> dict[str, float]:
    """Mean of independent values and its 95 % interval by Student's t."""
    middle = float(np.mean(lots))
    reach = float(stats.t.ppf(0.975, len(lots) - 1) * np.std(lots, ddof=1) / np.sqrt(len(lots)))
    return {"mean": middle, "low": middle - reach, "high": middle + reach, "n": len(lots)}


def real_distance(data: Collection, features: DetectorFeatures) -> dict[str, float]:
    """The same distance between photographs: what no model can be expected to fall below."""
    test = data.rows("test", is_face=True, limit=FOLDS * FOLD_FACES).reshape(FOLDS, -1)
    train = data.rows("train", is_face=True, limit=FOLDS * FOLD_FACES).reshape(FOLDS, -1)
    lots = zip(test, train, strict=True)
    return interval_over_lots(
        [frechet_distance(features.of(data.pixels(one)), features.of(data.pixels(other))) for one, other in lots]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the same small network with each objective and compare.")
    parser.add_argument("--only", choices=list(OBJECTIVES), action="append", help="rows to make; default: all")
    parser.add_argument("--num-images", type=int, default=20_480, help="images each row sees (default: %(default)s)")
    parser.add_argument("--datasets", nargs="+", default=["fairface-64"], help="prepared data sets")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="where they lie (default: %(default)s)")
    parser.add_argument("--detector", default="cnn", help="run whose features compare pictures (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=OUT, help="file of the rows (default: %(default)s)")
    arguments = parser.parse_args()
    features = DetectorFeatures.load(find_run(arguments.detector, RUNS_DIR))
    data = Collection.open(arguments.datasets, arguments.data_dir, features.size)
    conditions = {
        "num_images": arguments.num_images,
        "data": data.fingerprints,
        "extractor": f"penultimate features of {arguments.detector}, weights {features.weights_fingerprint}",
        "test_faces": len(data.rows("test", is_face=True, limit=FOLDS * FOLD_FACES)),
    }
    kept = json.loads(arguments.json.read_text(encoding="utf-8")) if arguments.json.is_file() else {}
    if {name: kept.get(name) for name in conditions} != conditions:  # rows of other conditions do not compare
        kept = {**conditions, "photographs_fd_cnn": real_distance(data, features), "rows": {}}
    for objective in arguments.only or OBJECTIVES:
        with tempfile.TemporaryDirectory() as folder:
            run = Run.create(settings(arguments, objective), Path(folder), "row", data.fingerprints)
            run_training(run)
            kept["rows"][objective] = measure(run, data, features)
        print(objective, json.dumps(kept["rows"][objective]))
        kept["rows"] = {name: kept["rows"][name] for name in OBJECTIVES if name in kept["rows"]}
        arguments.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
