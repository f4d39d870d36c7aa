"""The same network, data, seed and images with each objective: `python -m benchmarks.objectives`.

Each row trains the small VAE on the lab's trunk anew and measures it on held-out faces. `--only NAME` makes one row and
leaves the others in the file as they are.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.inference import FaceModel
from vaelab.priors import fit_priors
from vaelab.runs.store import RUNS_DIR, Run, find_run
from vaelab.scorecard.encoding import encode_faces
from vaelab.scorecard.extractors import Extractor, detector_features
from vaelab.scorecard.generation import REFERENCE
from vaelab.scorecard.report import Amounts, evaluate
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

PRIORS = ("prior_standard", "prior_fitted", "prior_mixture", "prior_second_stage")
"""What new faces are drawn from, as the scorecard names it. A two-stage VAE is the second stage's draws decoded."""

NUM_KEPT = 10
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


def measure(run: Run, data: Collection, extractor: Extractor, num_faces: int) -> dict[str, Any]:
    """Reconstruction, latents and new faces of a finished run, on the first test faces; intervals are of 95 %."""
    model = FaceModel.load(run, with_latents=False)
    encode_faces(model, run, data, "val", NUM_KEPT)
    fit_priors(model, data).write(run)
    report = evaluate(
        FaceModel.load(run),
        data,
        limit=num_faces,
        parts=("reconstruction", "generation"),
        extractors=[extractor],
        amounts=Amounts(generated=num_faces),
    )
    reconstruction, ways = report["reconstruction"], report["generation"]["ways"]
    return {
        "held_by": run.config.loss.effective_beta,
        "psnr_db": reconstruction["psnr_db"],
        "ssim": reconstruction["ssim"],
        "sharpness_ratio": reconstruction["sharpness_ratio_median"],
        "active_units": reconstruction["active_units"],
        "kl_nats": reconstruction.get("kl_nats"),
        extractor.measure: {way: ways[way][extractor.measure] for way in (*PRIORS, "reconstruct", REFERENCE)},
        "train_seconds": run.status.train_seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the same small network with each objective and compare.")
    parser.add_argument("--only", choices=list(OBJECTIVES), action="append", help="rows to make; default: all")
    parser.add_argument("--num-images", type=int, default=51_200, help="images each row sees (default: %(default)s)")
    parser.add_argument("--num-faces", type=int, default=2_000, help="test faces to measure on (default: %(default)s)")
    parser.add_argument("--datasets", nargs="+", default=["fairface-64"], help="prepared data sets")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="where they lie (default: %(default)s)")
    parser.add_argument("--detector", default="cnn", help="run whose features compare pictures (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=OUT, help="file of the rows (default: %(default)s)")
    arguments = parser.parse_args()
    extractor = detector_features(FaceModel.load(find_run(arguments.detector, RUNS_DIR)))
    data = Collection.open(arguments.datasets, arguments.data_dir, extractor.size)
    conditions = {
        "num_images": arguments.num_images,
        "data": data.fingerprints,
        "extractor": extractor.about,
        "test_faces": len(data.rows("test", is_face=True, limit=arguments.num_faces)),
    }
    kept = json.loads(arguments.json.read_text(encoding="utf-8")) if arguments.json.is_file() else {}
    if {name: kept.get(name) for name in conditions} != conditions:  # rows of other conditions do not compare
        kept = {**conditions, "rows": {}}
    for objective in arguments.only or OBJECTIVES:
        with tempfile.TemporaryDirectory() as folder:
            run = Run.create(settings(arguments, objective), Path(folder), "row", data.fingerprints)
            run_training(run)
            kept["rows"][objective] = measure(run, data, extractor, arguments.num_faces)
        print(objective, json.dumps(kept["rows"][objective]))
        kept["rows"] = {name: kept["rows"][name] for name in OBJECTIVES if name in kept["rows"]}
        arguments.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
