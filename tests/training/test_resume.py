"""Exact resume: a training killed at random moments ends with the weights of one that was never touched."""

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.rng import numpy_generator
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run
from vaelab.training.job import run_training

NUM_KILLS = 3
TIMES = ("seconds", "images_per_second", "resample_share")
PROCESSES = multiprocessing.get_context("forkserver")
# torch is imported once, children fork from there; optimizers import its compiler at their first step, for seconds
PROCESSES.set_forkserver_preload(["vaelab.training.job", "torch._dynamo"])


def start(run: Run) -> "multiprocessing.process.BaseProcess":
    process = PROCESSES.Process(target=run_training, args=(Run(run.dir),))
    process.start()
    return process


def train_and_kill(run: Run, random: np.random.Generator) -> bool:
    """SIGKILL a training of `run` at a moment drawn from `random`; whether it was still at work."""
    wanted = run.status.images_seen + int(random.integers(1, 160))
    process = start(run)
    while process.is_alive() and not (run.status.state == "running" and run.status.images_seen >= wanted):
        time.sleep(0.002)
    time.sleep(random.uniform(0.0, 0.06))
    process.kill()
    process.join()
    return process.exitcode == -9


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "settings",
    [
        {"model": "vae", "likelihood": "bernoulli", "schedule": "cosine", "warmup": 200},
        {"model": "convolutional", "objective": "beta-tc", "tc_weight": 6.0},
        {"model": "dbvae", "aggregation": "max", "refresh_every": 64},
        {"model": "residual", "ema_half_life": 100, "likelihood": "optimal-gaussian", "linear_path": True},
    ],
    ids=lambda settings: settings["model"],
)
def test_a_training_killed_at_random_moments_ends_bit_for_bit_the_same(
    tmp_path: Path, tiny_config: Callable[..., TrainConfig], settings: dict[str, Any]
) -> None:
    config = tiny_config(num_images=640, report_every=16, checkpoint_every=32, validate_every=160, **settings)
    straight, killed = (Run.create(config, tmp_path, name) for name in ("straight", "killed"))
    run_training(straight)
    random = numpy_generator(0, "kills", config.model.model)
    num_killed = 0
    for _ in range(NUM_KILLS):
        if train_and_kill(killed, random):
            num_killed += 1
            assert killed.status.state == "lost"
    assert num_killed >= 2
    last = start(killed)
    last.join()
    assert last.exitcode == 0
    assert killed.status.state == "done"
    assert straight.weights_path.read_bytes() == killed.weights_path.read_bytes()
    states = [read_checkpoint(run.state_path).tensors for run in (straight, killed)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert without_times(killed.metrics()) == without_times(straight.metrics())
    assert not list(killed.dir.glob(".*.partial")), "what a kill left behind is cleared"
