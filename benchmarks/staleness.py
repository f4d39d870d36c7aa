"""How soon draw probabilities grow old: those of stale latents against fresh ones, on the way through a training.

`python -m benchmarks.staleness` trains `dbvae` for some passes over its faces, encodes some of them again and again and
compares what the resampling would make of latents so many passes old: the rank correlation of the probabilities, and
how much of the drawing would go to other faces (the total variation distance). With `--precision` it compares instead
what bfloat16 makes of the shipped `dbvae` with what float32 does.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from vaelab.config import replace
from vaelab.data.collection import Collection
from vaelab.debiasing import resampling
from vaelab.inference import FaceModel
from vaelab.recipes import RECIPES
from vaelab.runs.store import RUNS_DIR, Run
from vaelab.training.distributed import Ranks
from vaelab.training.feed import Feed
from vaelab.training.loop import train
from vaelab.training.resample import encode_faces

LOOKS_PER_PASS, MOST_PASSES_OLD = 2, 2
OUT = Path(__file__).with_name("staleness.json")


def measure(data_dir: Path, passes: int, num_faces: int) -> list[dict[str, Any]]:
    """A row for each pair of moments: the passes seen by then, how old the latents are, and how well they agree.

    The learning rate stays at its highest, so that later passes of the recipe change less than these.
    """
    config = replace(RECIPES["dbvae"], data_dir=str(data_dir), schedule="constant")
    data = Collection.open(config.data.datasets, data_dir, config.data.size)
    faces = data.rows("train", is_face=True)
    images_per_pass = 2 * len(faces)  # half of a batch are faces
    every = images_per_pass // LOOKS_PER_PASS
    total = passes * images_per_pass + config.optim.batch_size
    config = replace(
        config, num_images=total, report_every=every, checkpoint_every=every, validate_every=10**9
    )  # fmt: skip
    looked = data.pixels(faces[np.linspace(0, len(faces) - 1, num_faces).astype(int)])
    probs: dict[float, np.ndarray] = {}

    def look(report: dict[str, Any]) -> None:
        mu, _ = FaceModel.load(run, with_latents=False).encode(looked)
        probs[report["images_seen"] / images_per_pass] = resampling(mu, config.debias).sample_probs

    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(config, Path(folder), "staleness", data.fingerprints)
        train(run, look)
    return compared({moment: probs[moment] for moment in sorted(probs)[:-1]})  # the last is a batch after another


def of_precisions(data_dir: Path, num_faces: int) -> dict[str, Any]:
    """Draw probabilities by the shipped `dbvae` in bfloat16, as a resampling computes them, beside float32."""
    run = Run.open(RUNS_DIR / "dbvae")
    network = FaceModel.load(run, with_latents=False).network
    config = replace(run.config, data_dir=str(data_dir), max_faces=num_faces)
    data = Collection.open(config.data.datasets, data_dir, config.data.size)
    device = torch.device("cpu")
    feed = Feed(data, config, device, Ranks())
    probs = [
        resampling(encode_faces(network, feed, replace(config, precision=precision), device, Ranks())[0], config.debias)
        for precision in ("float32", "bfloat16")
    ]
    exact, halved = (drawn.sample_probs for drawn in probs)
    return {"faces": len(exact)} | agreement(exact, halved)


def compared(probs: Mapping[float, np.ndarray]) -> list[dict[str, Any]]:
    """A row for each two moments (passes seen) that are at most MOST_PASSES_OLD apart."""
    return [
        {
            "passes": round(now, 2),
            "passes_old": round(now - then, 2),
        }
        | agreement(probs[then], probs[now])
        for then in probs
        for now in probs
        if then < now < then + MOST_PASSES_OLD + 0.1
    ]


def agreement(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """How alike two sets of draw probabilities are: in their order, and in what they draw."""
    return {
        "rank_correlation": float(spearmanr(one, other).statistic),
        "drawn_elsewhere": float(np.abs(one - other).sum() / 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Compare draw probabilities of stale latents with those of fresh ones."
    )
    parser.add_argument("--passes", type=int, default=4, help="over all faces (default: %(default)s)")
    parser.add_argument("--num-faces", type=int, default=4_000, help="faces looked at (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=OUT, help="file of the rows (default: %(default)s)")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="prepared data sets (default: %(default)s)")
    parser.add_argument("--precision", action="store_true", help="compare bfloat16 with float32 instead")
    arguments = parser.parse_args()
    if arguments.precision:
        print(of_precisions(arguments.data_dir, arguments.num_faces))
        return
    rows = measure(arguments.data_dir, arguments.passes, arguments.num_faces)
    arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
