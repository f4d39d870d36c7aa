"""Every project the lab grew from, trained and measured: `python -m benchmarks.recipes`, an hour on two cores.

The runs stay under `checkpoints/` by the name of their recipe, where every page shows them; one that is there already
with the same settings is resumed or measured as it is. `--only NAME` makes one row and leaves the others as they are.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.errors import RunError
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.regions import eyes_sentence
from vaelab.inference import FaceModel
from vaelab.pictures import contact_sheet, save_generated
from vaelab.priors import fit_priors
from vaelab.recipes import RECIPES
from vaelab.results import NUM_FACES, picture_name, write_pictures
from vaelab.runs.store import RUNS_DIR, Run, find_run
from vaelab.scorecard.encoding import encode_faces
from vaelab.scorecard.extractors import Extractor, detector_features
from vaelab.scorecard.report import Amounts, evaluate
from vaelab.training.job import run_training

SHOWN = ("mit-vae", "mit-dbvae", "face-producer")
"""Recipes that draw, on pictures whose licence lets what is learned from them be shown, with weights that mean
something."""
SHEET = Path(__file__).parents[1] / ".github" / "recipes.png"
OUT = Path(__file__).with_name("recipes.json")
PARTS = ("reconstruction", "generation", "likelihood", "detection")


SCALES: dict[str, dict[str, Any]] = {
    "mit-vae": {},
    "mit-cnn": {},
    "mit-dbvae": {},
    "face-producer": {"num_images": 180_000},
    "vgg19-transfer": {"backbone": "random", "max_faces": 1_500, "num_images": 7_500},
    "anime": {"num_images": 180_000},
}
"""The projects in their order and what is cut of those that two cores would take hours for, as flags of `python -m
vaelab train`; the recipes hold the published amounts."""


def settings(recipe: str, data_dir: Path) -> TrainConfig:
    """The recipe with its scale."""
    config = replace(RECIPES[recipe], **SCALES[recipe], data_dir=str(data_dir))
    images = config.optim.num_images
    return replace(config, report_every=images // 40, validate_every=images // 5, checkpoint_every=images // 5)


def trained(config: TrainConfig, root: Path, data: Collection) -> Run:
    """The finished run of a config, by the name of its recipe."""
    try:
        run = find_run(config.recipe, root)
    except RunError:
        run = Run.create(config, root, config.recipe, data.fingerprints)
    if run.config != config:
        raise SystemExit(f"{run.dir} holds a run with other settings; move it away, or give --root")
    if run.status.state != "done":
        run_training(run)
    return run


def measured(run: Run, data: Collection, extractor: Extractor, num_faces: int) -> dict[str, Any]:
    """The scorecard's figures of a run on the first held-out faces; intervals are of 95 %."""
    model = FaceModel.load(run, with_latents=False)
    split = "test" if len(data.rows("test", is_face=True)) else "val"
    if model.has_decoder:
        has_enough = len(data.rows(split, is_face=True)) > model.latent_size
        if not knows_its_latents(run, model):
            encode_faces(model, run, data, split if has_enough else "train", num_kept=2_000)
        fit_priors(FaceModel.load(run), data).write(run)
        model = FaceModel.load(run)
    parts = [part for part in PARTS if (model.has_detector if part == "detection" else model.has_decoder)]
    amounts = Amounts(generated=num_faces, likelihood=32, importance=32)
    report = evaluate(model, data, split, num_faces, parts=parts, extractors=[extractor], amounts=amounts)
    run.write_report(split, report)
    write_pictures(run, model, data)
    return {"split": split, **report}


def knows_its_latents(run: Run, model: FaceModel) -> bool:
    """Whether faces were encoded by these weights already: a frozen VGG19 takes an hour of it on two cores."""
    return run.latents_path.is_file() and StoredLatents.read(run).weights_fingerprint == model.weights_fingerprint


def row(run: Run, report: dict[str, Any], extractor: Extractor) -> dict[str, Any]:
    """What the README says of a recipe."""
    found: dict[str, Any] = {
        "flags": SCALES[run.config.recipe],
        "data": report["data"],
        "split": report["split"],
        "num_faces": report["num_faces"],
        "train_seconds": run.status.train_seconds,
    }
    if reconstruction := report.get("reconstruction"):
        found |= {name: reconstruction[name] for name in ("psnr_db", "ssim", "active_units")}
        found["kl_nats"] = reconstruction.get("kl_nats")
        found["pca_psnr_db"] = reconstruction.get("pca_psnr_db")
        found["bits_per_dim"] = report["likelihood"]["fitted_gaussian"]["bits_per_dim"]
        ways = report["generation"]["ways"]
        found[extractor.measure] = {name: way[extractor.measure] for name, way in ways.items()}
    if detection := report.get("detection"):
        at_one = detection["fpr_0.01"]
        found["recall"], found["realised_fpr"] = at_one["overall"], at_one["realised_fpr"]
    seen = [line["regions"] for line in run.metrics("validation") if line.get("regions")]
    if seen:
        found["eyes"] = [regions["explained"] for regions in seen]
        found["eyes_sentence"] = eyes_sentence(seen[-1])
    return found


def sheet(recipes: Sequence[str], root: Path) -> np.ndarray:
    """Three rows a recipe: reconstructions of held-out faces, and faces from N(0, I) and from the mixture."""
    rows = []
    for recipe in recipes:
        run = find_run(recipe, root)
        model = FaceModel.load(run)
        rows.append(np.asarray(Image.open(run.dir / picture_name("reconstructions")).convert("RGB")))
        drawn = [model.decode(model.sample_latents(NUM_FACES, 0, prior)) for prior in ("standard", "mixture")]
        rows += [contact_sheet(pixels, NUM_FACES, gap=0) for pixels in drawn]
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train and measure the five projects.")
    parser.add_argument("--only", choices=list(SCALES), action="append", help="rows to make; default: all")
    parser.add_argument("--num-faces", type=int, default=1_000, help="held-out faces (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="prepared data sets (default: %(default)s)")
    parser.add_argument("--detector", default="cnn", help="run whose features compare pictures (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=OUT, help="file of the rows (default: %(default)s)")
    arguments = parser.parse_args()
    extractor = detector_features(FaceModel.load(find_run(arguments.detector, RUNS_DIR)))
    kept = json.loads(arguments.json.read_text(encoding="utf-8")) if arguments.json.is_file() else {}
    for recipe in arguments.only or SCALES:
        config = settings(recipe, arguments.data_dir)
        data = Collection.open(config.data.datasets, arguments.data_dir, config.data.size)
        run = trained(config, arguments.root, data)
        kept[recipe] = row(run, measured(run, data, extractor, arguments.num_faces), extractor)
        kept = {name: kept[name] for name in SCALES if name in kept}
        arguments.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        print(recipe, json.dumps(kept[recipe]))
    if all((arguments.root / recipe).is_dir() for recipe in SHOWN):
        save_generated(sheet(SHOWN, arguments.root), SHEET, {"recipes": list(SHOWN)})


if __name__ == "__main__":
    main()
