"""Exact resume: a training killed at random moments ends with the weights of one that was never touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.kills import KINDS, train, train_and_kill
from vaelab.config import TrainConfig
from vaelab.rng import numpy_generator
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run
from vaelab.training.job import run_training

NUM_KILLS = 3
TIMES = ("seconds", "images_per_second", "resample_share")


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS.keys())
def test_a_training_killed_at_random_moments_ends_bit_for_bit_the_same(
    tmp_path: Path, tiny_config: Callable[..., TrainConfig], settings: dict[str, Any]
) -> None:
    config = tiny_config(num_images=640, report_every=16, checkpoint_every=32, validate_every=160, **settings)
    straight, killed = (Run.create(config, tmp_path, name) for name in ("straight", "killed"))
    run_training(straight)
    random = numpy_generator(0, "kills", config.model.model)
    num_killed = 0
    for _ in range(NUM_KILLS):
        was_killed, _ = train_and_kill(killed, random)
        if was_killed:
            num_killed += 1
            assert killed.status.state == "lost"
    assert num_killed >= 2
    last = train(killed)
    last.join()
    assert last.exitcode == 0
    assert killed.status.state == "done"
    assert straight.weights_path.read_bytes() == killed.weights_path.read_bytes()
    states = [read_checkpoint(run.state_path).tensors for run in (straight, killed)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert without_times(killed.metrics()) == without_times(straight.metrics())
    assert not list(killed.dir.rglob(".*.partial")), "what a kill left behind is cleared"
    filmed = [{path.name: path.read_bytes() for path in run.frames_dir.iterdir()} for run in (straight, killed)]
    assert len(filmed[0]) == 5, "a table of faces, and a frame for each validation"
    assert filmed[0] == filmed[1]
