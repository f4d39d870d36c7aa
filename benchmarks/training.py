"""Training throughput: the lab's DB-VAE in our loop against the same network on a tensor already in memory."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.interleaved import interleaved, ratio
from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.models import build_model
from vaelab.recipes import RECIPES
from vaelab.runs.store import Run
from vaelab.training.loop import train
from vaelab.training.step import Objective, pick_device, pick_precision

NUM_IMAGES = 12_800
NUM_FACES = 3_000
"""So few that the resampling pass comes round twice in a round, as often per image as in a long training."""


def measure(data_dir: Path, rounds: int) -> dict[str, Any]:
    """Images per second of our loop, with resampling and with uniform sampling, and of bare steps; their ratios.

    The loop opens the store, reads, mirrors, draws, reports and saves once; the limit only steps. Resampling encodes
    all faces once for as many faces trained on; its share of the loop's time is reported by itself.
    """
    config = replace(
        RECIPES["dbvae"],
        datasets=("synthetic-64",),
        data_dir=str(data_dir),
        num_images=NUM_IMAGES,
        max_faces=NUM_FACES,
        validate_every=10**9,
        checkpoint_every=10**9,
        report_every=NUM_IMAGES,
    )
    data = Collection.open(config.data.datasets, data_dir, config.data.size)
    shares: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        variants = {
            "uniform": _loop(replace(config, aggregation="none"), data, Path(folder) / "uniform", []),
            "resampled": _loop(config, data, Path(folder) / "resampled", shares),
            "limit": _limit(config),
        }
        found = interleaved(variants, rounds)
    result: dict[str, Any] = {"what": "training, lab's DB-VAE: our loop against a tensor in memory"}
    for name, timing in found.items():
        result[f"{name}_images_per_second"] = NUM_IMAGES / timing.median
    for name in ("uniform", "resampled"):
        middle, low, high = ratio(found[name], found["limit"])
        result |= {f"{name}_of_limit": middle, f"{name}_of_limit_range": [low, high]}
    return result | {"resample_share": sum(shares) / len(shares), "rounds": rounds}


def _loop(config: TrainConfig, data: Collection, folder: Path, shares: list[float]) -> Callable[[], None]:
    counter = iter(range(10**6))

    def call() -> None:
        run = Run.create(config, folder, f"run-{next(counter)}", data.fingerprints)
        train(run)
        shares.append(run.metrics("train")[-1]["resample_share"])

    return call


def _limit(config: TrainConfig) -> Callable[[], None]:
    """The bare step of the same network, precision and optimizer on one batch that never changes."""
    device = pick_device("auto")
    precision = pick_precision(config.run, device)
    objective = Objective(build_model(config), config.loss).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(objective.parameters(), config.optim.learning_rate, weight_decay=0.0, fused=True)
    batch = config.optim.batch_size
    images = torch.rand(batch, 3, config.data.size, config.data.size, device=device)
    images = images.to(memory_format=torch.channels_last)
    eps = torch.randn(batch // 2, config.model.latent, device=device)
    beta = torch.tensor(config.loss.beta, device=device)

    def call() -> None:
        for _ in range(NUM_IMAGES // batch):
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
                parts = objective(images, batch // 2, eps, beta)
            parts.loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return call
