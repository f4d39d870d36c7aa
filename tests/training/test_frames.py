"""Frames: what the encoder made of the same faces at each validation, as many as a film needs; nothing else moved."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.errors import CheckpointError, DataError
from vaelab.evaluation.frames import TrainingFrames, write_faces, write_frame
from vaelab.inference import FaceModel
from vaelab.models import build_model
from vaelab.runs import frames
from vaelab.runs.frames import MOST_FRAMES, forget_frames_after, frame_path, frames_of, has_frames
from vaelab.runs.store import Run
from vaelab.training.frames import keep_frame
from vaelab.training.held_out import HeldOut
from vaelab.training.step import Objective

FACES, LATENT = 6, 4


@pytest.fixture
def run(tiny_config: Callable[..., TrainConfig], tmp_path: Path) -> Run:
    return Run.create(tiny_config(model="vae"), tmp_path, "filmed")


def leave(run: Run, clocks: list[int]) -> list[str]:
    """Frames at these clocks, each full of its clock's number."""
    names = [f"face {row}" for row in range(FACES)]
    write_faces(run, pd.DataFrame({"image_id": names}))
    for clock in clocks:
        write_frame(run, clock, np.full((FACES, LATENT), clock, np.float32), np.ones(LATENT, np.float32), names)
    return names


def test_each_validation_leaves_what_the_encoder_saw_then(trained: Callable[[str], Run], tiny_data: Collection) -> None:
    run = trained("residual")
    found = TrainingFrames.read(run)
    assert found.clocks.tolist() == [row["images_seen"] for row in run.metrics("validation")]
    ids = tiny_data.labels["image_id"].tolist()
    rows = np.array([ids.index(name) for name in found.labels["image_id"]])
    assert set(rows) == set(tiny_data.rows("val", is_face=True)), "there are fewer than a frame holds"
    assert found.labels["split"].eq("val").all()
    mu, std = FaceModel.load(run).encode(tiny_data.pixels(rows))
    assert np.allclose(found.mu[-1], mu, rtol=2e-3, atol=2e-3), "the last frame is of the weights that are kept"
    assert np.allclose(found.posterior_std[-1], np.sqrt(np.square(std, dtype=np.float64).mean(axis=0)), rtol=1e-4)
    assert not np.allclose(found.mu[0], mu, atol=0.05), "the model has learned something since the first"


def test_a_frame_holds_the_same_sample_and_leaves_the_network_alone(
    run: Run, tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaelab.training.frames.MOST_FACES", 10)
    config = run.config
    objective = Objective(build_model(config), config.loss)
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    state = torch.get_rng_state()
    for clock in (80, 160):
        keep_frame(run, objective, HeldOut.of(tiny_data, config), config, torch.device("cpu"), clock)
    assert torch.equal(torch.get_rng_state(), state)
    assert objective.training
    assert all(torch.equal(value, before[name]) for name, value in objective.state_dict().items())
    found = TrainingFrames.read(run)
    assert found.mu.shape == (2, 10, LATENT)
    assert np.array_equal(found.mu[0], found.mu[1])
    assert found.labels["image_id"].is_unique


def test_a_detector_leaves_none(trained: Callable[[str], Run]) -> None:
    run = trained("cnn")
    assert not run.frames_dir.exists()
    assert not has_frames(run)
    with pytest.raises(DataError, match="kept no latents on its way"):
        TrainingFrames.read(run)


def test_a_long_training_keeps_an_even_spread(run: Run) -> None:
    leave(run, list(range(100, 100 * (3 * MOST_FRAMES + 1), 100)))
    found = TrainingFrames.read(run)
    assert (len(found.clocks), found.clocks[0], found.clocks[-1]) == (MOST_FRAMES, 100, 100 * 3 * MOST_FRAMES)
    gaps = np.diff(found.clocks)
    assert gaps.max() <= 4 * gaps.min()
    assert np.array_equal(found.mu[:, 0, 0], found.clocks.astype(np.float16)), "each frame stayed what it was"


def test_a_resumed_run_forgets_what_it_leaves_again(run: Run) -> None:
    leave(run, [100, 200, 300, 400])
    forget_frames_after(run, 200)
    assert [clock for clock, _ in frames_of(run)] == [100, 200]


def test_damaged_frames_and_those_of_other_faces_are_refused_by_name(run: Run) -> None:
    names = leave(run, [100, 200])
    write_frame(run, 300, np.zeros((FACES, LATENT), np.float32), np.ones(LATENT, np.float32), names[::-1])
    with pytest.raises(CheckpointError, match=r"latents-000000300.* is of other faces"):
        TrainingFrames.read(run)
    frame_path(run, 300).write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=r"latents-000000300.* is damaged"):
        TrainingFrames.read(run)
    frame_path(run, 300).unlink()
    frames.faces_path(run).write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=r"faces\.parquet cannot be read"):
        TrainingFrames.read(run)


def test_a_frame_thinned_out_while_it_is_read_is_left_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(run, [100, 200, 300])
    listed = frames_of(run)
    frame_path(run, 200).unlink()
    monkeypatch.setattr("vaelab.evaluation.frames.frames_of", lambda _: listed)
    assert TrainingFrames.read(run).clocks.tolist() == [100, 300]


def test_the_fingerprint_is_of_the_content(run: Run) -> None:
    leave(run, [100, 200])
    first = TrainingFrames.read(run).fingerprint
    assert TrainingFrames.read(run).fingerprint == first
    leave(run, [300])
    assert TrainingFrames.read(run).fingerprint != first
