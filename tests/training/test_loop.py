"""The loop: it learns, averages, stops where it should, and continues exactly."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.errors import Cancelled, CheckpointError, ConfigError, TrainingDiverged
from vaelab.inference import FaceModel
from vaelab.runs.checkpoints import read_checkpoint, write_checkpoint
from vaelab.runs.store import Run
from vaelab.training.job import run_training
from vaelab.training.loop import train
from vaelab.training.schedules import ema_decay

TIMES = ("seconds", "images_per_second", "resample_share")
MakeConfig = Callable[..., TrainConfig]


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def stopped_at(run: Run, images_seen: int) -> Callable[[dict[str, Any]], None]:
    """A callback that asks `run` to stop once it reports `images_seen`."""

    def ask(report: dict[str, Any]) -> None:
        if report["images_seen"] == images_seen:
            run.request_cancel()

    return ask


@pytest.mark.parametrize("likelihood", ["laplace", "bernoulli", "gaussian", "rmse", "optimal-gaussian"])
def test_one_batch_overfits(tmp_path: Path, tiny_config: MakeConfig, tiny_data: Collection, likelihood: str) -> None:
    config = tiny_config(
        model="vae", likelihood=likelihood, beta=1e-3, max_faces=4, batch_size=4, flip=False,
        learning_rate=4e-3, num_images=800, report_every=200, validate_every=800, checkpoint_every=800,
    )  # fmt: skip
    run = Run.create(config, tmp_path, "overfit")
    train(run)
    pixels = tiny_data.pixels(tiny_data.rows("train", is_face=True, limit=4)).astype(float)
    recon = FaceModel.load(run).reconstruct(pixels.astype(np.uint8)).astype(float)
    error = np.square(recon - pixels).mean()
    around_the_mean_face = np.square(pixels - pixels.mean(axis=0)).mean()
    assert error < 0.3 * around_the_mean_face
    losses = [row["loss"] for row in run.metrics("train")]
    assert losses[-1] < losses[0]


def test_every_validation_that_is_due_is_made(tmp_path: Path, tiny_config: MakeConfig) -> None:
    """Also on a step where neither a report nor a save is due; the means since the last report are then reported."""
    config = tiny_config(num_images=192, report_every=64, checkpoint_every=192, validate_every=48)
    run = Run.create(config, tmp_path, "often")
    train(run)
    assert [row["images_seen"] for row in run.metrics("validation")] == [48, 96, 144, 192]
    assert [row["images_seen"] for row in run.metrics("train")] == [48, 64, 96, 128, 144, 192]


def test_what_a_gpu_still_does_at_a_report_counts_as_training(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaelab.training.loop.wait_for_device", lambda device: time.sleep(0.5))
    run = Run.create(tiny_config(num_images=64), tmp_path, "behind")
    train(run)
    assert [row["seconds"] > 0.5 for row in run.metrics("train")] == [True, True]
    assert run.status.train_seconds > 1.0


def test_a_detector_learns_to_tell_faces_from_things(trained: Callable[[str], Run]) -> None:
    for kind in ("cnn", "dbvae"):
        assert trained(kind).metrics("validation")[-1]["accuracy"] > 0.8


def test_a_finished_run_says_all_that_happened(trained: Callable[[str], Run]) -> None:
    run = trained("dbvae")
    config, status = run.config, run.status
    assert (status.state, status.images_seen) == ("done", config.optim.num_images)
    assert status.train_seconds > 0
    train_rows = run.metrics("train")
    assert [row["images_seen"] for row in train_rows] == sorted({row["images_seen"] for row in train_rows})
    assert train_rows[-1]["images_seen"] == config.optim.num_images
    for name in ("loss", "recon_loss", "kl", "neg_elbo", "classification_loss", "learning_rate", "images_per_second"):
        assert np.isfinite([row[name] for row in train_rows]).all()
    validation = run.metrics("validation")[-1]
    assert len(validation["kl_per_dim"]) == config.model.latent
    assert sum(validation["kl_per_dim"]) == pytest.approx(validation["kl"], rel=1e-4)


def test_resampling_reports_what_is_drawn_beside_what_there_is(trained: Callable[[str], Run]) -> None:
    run = trained("dbvae")
    rows = run.metrics("resampling")
    assert rows
    for row in rows:
        assert 0 < row["effective_share"] <= 1 + 1e-9
        assert row["largest_prob_times_faces"] >= 1
        assert row["groups"]
        for shares in row["groups"].values():
            for side in ("data", "drawn"):
                assert sum(value[side] for value in shares.values()) == pytest.approx(1.0, abs=1e-4)
    assert all(0 < row["resample_share"] < 1 for row in run.metrics("train") if row["resample_share"])


def test_averages_follow_the_weights(tmp_path: Path, tiny_config: MakeConfig) -> None:
    half_life, batch_size = 48, 16
    config = tiny_config(
        model="residual", ema_half_life=half_life, num_images=96, report_every=16, checkpoint_every=16,
        validate_every=1000,
    )  # fmt: skip
    run = Run.create(config, tmp_path, "ema")
    states = []
    train(run, lambda report: states.append(read_checkpoint(run.state_path)))
    assert len(states) == 6
    decay = ema_decay(half_life, batch_size)
    names = list(states[0].part("objective"))
    expected = states[0].part("objective")
    for state in states[1:]:
        weights, averages = state.part("objective"), state.part("averages.module")
        expected = {name: decay * expected[name] + (1 - decay) * weights[name] for name in names}
        for name in names:
            torch.testing.assert_close(averages[name], expected[name], rtol=1e-4, atol=1e-6)
    saved = read_checkpoint(run.weights_path).tensors
    for name, tensor in saved.items():
        assert torch.equal(tensor, states[-1].part("averages.module")[f"network.{name}"])


def test_without_averaging_the_weights_themselves_are_saved(trained: Callable[[str], Run]) -> None:
    run = trained("vae")
    weights = read_checkpoint(run.state_path).part("objective.network")
    saved = read_checkpoint(run.weights_path).tensors
    assert weights.keys() == saved.keys()
    assert all(torch.equal(weights[name], saved[name]) for name in saved)


def test_the_order_of_two_trainings_and_what_else_was_drawn_do_not_matter(
    tmp_path: Path, tiny_config: MakeConfig
) -> None:
    config = tiny_config(model="dbvae", aggregation="max", refresh_every=64)
    first, second = (Run.create(config, tmp_path, name) for name in ("first", "second"))
    train(first)
    torch.manual_seed(1)
    torch.rand(5)
    train(second)
    assert first.weights_path.read_bytes() == second.weights_path.read_bytes()
    assert without_times(first.metrics()) == without_times(second.metrics())


def test_another_seed_is_another_training(tmp_path: Path, tiny_config: MakeConfig) -> None:
    first, second = (Run.create(tiny_config(seed=seed), tmp_path, str(seed)) for seed in (0, 1))
    train(first)
    train(second)
    assert first.weights_path.read_bytes() != second.weights_path.read_bytes()


def test_bfloat16_trains(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(model="vae", precision="bfloat16", num_images=64), tmp_path, "half")
    train(run)
    assert all(tensor.dtype != torch.bfloat16 for tensor in read_checkpoint(run.weights_path).tensors.values())
    assert "bfloat16" in (run.dir / "log.txt").read_text()


# --- stopping and going on


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "vae", "likelihood": "bernoulli", "schedule": "cosine", "warmup": 100, "beta_warmup": 300},
        {"model": "dbvae", "aggregation": "max", "refresh_every": 64, "weight_decay": 0.01, "clip_norm": 50.0},
        {"model": "residual", "linear_path": True, "ema_half_life": 64, "likelihood": "optimal-gaussian"},
    ],
    ids=lambda settings: settings["model"],
)
def test_a_cancelled_run_goes_on_as_if_it_had_never_stopped(
    tmp_path: Path, tiny_config: MakeConfig, settings: dict[str, Any]
) -> None:
    config = tiny_config(num_images=320, **settings)
    straight, stopped = (Run.create(config, tmp_path, name) for name in ("straight", "stopped"))
    train(straight)
    with pytest.raises(Cancelled, match="stopped on request"):
        train(stopped, stopped_at(stopped, 64))
    status = stopped.status
    assert status.state == "stopped"
    assert 64 < status.images_seen < 320
    assert not stopped.is_cancel_requested
    assert read_checkpoint(stopped.state_path).record["images_seen"] == status.images_seen
    train(stopped)
    assert stopped.status.state == "done"
    assert straight.weights_path.read_bytes() == stopped.weights_path.read_bytes()
    states = [read_checkpoint(run.state_path).tensors for run in (straight, stopped)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_what_happened_after_the_last_state_is_reported_once(tmp_path: Path, tiny_config: MakeConfig) -> None:
    config = tiny_config(model="dbvae", aggregation="max", refresh_every=64, num_images=192, checkpoint_every=64)
    straight, killed = (Run.create(config, tmp_path, name) for name in ("straight", "killed"))
    train(straight)
    with pytest.raises(Cancelled):
        train(killed, stopped_at(killed, 96))  # stops one batch later, at 112
    # as if it had been killed a moment later: with lines for which no state was saved, the last one torn
    killed.append_metrics("resampling", 112, effective_share=1.0)
    killed.append_metrics("train", 128, loss=1.0)
    with (killed.dir / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "im')
    train(killed)
    for kind in ("validation", "resampling"):
        assert without_times(killed.metrics(kind)) == without_times(straight.metrics(kind))
    seen = [row["images_seen"] for row in killed.metrics("train")]
    assert seen == [32, 64, 80, 96, 112, 128, 160, 192]


def test_a_resampling_at_the_very_clock_of_the_state_is_reported_once(tmp_path: Path, tiny_config: MakeConfig) -> None:
    config = tiny_config(model="dbvae", aggregation="max", refresh_every=112, num_images=160)
    run = Run.create(config, tmp_path, "killed")
    with pytest.raises(Cancelled):
        train(run, stopped_at(run, 96))  # saved at 112, where the next step begins with a resampling
    run.append_metrics("resampling", 112, effective_share=1.0)  # and the process dies after it
    train(run)
    assert [row["images_seen"] for row in run.metrics("resampling")] == [112]


def test_a_state_of_another_network_is_refused(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run, other = (Run.create(tiny_config(latent=latent), tmp_path, f"latent{latent}") for latent in (4, 5))
    train(run)
    other.state_path.write_bytes(run.state_path.read_bytes())
    with pytest.raises(CheckpointError, match="has shape"):
        train(other)


def test_a_state_without_its_optimizer_is_refused(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(), tmp_path, "run")
    train(run)
    state = read_checkpoint(run.state_path)
    rest = {name: tensor for name, tensor in state.tensors.items() if not name.startswith("optimizer.0.")}
    write_checkpoint(run, run.state_path, rest, state.record)
    with pytest.raises(CheckpointError, match="optimizer"):
        train(run)


# --- failing


def diverging(config: MakeConfig, **settings: Any) -> TrainConfig:
    """A step size at which the squares of squares leave the range of floats within a few steps."""
    return config(model="residual", likelihood="gaussian", depth=3, learning_rate=1.0, num_images=3200, **settings)


@pytest.mark.parametrize("every", [16, 64])
def test_a_divergence_is_told_and_the_last_state_stays_sound(
    tmp_path: Path, tiny_config: MakeConfig, every: int
) -> None:
    config = diverging(tiny_config, report_every=every, checkpoint_every=every, validate_every=every)
    run = Run.create(config, tmp_path, "wild")
    saved = []
    with pytest.raises(TrainingDiverged, match=r"finite.*lower learning rate"):
        run_training(run, lambda report: saved.append(report["images_seen"]))
    status = run.status
    assert status.state == "failed"
    assert status.message.startswith("diverged: ")
    assert "TrainingDiverged" in (run.dir / "log.txt").read_text()
    if run.state_path.is_file():
        state = read_checkpoint(run.state_path)
        assert state.record["images_seen"] == saved[-1]
        assert all(tensor.isfinite().all() for tensor in state.tensors.values())


def test_a_weight_that_is_not_finite_is_never_saved(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of the last step can still be finite when its update was not."""
    run = Run.create(
        tiny_config(model="vae", report_every=16, checkpoint_every=16, num_images=64), tmp_path, "poisoned"
    )
    step = torch.optim.AdamW.step
    steps = []

    def poison(self: torch.optim.AdamW, *arguments: Any, **named: Any) -> Any:
        result = step(self, *arguments, **named)
        steps.append(1)
        if len(steps) == 3:
            with torch.no_grad():
                self.param_groups[0]["params"][0].fill_(float("nan"))
        return result

    monkeypatch.setattr(torch.optim.AdamW, "step", poison)
    with pytest.raises(TrainingDiverged):
        run_training(run)
    state = read_checkpoint(run.state_path)
    assert state.record["images_seen"] == 32
    assert all(tensor.isfinite().all() for tensor in state.tensors.values())


def test_any_failure_is_kept_in_status_and_log(tmp_path: Path, tiny_config: MakeConfig) -> None:
    config = tiny_config(num_images=64)
    run = Run.create(config, tmp_path, "broken")

    def fail(report: dict[str, Any]) -> None:
        raise ZeroDivisionError("the screen fell off")

    with pytest.raises(ZeroDivisionError):
        run_training(run, fail)
    assert run.status.state == "failed"
    assert run.status.message == "ZeroDivisionError: the screen fell off"
    assert "Traceback" in (run.dir / "log.txt").read_text()


def test_missing_data_fail_the_run_with_their_reason(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(replace(tiny_config(), data_dir=str(tmp_path / "nowhere")), tmp_path, "no-data")
    with pytest.raises(Exception, match="no prepared data"):
        run_training(run)
    assert run.status.state == "failed"
    assert "no prepared data" in run.status.message


def test_a_linear_path_with_too_few_faces_is_refused(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(model="residual", linear_path=True, max_faces=3), tmp_path, "few")
    with pytest.raises(ConfigError, match="linear_path needs more training faces"):
        run_training(run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_saves_and_stops(tmp_path: Path, tiny_config: MakeConfig, number: signal.Signals) -> None:
    run = Run.create(tiny_config(num_images=3200), tmp_path, "interrupted")
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    outside = signal.signal(number, usual)  # a shell starts what goes on in its background without SIGINT

    def interrupt(report: dict[str, Any]) -> None:
        os.kill(os.getpid(), number)

    try:
        with pytest.raises(Cancelled):
            run_training(run, interrupt)
        assert signal.getsignal(number) is usual
    finally:
        signal.signal(number, outside)
    assert run.status.state == "stopped"
    assert run.state_path.is_file()


def test_the_resampling_floor_stops_the_training(tmp_path: Path, tiny_config: MakeConfig) -> None:
    config = tiny_config(
        model="dbvae", aggregation="product", min_effective_share=1.0, inactive_variance=0.0, refresh_every=64
    )
    run = Run.create(config, tmp_path, "floor")
    with pytest.raises(TrainingDiverged, match="min_effective_share"):
        run_training(run)
    assert run.status.message.startswith("diverged: resampling by product")


def test_metrics_are_plain_json(trained: Callable[[str], Run]) -> None:
    for line in (trained("residual").dir / "metrics.jsonl").read_text().splitlines():
        assert set(json.loads(line)) >= {"kind", "images_seen"}
