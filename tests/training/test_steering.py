"""What people ask of a running training: done at once, recorded, and repeated exactly by a resumed run."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.errors import Cancelled, ConfigError, RunError
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run, RunStatus
from vaelab.training import schedules
from vaelab.training.distributed import Ranks
from vaelab.training.job import run_training
from vaelab.training.loop import train
from vaelab.training.steering import Steering

MakeConfig = Callable[..., TrainConfig]
LONG = {"num_images": 16_000, "report_every": 64, "checkpoint_every": 16_000, "validate_every": 16_000}


def asking(run: Run, **at: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """A callback that makes requests once the run reports a clock: `asking(run, at_64={"beta": 2.0})`."""
    wanted = {int(name.removeprefix("at_")): asked for name, asked in at.items()}

    def ask(report: dict[str, Any]) -> None:
        if report["images_seen"] in wanted:
            run.request(**wanted[report["images_seen"]])

    return ask


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


class InThread:
    """A training in a thread of this process; `end` waits for it and returns what it raised."""

    def __init__(self, run: Run) -> None:
        self.raised: BaseException | None = None
        self._thread = threading.Thread(target=self._train, args=(run,))
        self._thread.start()

    def _train(self, run: Run) -> None:
        try:
            run_training(run)
        except Cancelled as error:
            self.raised = error

    def end(self) -> BaseException | None:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.raised


@pytest.fixture
def running(tmp_path: Path, tiny_config: MakeConfig) -> Any:
    """A long training in a thread, stopped at the end of the test."""
    run = Run.create(tiny_config(**LONG), tmp_path, "long")
    training = InThread(run)
    wait_for(lambda: run.status.images_seen > 0)
    yield run, training
    run.request_cancel()
    training.end()


def events(run: Run) -> list[tuple[int, str, Any, Any]]:
    return [(row["images_seen"], row["what"], row["old"], row["new"]) for row in run.metrics("event")]


def test_a_changed_setting_holds_from_its_clock_on(tmp_path: Path, tiny_config: MakeConfig) -> None:
    config = tiny_config(report_every=16, schedule="cosine", beta=1.0)
    run = Run.create(config, tmp_path, "changed")
    train(run, asking(run, at_64={"beta": 3.0, "learning_rate": 1e-3}))
    assert events(run) == [(80, "beta", 1.0, 3.0), (80, "learning_rate", 2e-3, 1e-3)]
    by_clock = {row["images_seen"]: row for row in run.metrics("train")}
    # a report at a clock tells of the step that ended there: the step from 80 to 96 is the first with the new values
    assert [by_clock[seen]["beta"] for seen in (64, 80, 96, 160)] == [1.0, 1.0, 3.0, 3.0]
    halved = schedules.learning_rate(config.optim, 96) / 2
    assert by_clock[96]["learning_rate"] == pytest.approx(halved), "the cosine goes on under the new peak"
    assert (run.settings_now.loss.beta, run.settings_now.optim.learning_rate) == (3.0, 1e-3)
    assert run.config.loss.beta == 1.0, "what the run began with stays in its config"
    assert run.control.beta is None, "a request that was answered is gone"


def test_a_resumed_run_repeats_its_interventions_bit_for_bit(tmp_path: Path, tiny_config: MakeConfig) -> None:
    """The change at 112 comes after the last state at 96, so that the resumed run passes its clock a second time."""
    config = tiny_config(report_every=16, checkpoint_every=48, num_images=320)
    straight, killed = (Run.create(config, tmp_path, name) for name in ("straight", "killed"))
    changes = {"at_32": {"beta": 0.2}, "at_96": {"learning_rate": 5e-4}}
    train(straight, asking(straight, **changes))

    class Killed(Exception):
        pass

    ask = asking(killed, **changes)

    def kill_at_128(report: dict[str, Any]) -> None:
        ask(report)
        if report["images_seen"] == 128:
            raise Killed

    with pytest.raises(Killed):
        train(killed, kill_at_128)
    assert read_checkpoint(killed.state_path).record["images_seen"] == 96
    train(killed)
    assert events(killed) == events(straight) == [(48, "beta", 1.0, 0.2), (112, "learning_rate", 2e-3, 5e-4)]
    states = [read_checkpoint(run.state_path).tensors for run in (straight, killed)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert straight.weights_path.read_bytes() == killed.weights_path.read_bytes()


def test_without_its_interventions_the_run_would_be_another(tmp_path: Path, tiny_config: MakeConfig) -> None:
    plain, changed = (Run.create(tiny_config(), tmp_path, name) for name in ("plain", "changed"))
    train(plain)
    train(changed, asking(changed, at_32={"beta": 50.0}))
    assert plain.weights_path.read_bytes() != changed.weights_path.read_bytes()


def test_the_state_remembers_interventions_whose_lines_were_lost(tmp_path: Path, tiny_config: MakeConfig) -> None:
    config = tiny_config(report_every=16, num_images=320)
    straight, robbed = (Run.create(config, tmp_path, name) for name in ("straight", "robbed"))
    train(straight, asking(straight, at_32={"beta": 0.2}))

    def rob(report: dict[str, Any]) -> None:
        if report["images_seen"] == 32:
            robbed.request(beta=0.2)
        if report["images_seen"] == 160:
            robbed.request_cancel()

    with pytest.raises(Cancelled):
        train(robbed, rob)
    (robbed.dir / "metrics.jsonl").unlink()
    train(robbed)
    assert straight.weights_path.read_bytes() == robbed.weights_path.read_bytes()


def test_a_new_wish_after_a_resume_voids_a_later_one(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(report_every=16, num_images=320), tmp_path, "rewound")
    with pytest.raises(Cancelled):
        train(run, lambda report: run.request_cancel() if report["images_seen"] == 32 else None)
    run.append_metrics("event", 160, what="beta", old=1.0, new=9.0)  # as if killed later, the state being from 48
    train(run, asking(run, at_64={"beta": 2.0}))
    assert events(run) == [(80, "beta", 1.0, 2.0)]
    assert run.metrics("train")[-1]["beta"] == 2.0


def test_of_two_wishes_in_one_look_the_last_holds(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(report_every=16), tmp_path, "twice")

    def ask_twice(report: dict[str, Any]) -> None:
        if report["images_seen"] == 32:
            run.request(beta=5.0)
            run.request(beta=0.5)

    train(run, ask_twice)
    assert events(run) == [(48, "beta", 1.0, 0.5)]
    assert not list(run.requests_dir.iterdir())


def test_a_paused_training_holds_and_goes_on(running: tuple[Run, InThread]) -> None:
    run, _ = running
    run.request(pause=True)
    wait_for(lambda: run.status.state == "paused")
    seen, heard = run.status.images_seen, run.status.updated
    assert read_checkpoint(run.state_path).record["images_seen"] == seen, "nothing can be lost while it waits"
    time.sleep(0.3)
    assert (run.status.images_seen, run.status.state) == (seen, "paused")
    run.request(beta=0.7)
    wait_for(lambda: run.control.beta is None)
    run.request(pause=False)
    wait_for(lambda: run.status.images_seen > seen)
    assert run.status.updated > heard
    assert [what for _, what, *_ in events(run)] == ["paused", "beta", "resumed"]


def test_the_same_wish_twice_at_one_clock_is_one_change(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(), tmp_path, "paused")
    run.write_status(RunStatus("running"))
    steering = Steering(run, [], Ranks(), torch.device("cpu"))
    for beta in (2.0, 2.0):
        run.request(beta=beta)
        steering.look(80, now=True)
    assert steering.settings(80).loss.beta == run.settings_now.loss.beta == 2.0
    for beta in (5.0, 1.0, 1.0):
        run.request(beta=beta)
        steering.look(80, now=True)
    resumed = Steering(run, steering.changes[:1], Ranks(), torch.device("cpu"))
    assert steering.settings(80).loss.beta == resumed.settings(80).loss.beta == run.settings_now.loss.beta == 1.0
    assert [(old, new) for _, _, old, new in events(run)] == [(1.0, 2.0), (2.0, 5.0), (5.0, 1.0)]


def test_what_is_asked_while_a_run_starts_is_done(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(), tmp_path, "starting")
    run.write_status(RunStatus("running", message="starting"))  # as the queue does before it trains
    run.request(save_now=True)
    train(run)
    assert [what for _, what, *_ in events(run)] == ["saved on request"]


def test_what_was_asked_of_a_training_that_ended_is_forgotten(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(), tmp_path, "ended")
    run.write_status(RunStatus("running"))
    run.request(pause=True, save_now=True, beta=3.0)
    run.write_status(RunStatus("stopped"))
    train(run)
    assert run.status.state == "done"
    assert [(what, new) for _, what, _, new in events(run)] == [("beta", 3.0)], "a setting still holds"


def test_a_paused_training_can_be_stopped(running: tuple[Run, InThread]) -> None:
    run, training = running
    run.request(pause=True)
    wait_for(lambda: run.status.state == "paused")
    run.request_cancel()
    assert isinstance(training.end(), Cancelled)
    assert run.status.state == "stopped"


def test_time_in_pause_is_no_training_time(running: tuple[Run, InThread]) -> None:
    run, _ = running
    run.request(pause=True)
    wait_for(lambda: run.status.state == "paused")
    paused = time.monotonic()
    time.sleep(1.0)
    run.request(pause=False)
    seen = run.status.images_seen
    wait_for(lambda: run.status.images_seen > seen + 64)
    after = next(row for row in run.metrics("train") if row["images_seen"] > seen)
    assert after["seconds"] <= time.monotonic() - paused - 1.0


def test_save_now_writes_a_state(running: tuple[Run, InThread]) -> None:
    run, _ = running
    assert not run.state_path.is_file()
    run.request(save_now=True)
    wait_for(run.state_path.is_file)
    wait_for(lambda: [what for _, what, *_ in events(run)] == ["saved on request"])


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"beta": -1.0}, "beta"),
        ({"learning_rate": 7.0}, "learning_rate"),
        ({"latent": 3}, "latent"),
        ({"beta": True}, "beta"),
    ],
)
def test_what_a_training_cannot_do_is_refused(running: tuple[Run, InThread], asked: dict[str, Any], named: str) -> None:
    run, _ = running
    with pytest.raises(ConfigError, match=named):
        run.request(**asked)
    assert not run.requests_dir.exists()


def test_a_request_file_that_is_none_is_passed_over(running: tuple[Run, InThread]) -> None:
    run, _ = running
    run.requests_dir.mkdir()
    for number, text in enumerate(('{"half', '{"what": "beta", "value": "much"}', '{"what": "soup", "value": 1}')):
        (run.requests_dir / f"{number:020d}-abc.json").write_text(text)
    run.request(save_now=True)
    wait_for(run.state_path.is_file)
    wait_for(lambda: not list(run.requests_dir.iterdir()))
    assert run.status.state == "running"
    assert "a request was refused" in (run.dir / "log.txt").read_text()


def test_a_detector_has_no_beta(tmp_path: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(model="cnn", report_every=16), tmp_path, "cnn")
    with pytest.raises(ConfigError, match="beta weighs the KL of a VAE"):
        train(run, asking(run, at_32={"beta": 1.0}))


def test_nobody_answers_where_nobody_trains(trained: Callable[[str], Run]) -> None:
    with pytest.raises(RunError, match="is done"):
        trained("vae").request(pause=True)


def test_a_run_is_trained_by_one_process_at_a_time(running: tuple[Run, InThread]) -> None:
    run, _ = running
    with pytest.raises(RunError, match="is being trained by process"):
        run_training(Run(run.dir))
    assert run.status.state == "running", "the second one must not spoil the first one's status"
