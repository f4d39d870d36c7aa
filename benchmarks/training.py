"""Training throughput: recipes in our loop against bare steps of the same network on a tensor already in memory."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.interleaved import interleaved, ratio
from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.models import build_model
from vaelab.models.vgg import VGG19VAE
from vaelab.recipes import RECIPES
from vaelab.runs.store import Run
from vaelab.settings import DataConfig
from vaelab.training.loop import train
from vaelab.training.step import Objective, pick_device, pick_precision

WINDOWS = 4
"""Reports in the part of a training that counts. Where faces are resampled, each is one pass over them."""
LEAST_RESAMPLED = 4_096
MOST_FACES = 4_096
"""Faces that a training reads at most: its start (features of a frozen backbone, principal components) stays short."""


def measure(data_dir: Path, rounds: int, recipe: str, seconds: float = 6.0) -> dict[str, Any]:
    """Images per second of a recipe in our loop and of bare steps, and their ratio, on about `seconds` of training.

    The loop reads, mirrors, draws, averages, resamples and reports. Its start is not counted, and what validating and
    saving costs at the recipe's own rate is told by itself; the limit only steps, on one batch that never changes.
    Where faces are resampled the loop is measured without that too; `resample_share` is its part of the time.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = prepared(RECIPES[recipe], data_dir, Path(folder))
        window = window_of(config, seconds / WINDOWS)
        data = Collection.open(config.data.datasets, Path(config.data.data_dir), config.data.size)
        loop = Loop(timed(config, window), window, data, Path(folder) / "runs")
        variants: dict[str, Callable[[], float]] = {"loop": loop, "limit": limit(config, WINDOWS * window)}
        if config.debias.aggregation != "none":
            uniform = timed(replace(config, aggregation="none"), window)
            variants["uniform"] = Loop(uniform, window, data, Path(folder) / "uniform")
        found = interleaved(variants, rounds)
    result: dict[str, Any] = {"what": f"training {recipe}: our loop against a tensor in memory", "recipe": recipe}
    result |= {f"{name}_images_per_second": WINDOWS * window / timing.median for name, timing in found.items()}
    for name in variants:
        if name != "limit":
            middle, low, high = ratio(found[name], found["limit"])
            result |= {f"{name}_of_limit": middle, f"{name}_of_limit_range": [low, high]}
    if "uniform" in variants:
        result |= {"resample_share": loop.resample_share, "faces": window // 2}
    whole = config.run.validate_every * found["loop"].median / (WINDOWS * window)
    result["validating_share"] = loop.ending_seconds / (loop.ending_seconds + whole)
    return result | {"images_per_round": WINDOWS * window, "rounds": rounds}


def prepared(config: TrainConfig, data_dir: Path, folder: Path) -> TrainConfig:
    """The recipe on its own data sets, or drawn ones where they are missing; a frozen backbone has random weights.

    What the training keeps beside its data goes into `folder`.
    """
    names = config.data.datasets
    if not all((data_dir / name).is_dir() for name in names):
        names = DataConfig().datasets
    for name in names:
        link = folder / "data" / name
        link.parent.mkdir(exist_ok=True)
        link.symlink_to((data_dir / name).resolve())
    backbone = {"backbone": "random"} if config.model.model == "vgg19" else {}
    return replace(config, datasets=names, data_dir=str(folder / "data"), max_faces=MOST_FACES, **backbone)


def window_of(config: TrainConfig, seconds: float) -> int:
    """Images that bare steps take about so many seconds for; whole batches.

    Where faces are resampled there are LEAST_RESAMPLED at least: the histograms of a hundred latents cost something for
    few faces too, which would count as it does in no real training.
    """
    batch = config.optim.batch_size
    for count in (4, 16):  # the first steps are slow
        pace = batch * count / limit(config, batch * count)()
    least = LEAST_RESAMPLED if config.debias.aggregation != "none" else 4 * batch
    return batch * max(-(-least // batch), round(pace * seconds / batch))


def timed(config: TrainConfig, window: int) -> TrainConfig:
    """The config for `Loop`: reports every `window` images; where faces are resampled, a pass over them is as long."""
    num_faces = window // 2 if config.debias.aggregation != "none" else MOST_FACES
    return replace(
        config,
        max_faces=num_faces,
        num_images=(1 + WINDOWS) * window + config.optim.batch_size,
        report_every=window,
        validate_every=10**9,
        checkpoint_every=10**9,
    )


class Loop:
    """A training whose reports give the time.

    Attributes:
        resample_share: part of the time that resampling took in the last training.
        ending_seconds: what the validation, the previews and the saving at its end took.
    """

    def __init__(self, config: TrainConfig, window: int, data: Collection, folder: Path) -> None:
        self._config, self._window, self._data, self._folder = config, window, data, folder
        self._number = 0
        self.resample_share = self.ending_seconds = 0.0

    def __call__(self) -> float:
        """Seconds of WINDOWS windows; the one before them warms up, the batch behind them ends with a validation."""
        self._number += 1
        run = Run.create(self._config, self._folder, f"run-{self._number}", self._data.fingerprints)
        clock: dict[int, float] = {}

        def note(report: dict[str, Any]) -> None:
            clock[report["images_seen"]] = time.perf_counter()

        train(run, note)
        first, last = self._window, (1 + WINDOWS) * self._window
        seconds = clock[last] - clock[first]
        rows = [row for row in run.metrics("train") if first < row["images_seen"] <= last]
        self.resample_share = sum(row["resample_share"] * row["seconds"] for row in rows) / seconds
        self.ending_seconds = max(clock.values()) - clock[last]
        return seconds


def limit(config: TrainConfig, num_images: int) -> Callable[[], float]:
    """Bare steps of the same network, precision and optimizer on one batch that never changes."""
    device = pick_device("auto")
    precision = pick_precision(config.run, device)
    objective = Objective(build_model(config), config.loss).to(device).to(memory_format=torch.channels_last)
    network = objective.network
    optimizer = torch.optim.AdamW(objective.parameters(), config.optim.learning_rate, weight_decay=0.0, fused=True)
    batch = config.optim.batch_size
    num_faces = batch // 2 if config.needs_nonfaces else batch
    images = torch.rand(batch, 3, config.data.size, config.data.size, device=device)
    images = images.to(memory_format=torch.channels_last)
    features = torch.rand(batch, network.num_features, device=device) if isinstance(network, VGG19VAE) else None
    eps = torch.randn(num_faces, config.model.latent, device=device) if config.has_decoder else None
    beta = torch.tensor(config.loss.beta, device=device)
    step: Callable[..., Any] = torch.compile(objective) if config.run.compile else objective

    def steps(count: int) -> None:
        for _ in range(count):
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
                parts = step(images, num_faces, eps, beta, features)
            parts.loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.synchronize()

    def call() -> float:
        steps(1)
        started = time.perf_counter()
        steps(num_images // batch)
        return time.perf_counter() - started

    return call
