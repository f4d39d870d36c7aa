"""Kept features: an epoch that reads what a frozen VGG19 saw, against one that looks at every picture again."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace as replace_batch
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from vaelab.backbone import attach_backbone
from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.models import build_model
from vaelab.models.vgg import VGG19VAE
from vaelab.recipes import RECIPES
from vaelab.training.distributed import Ranks
from vaelab.training.features import kept_features
from vaelab.training.feed import Feed
from vaelab.training.step import Objective, pick_device, pick_precision

NUM_EPOCHS = 5


def measure(data_dir: Path, num_faces: int = 256) -> dict[str, Any]:
    """Seconds of epochs 2 to 5 of `vgg19-transfer` on the first faces of FairFace (drawn ones where it is missing).

    The epochs with and without kept features are taken in turn, so that a machine whose speed drifts still gives a
    true ratio. The backbone is random: what its numbers are does not change what they cost.
    """
    config = replace(RECIPES["vgg19-transfer"], backbone="random", max_faces=num_faces, data_dir=str(data_dir))
    if not (data_dir / config.data.datasets[0]).is_dir():
        config = replace(config, datasets=("synthetic-64",))
    device = pick_device("auto")
    data = Collection.open(config.data.datasets, data_dir, config.data.size)
    feed = Feed(data, config, device, Ranks())
    network = build_model(config)
    assert isinstance(network, VGG19VAE)
    attach_backbone(network, config, device)
    network.to(device).to(memory_format=torch.channels_last)
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = replace(config, data_dir=folder)  # so that nothing kept earlier is found
        started = time.perf_counter()
        feed.features = kept_features(network, data, feed.face_rows, elsewhere, device, mirrored=config.data.flip)
        computing = time.perf_counter() - started
        kept, seen = _epochs(network, feed, config, device)
    ratios = [without / with_ for with_, without in zip(kept, seen, strict=True)]
    return {
        "what": f"epochs 2 to {NUM_EPOCHS} of vgg19-transfer with and without kept features",
        "faces": len(feed.face_rows),
        "kept_seconds_per_epoch": median(kept),
        "seen_seconds_per_epoch": median(seen),
        "seen_over_kept": median(ratios),
        "seen_over_kept_range": [min(ratios), max(ratios)],
        "computing_once_seconds": computing,
        "precision": str(pick_precision(config.run, device)).removeprefix("torch."),
        "backbone": "random",
    }


def _epochs(
    network: VGG19VAE, feed: Feed, config: TrainConfig, device: torch.device
) -> tuple[list[float], list[float]]:
    """Seconds of each epoch after the first, with kept features and with pictures, in turn."""
    objective = Objective(network, config.loss)
    optimizer = torch.optim.AdamW(objective.parameters(), config.optim.learning_rate, weight_decay=0.0, fused=True)
    beta = torch.tensor(config.loss.beta, device=device)
    is_half = pick_precision(config.run, device) == torch.bfloat16
    steps = len(feed.face_rows) // config.optim.batch_size

    def epoch(index: int, is_kept: bool) -> None:
        for step in range(steps):
            batch = feed.batch((index * steps + step) * config.optim.batch_size)
            batch = batch if is_kept else replace_batch(batch, features=None)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_half):
                parts = objective(batch.images, batch.num_faces, batch.eps, beta, batch.features)
            parts.loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def timed(call: Callable[[], None]) -> float:
        started = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started

    seconds: dict[bool, list[float]] = {True: [], False: []}
    for index in range(NUM_EPOCHS):
        for is_kept in (True, False):
            found = timed(partial(epoch, index, is_kept))
            if index > 0:
                seconds[is_kept].append(found)
    return seconds[True], seconds[False]
