"""What resampling costs a training of `dbvae` on all faces there are: `python -m benchmarks.resampling`."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.training import prepared
from vaelab.config import replace
from vaelab.data.collection import Collection
from vaelab.recipes import RECIPES
from vaelab.runs.store import Run
from vaelab.training.loop import train

WINDOW = 8_192
"""Images between two reports."""


def measure(data_dir: Path, resamplings: int) -> dict[str, Any]:
    """Seconds of resamplings, each between windows without one, and their share at the rate of the recipe."""
    with tempfile.TemporaryDirectory() as folder:
        config = replace(prepared(RECIPES["dbvae"], data_dir, Path(folder)), max_faces=0)
        data = Collection.open(config.data.datasets, Path(config.data.data_dir), config.data.size)
        faces = len(data.rows("train", is_face=True))
        often = replace(
            config, refresh_every=4 * WINDOW, num_images=(4 * resamplings + 1) * WINDOW, report_every=WINDOW,
            validate_every=10**9, checkpoint_every=10**9,
        )  # fmt: skip
        run = Run.create(often, Path(folder) / "runs", "resampling", data.fingerprints)
        train(run)
        rows = run.metrics("train")[1:]
    pace = median(WINDOW / row["seconds"] for row in rows if not row["resample_share"])
    took = [row["resample_share"] * row["seconds"] for row in rows if row["resample_share"]]
    between = config.images_between_resamplings(faces) / pace
    return {
        "what": f"resampling {faces:,} faces of dbvae",
        "seconds": median(took),
        "seconds_range": [min(took), max(took)],
        "share_of_training": median(took) / (median(took) + between),
        "resamplings": len(took),
        "training_images_per_second": pace,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamplings", type=int, default=5, help="how many are timed (default: %(default)s)")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="prepared data sets (default: %(default)s)")
    given = parser.parse_args()
    print(json.dumps(measure(given.data_dir, given.resamplings), indent=1))


if __name__ == "__main__":
    main()
