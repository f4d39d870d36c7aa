"""What resampling costs a training of `dbvae`, and whether a face costs more among ten times as many."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.interleaved import interleaved, ratio
from benchmarks.kept import Rows
from benchmarks.repeated import repeat
from benchmarks.training import prepared
from vaelab.config import replace
from vaelab.data.collection import Collection
from vaelab.data.store import DatasetStore
from vaelab.models import build_model
from vaelab.recipes import RECIPES
from vaelab.runs.store import Run
from vaelab.training.distributed import Ranks
from vaelab.training.feed import Feed
from vaelab.training.loop import train
from vaelab.training.resample import resample, resampling_metrics
from vaelab.training.step import Objective, pick_device

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
        reports = run.metrics("train")[1:]
    pace = median(WINDOW / row["seconds"] for row in reports if not row["resample_share"])
    took = [row["resample_share"] * row["seconds"] for row in reports if row["resample_share"]]
    between = config.images_between_resamplings(faces) / pace
    return {
        "what": f"resampling {faces:,} faces of dbvae",
        "seconds": median(took),
        "seconds_range": [min(took), max(took)],
        "share_of_training": median(took) / (median(took) + between),
        "resamplings": len(took),
        "training_images_per_second": pace,
    }


def measure_more(data_dir: Path, rounds: int, few: int = 40_000, times: int = 10) -> dict[str, Any]:
    """What resampling costs a face of `few` and a face of `times` as many, which are the same pictures again.

    All of them are on the disk, and all latents have histograms, also where a network without a training leaves some
    inactive. A round resamples the few `times` times and the many once.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = replace(
            prepared(RECIPES["dbvae"], data_dir, Path(folder)),
            max_faces=0, inactive_variance=0.0, min_effective_share=0.0,
        )  # fmt: skip
        of_faces, of_others = config.data.datasets
        given = DatasetStore.open(Path(config.data.data_dir) / of_faces)
        device = pick_device("auto")
        objective = Objective(build_model(config), config.loss).to(device).to(memory_format=torch.channels_last)

        def resampled(num_faces: int, repeats: int) -> Callable[[], None]:
            rows = np.resize(given.indices("train", is_face=True), num_faces)
            name = f"{num_faces}-faces"
            repeat(given, rows, np.full(num_faces, "train"), Path(config.data.data_dir) / name)
            data = Collection.open((name, of_others), Path(config.data.data_dir), config.data.size)
            feed = Feed(data, config, device, Ranks())

            def call() -> None:
                for _ in range(repeats):
                    resampling_metrics(resample(objective, data, feed, config, device, Ranks()), data, feed)

            return call

        timings = interleaved({"few": resampled(few, times), "many": resampled(few * times, 1)}, rounds)
    middle, low, high = ratio(timings["few"], timings["many"])
    return {
        "what": f"a face of {few * times:,} beside one of {few:,}, resampling",
        "microseconds_few": timings["few"].median / (few * times) * 1e6,
        "microseconds_many": timings["many"].median / (few * times) * 1e6,
        "many_over_few": middle,
        "many_over_few_range": [low, high],
        "rounds": rounds,
    }


def rows(data_dir: Path, resamplings: int) -> Rows:
    """Both; of the second half as many rounds, which take longer."""
    return [measure(data_dir, resamplings), measure_more(data_dir, max(1, resamplings // 2))]
