"""Kill a short training again and again, and compare its end with that of one that was left alone.

`python -m benchmarks.kills --kills 100` sends SIGKILL at random moments, also while a checkpoint is being written,
resumes after each, and starts a new training when one is through. Weights and states must be equal bit for bit.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from vaelab.config import TrainConfig, replace
from vaelab.data.prepare import prepare
from vaelab.data.sources.drawn import Synthetic
from vaelab.rng import numpy_generator
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run
from vaelab.training.job import run_training

PROCESSES = multiprocessing.get_context("forkserver")
# torch is imported once, children fork from there; optimizers import its compiler at their first step, for seconds
PROCESSES.set_forkserver_preload(["vaelab.training.job", "torch._dynamo"])
KINDS: dict[str, dict[str, Any]] = {
    "vae": {"model": "vae", "likelihood": "bernoulli", "schedule": "cosine", "warmup": 200},
    "convolutional": {"model": "convolutional", "objective": "beta-tc", "tc_weight": 6.0},
    "dbvae": {"model": "dbvae", "aggregation": "max", "refresh_every": 64},
    "residual": {"model": "residual", "ema_half_life": 100, "likelihood": "optimal-gaussian", "linear_path": True},
}
KILLS_PER_RUN = 5
MOST_IMAGES = 120
"""Killed at most so many images after the clock it was resumed at, so that five kills fall into one training."""


def measure(kills: int, seed: int = 0) -> dict[str, Any]:
    """How many of `kills` killed trainings went on to the very weights of an untouched one.

    Returns:
        `kills` that hit a training at work, those `during_write` of a file, `runs` compared, `equal` ones, `seconds`.
    """
    random, begun = numpy_generator(seed, "kills"), time.monotonic()
    found = {"kills": 0, "during_write": 0, "runs": 0, "equal": 0}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        prepare(Synthetic(num_faces=300, num_nonfaces=700), root / "data" / "tiny-16", size=16, workers=1)
        straight = {kind: Run.create(_config(kind, root), root / "straight", kind) for kind in KINDS}
        for run in straight.values():
            train(run).join()
        while found["kills"] < kills:
            kind = list(KINDS)[found["runs"] % len(KINDS)]
            run = Run.create(_config(kind, root), root / "killed", f"{kind}-{found['runs']}")
            for _ in range(min(KILLS_PER_RUN, kills - found["kills"])):
                was_killed, was_writing = train_and_kill(run, random)
                found["kills"] += was_killed
                found["during_write"] += was_writing
            if run.status.state != "done":
                train(run).join()
            found["runs"] += 1
            found["equal"] += _is_equal(run, straight[kind])
    return {"what": "kills", **found, "seconds": round(time.monotonic() - begun, 1)}


def _config(kind: str, root: Path) -> TrainConfig:
    shared = {
        "datasets": ("tiny-16",), "data_dir": str(root / "data"), "size": 16, "latent": 4, "width": 4,
        "batch_size": 16, "num_images": 800, "report_every": 16, "checkpoint_every": 32, "validate_every": 160,
        "device": "cpu", "precision": "float32",
    }  # fmt: skip
    return replace(TrainConfig(recipe="tiny"), **(shared | KINDS[kind]))


def train(run: Run) -> "multiprocessing.process.BaseProcess":
    """A process that trains `run`, or goes on with it; started."""
    process = PROCESSES.Process(target=_work, args=(run.dir,))
    process.start()
    return process


def _work(folder: Path) -> None:
    import torch

    torch.set_num_threads(1)  # sums over other numbers of threads are rounded otherwise
    run_training(Run(folder))


def train_and_kill(run: Run, random: np.random.Generator) -> tuple[bool, bool]:
    """SIGKILL a training at a random moment; whether it was at work, and whether a file was half written."""
    wanted = run.status.images_seen + int(random.integers(1, MOST_IMAGES))
    process = train(run)
    while process.is_alive() and not (run.status.state == "running" and run.status.images_seen >= wanted):
        time.sleep(0.001)
    time.sleep(random.uniform(0.0, 0.03))
    process.kill()
    process.join()
    return process.exitcode == -9, any(run.dir.glob(".*.partial"))


def _is_equal(run: Run, straight: Run) -> bool:
    states = [read_checkpoint(each.state_path).tensors for each in (run, straight)]
    same_state = states[0].keys() == states[1].keys() and all(
        states[0][name].equal(states[1][name]) for name in states[0]
    )
    same_weights = run.weights_path.read_bytes() == straight.weights_path.read_bytes()
    return run.status.state == "done" and same_state and same_weights


def main() -> None:
    """Measure and print the result as JSON."""
    parser = argparse.ArgumentParser(description="Kill trainings at random moments and compare how they end.")
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    arguments = parser.parse_args()
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    print(json.dumps(measure(arguments.kills, arguments.seed)))


if __name__ == "__main__":
    main()
