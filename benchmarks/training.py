"""Training throughput: recipes in our loop against bare steps of the same network on a tensor already in memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch

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
LEAST_RESAMPLED = 12_288
MOST_FACES = 4_096
"""Faces that a training reads at most: its start (features of a frozen backbone, principal components) stays short."""


def measure(data_dir: Path, rounds: int, recipe: str, seconds: float = 6.0) -> dict[str, Any]:
    """Images per second of a recipe in our loop and of bare steps, and their ratio, on about `seconds` of training.

    The loop reads, mirrors, draws, averages, resamples and reports. Its start is not counted, and what validating and
    saving costs at the recipe's own rate is told by itself; the limit only steps, on one batch that never changes.
    Where faces are resampled the loop is measured without that too; `resample_share` is its part of the time.

    A round is a training of WINDOWS windows, with as many bare steps before and after each: a machine that is slow for
    some seconds is so for both. A round's ratio is the median of its windows'.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = prepared(RECIPES[recipe], data_dir, Path(folder))
        window = window_of(config, seconds / WINDOWS)
        data = Collection.open(config.data.datasets, Path(config.data.data_dir), config.data.size)
        loops = {"loop": Loop(timed(config, window), window, data, Path(folder) / "runs")}
        if config.debias.aggregation != "none":
            uniform = timed(replace(config, aggregation="none"), window)
            loops["uniform"] = Loop(uniform, window, data, Path(folder) / "uniform")
        bare = limit(config, window)
        bare()
        found: dict[str, list[Beside]] = {name: [] for name in loops}
        for _ in range(rounds):
            for name, loop in loops.items():
                found[name].append(beside(loop, bare))
    result: dict[str, Any] = {"what": f"training {recipe}: our loop against a tensor in memory", "recipe": recipe}
    for name, trainings in found.items():
        ratios = [training.of_bare for training in trainings]
        seconds_of_one = median(took for training in trainings for took in training.windows)
        result |= {
            f"{name}_images_per_second": window / seconds_of_one,
            f"{name}_of_limit": median(ratios),
            f"{name}_of_limit_range": [min(ratios), max(ratios)],
        }
    bare_seconds = median(took for trainings in found.values() for training in trainings for took in training.bare)
    result |= {"limit_images_per_second": window / bare_seconds}
    if "uniform" in loops:
        result |= {"resample_share": loops["loop"].resample_share, "faces": window // 2}
    whole = config.run.validate_every / result["loop_images_per_second"]
    result["validating_share"] = loops["loop"].ending_seconds / (loops["loop"].ending_seconds + whole)
    return result | {"images_per_round": WINDOWS * window, "rounds": rounds}


@dataclass(frozen=True)
class Beside:
    """Seconds of each window of a training, and of as many bare steps before the first and after each."""

    windows: tuple[float, ...]
    bare: tuple[float, ...]

    @property
    def of_bare(self) -> float:
        """Speed of the loop over that of bare steps: the median of the windows, each beside the steps around it."""
        around = [(before + after) / 2 for before, after in pairwise(self.bare)]
        return median(bare / took for bare, took in zip(around, self.windows, strict=True))


def beside(loop: Loop, bare: Callable[[], float]) -> Beside:
    """A training with bare steps in its reports."""
    took: list[float] = []
    loop(lambda: took.append(bare()))
    return Beside(tuple(loop.windows), tuple(took))


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

    Where faces are resampled there are LEAST_RESAMPLED at least: histograms of a hundred latents, and what is told of a
    resampling, cost the same for few faces, which would count as in no real training (`benchmarks/resampling.py`).
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
        windows: seconds of each of WINDOWS windows of the last training.
        resample_share: part of their time that resampling took.
        ending_seconds: what the validation, the previews and the saving at its end took.
    """

    def __init__(self, config: TrainConfig, window: int, data: Collection, folder: Path) -> None:
        self._config, self._window, self._data, self._folder = config, window, data, folder
        self._number = 0
        self.windows: list[float] = []
        self.resample_share = self.ending_seconds = 0.0

    def __call__(self, between: Callable[[], object] = lambda: None) -> float:
        """Seconds of WINDOWS windows; the one before them warms up, the batch behind them ends with a validation.

        `between` is called before the first of them and after each; its time is not counted.
        """
        self._number += 1
        self.windows = []
        run = Run.create(self._config, self._folder, f"run-{self._number}", self._data.fingerprints)
        last = (1 + WINDOWS) * self._window
        resumed = 0.0

        def note(report: dict[str, Any]) -> None:
            nonlocal resumed
            took = time.perf_counter() - resumed
            if self._window < report["images_seen"] <= last:
                self.windows.append(took)
            if report["images_seen"] <= last:
                between()
            else:
                self.ending_seconds = took
            resumed = time.perf_counter()

        train(run, note)
        seconds = sum(self.windows)
        rows = [row for row in run.metrics("train") if self._window < row["images_seen"] <= last]
        self.resample_share = sum(row["resample_share"] * row["seconds"] for row in rows) / seconds
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
