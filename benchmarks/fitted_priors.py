"""Does a fitted prior draw better faces than N(0, I)? Frechet distances by prior and temperature, with intervals.

`python -m benchmarks.fitted_priors`: priors and temperatures are compared on training faces, which choose one; that one
is then measured on the test faces, beside N(0, I), on which nothing was chosen.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vaelab.data.collection import Collection
from vaelab.evaluation.generation import REPEATS, frechet_distance, frechet_with_interval
from vaelab.evaluation.intervals import from_half_samples, half_samples
from vaelab.inference import FaceModel
from vaelab.passes import drawn
from vaelab.rng import numpy_generator
from vaelab.runs.store import RUNS_DIR, find_run
from vaelab.scorecard.extractors import Extractor, detector_features

TEMPERATURES = (0.9, 1.0, 1.1, 1.2, 1.3)
OUT = Path(__file__).with_name("fitted_priors.json")
Features = np.ndarray


def features(model: FaceModel, extractor: Extractor, count: int, prior: str, temperature: float, seed: int) -> Features:
    """What the extractor sees in `count` faces of a prior; one seed gives every prior the same noise."""
    return extractor.features(drawn(model, model.sample_latents(count, seed, prior, temperature)))


def improvement(real: Features, before: Features, after: Features) -> dict[str, float]:
    """How far the distance falls from `before` to `after`; halves of all three are taken together."""
    halves = [list(half_samples(len(side), REPEATS, place)) for place, side in enumerate((real, before))]
    falls = [
        frechet_distance(real[mine], before[theirs]) - frechet_distance(real[mine], after[theirs])
        for mine, theirs in zip(*halves, strict=True)
    ]
    whole = frechet_distance(real, before) - frechet_distance(real, after)
    return asdict(from_half_samples(whole, falls, len(after)))


def measure(model: FaceModel, data: Collection, extractor: Extractor, num_chosen: int, num_test: int) -> dict[str, Any]:
    """The table on training faces, what it chose, and that on test faces beside N(0, I)."""
    training = data.rows("train", is_face=True)
    some = np.sort(numpy_generator(0, "fitted priors").choice(training, min(num_chosen, len(training)), replace=False))
    real = extractor.features(data.pixels(some))
    table: list[dict[str, Any]] = [
        {"prior": prior, "temperature": heat, extractor.measure: frechet_distance(
            real, features(model, extractor, len(real), prior, heat, 0))}
        for prior in model.priors
        for heat in TEMPERATURES
    ]  # fmt: skip
    best = min((row for row in table if row["prior"] != "standard"), key=lambda row: float(row[extractor.measure]))
    prior, heat = str(best["prior"]), float(best["temperature"])
    test = extractor.features(data.pixels(data.rows("test", is_face=True, limit=num_test)))
    plain = features(model, extractor, len(test), "standard", 1.0, 1)
    heated = features(model, extractor, len(test), "standard", heat, 1)
    fitted = features(model, extractor, len(test), prior, heat, 1)
    return {
        "model": model.about(),
        "data": data.fingerprints,
        "extractor": extractor.about,
        "chosen_on": {"split": "train", "n": len(real), "table": table},
        "chosen": {"prior": prior, "temperature": heat},
        "test": {
            "n": len(test),
            "standard": asdict(frechet_with_interval(test, plain)),
            "standard_heated": asdict(frechet_with_interval(test, heated)),
            "fitted": asdict(frechet_with_interval(test, fitted)),
            "improvement": improvement(test, plain, fitted),
            "improvement_over_heated": improvement(test, heated, fitted),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare a model's fitted priors with N(0, I).")
    parser.add_argument("run", nargs="?", default="face-vae", help="run with fitted priors (default: %(default)s)")
    parser.add_argument("--datasets", nargs="+", default=["fairface-64"], help="prepared data sets")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="where they lie (default: %(default)s)")
    parser.add_argument("--detector", default="cnn", help="run whose features compare faces (default: %(default)s)")
    parser.add_argument("--num-chosen", type=int, default=2_000, help="faces that choose (default: %(default)s)")
    parser.add_argument("--num-test", type=int, default=5_000, help="faces that measure (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=OUT, help="file of the result (default: %(default)s)")
    arguments = parser.parse_args()
    model = FaceModel.load(find_run(arguments.run, RUNS_DIR))
    extractor = detector_features(FaceModel.load(find_run(arguments.detector, RUNS_DIR)))
    data = Collection.open(arguments.datasets, arguments.data_dir, model.size)
    found = measure(model, data, extractor, arguments.num_chosen, arguments.num_test)
    arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found["test"], indent=1))


if __name__ == "__main__":
    main()
