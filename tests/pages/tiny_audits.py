"""Small audits on disk, written through the real API: normal logits, no training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vaelab.audit.experiment import KNOWN_ARMS, Experiment, audit_base
from vaelab.audit.store import AUDITS_DIR, Audit
from vaelab.rng import numpy_generator

FINGERPRINTS = {"fairface-64": "0" * 64, "nonfaces-64": "1" * 64}
SIZES = {"five": 5, "twenty": 20, "sixty": 60, "many": 600}


def make_audit(
    root: Path, name: str, *, seeds: int = 6, done: int | None = None, arms: Sequence[str] = "ABC", gain: float = 0.7,
    sizes: dict[str, int] | None = None, negatives: int = 2000, exposure: bool = True,
    fpr: float = 0.01,
) -> Audit:  # fmt: skip
    """An audit of `seeds` seeds of which `done` are scored; C lifts the group `sixty` by `gain` standard deviations.

    Args:
        sizes: faces of each group; crossed with gender, there is no male `twenty`.
    """
    random = numpy_generator(0, "tests", name)
    sizes = sizes or SIZES
    groups = np.repeat(list(sizes), list(sizes.values()))
    number, done = len(groups), seeds if done is None else done
    base = audit_base(datasets=("fairface-64", "nonfaces-64"))
    known = {arm: KNOWN_ARMS[arm] for arm in arms}
    experiment = Experiment(name, base, known, tuple(range(seeds)), columns=("race",), fpr=fpr)
    audit = Audit.create(experiment, ("val", "test"), FINGERPRINTS, root=root / AUDITS_DIR)
    faces = pd.DataFrame(
        {
            "image_id": [f"val/{row}.jpg" for row in range(number)],
            "dataset": "fairface-64",
            "gender": np.where(groups == "twenty", "Female", np.resize(["Female", "Male"], number)),
            "race": groups,
        }
    )
    others = pd.DataFrame(
        {
            "image_id": [f"n{row}" for row in range(300)],
            "dataset": "nonfaces-64",
            "object_words": np.resize(["cup", "goldfish", "stone wall"], 300),
        }
    )
    level = np.where(groups == "sixty", 2.4, 3.4)
    shared = random.standard_normal(number)
    shared_negatives = random.standard_normal(negatives)
    for split in ("val", "test"):
        audit.write_pictures(split, "faces", faces)
        audit.write_pictures(split, "negatives", others)
        for arm in arms:
            lift = np.where((groups == "sixty") & (arm == "C"), gain, 0.0)
            for seed in range(done):
                arrays = {
                    "faces": level + lift + 0.8 * shared + 0.6 * random.standard_normal(number) + random.normal(0, 0.1),
                    "negatives": random.standard_normal(300),
                    "calibration": 0.8 * shared_negatives + 0.6 * random.standard_normal(negatives),
                }
                if arm != "A":
                    arrays["log_density"] = shared + random.standard_normal(number)
                audit.write_scores(split, arm, seed, arrays)
    if exposure and "C" in arms:
        for seed in range(done):
            audit.write_exposure("C", seed, drawn(seed))
    return audit


def drawn(seed: int) -> dict[str, object]:
    """What a resampling member drew."""
    return {
        "num_faces": 1000,
        "num_images": 64_000,
        "uniform_until": 16_000,
        "over_time": [
            {"images_seen": 16_000 * (step + 1), "effective_sample_size": 700.0 - 40 * step - seed,
             "effective_share": 0.7 - 0.04 * step, "num_active": 60, "largest_prob_times_faces": 9.0}
            for step in range(3)
        ],
        "groups": {
            "race": {"sixty": {"data": 0.1, "drawn": 0.13 + 0.002 * seed},
                     "many": {"data": 0.9, "drawn": 0.87 - 0.002 * seed}},
            "gender": {"Female": {"data": 0.5, "drawn": 0.52}, "Male": {"data": 0.5, "drawn": 0.48}},
        },
        "most_drawn": [{"image_id": f"train/{place}.jpg", "prob": 0.009} for place in range(1, 9)],
        "least_drawn": [{"image_id": f"train/{place}.jpg", "prob": 0.0004} for place in range(11, 19)],
    }  # fmt: skip
