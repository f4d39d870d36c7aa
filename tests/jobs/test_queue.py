"""The queue: order on disk, one training per device, children that nothing takes down, and clear refusals."""

import contextlib
import errno
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vaelab import jobs
from vaelab.config import TrainConfig
from vaelab.errors import ConfigError, DataError, RunError
from vaelab.jobs import worker
from vaelab.jobs.queue import ahead
from vaelab.runs.store import TICKET, Run, RunStatus, list_runs

MakeConfig = Callable[..., TrainConfig]
LONG = {"num_images": 10**9, "report_every": 160, "checkpoint_every": 10**8, "validate_every": 10**8}


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder of runs; what still trains there at the end is killed."""
    folder = tmp_path / "runs"
    folder.mkdir()
    yield folder
    for path in folder.glob(f"*/{TICKET}"):
        path.unlink()
    for run in list_runs(folder):
        with contextlib.suppress(ProcessLookupError, RunError):
            status = run.status
            if status.is_alive and status.pid != os.getpid():
                os.kill(status.pid, signal.SIGKILL)


def fill_disk_after(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """Let no new file be written once the function `owner.name` has returned."""
    before: Callable[..., object] = getattr(owner, name)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def done(*arguments: object, **named: object) -> object:
        result = before(*arguments, **named)
        monkeypatch.setattr(os, "fsync", full)
        return result

    monkeypatch.setattr(owner, name, done)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that were started, in order; instead of a child, this process stands for their training."""
    names: list[str] = []

    def launch(run: Run) -> None:
        names.append(run.id)
        run.write_status(RunStatus("running"))
        (run.dir / TICKET).unlink()

    monkeypatch.setattr(importlib.import_module("vaelab.jobs.queue"), "_launch", launch)
    return names


def test_one_trains_and_the_others_wait_in_order(root: Path, tiny_config: MakeConfig, launched: list[str]) -> None:
    first, second, third = (jobs.start(tiny_config(), name=name, root=root) for name in ("c", "b", "a"))
    assert launched == ["c"]
    assert [run.id for run in jobs.queue(root)] == ["b", "a"], "by the time they came, not by name"
    assert [jobs.position(run) for run in (first, second, third)] == [0, 1, 2]
    assert second.status.message == "waiting for the cpu"
    assert jobs.advance(root) == []
    first.write_status(RunStatus("done"))
    assert jobs.advance(root) == [second]
    assert jobs.position(third) == 1


@pytest.mark.parametrize("state", ["done", "failed", "stopped"])
def test_any_end_frees_the_device(root: Path, tiny_config: MakeConfig, launched: list[str], state: str) -> None:
    first, second = (jobs.start(tiny_config(), name=name, root=root) for name in ("a", "b"))
    first.write_status(RunStatus(state))
    assert jobs.advance(root) == [second]


def test_a_lost_run_frees_the_device_and_can_be_resumed(
    root: Path, tiny_config: MakeConfig, launched: list[str]
) -> None:
    first, second = (jobs.start(tiny_config(), name=name, root=root) for name in ("a", "b"))
    first.replace_status(RunStatus("running", 320, host="another"))
    assert first.status.state == "lost"
    assert jobs.advance(root) == [second]
    jobs.resume(first)
    assert (first.status.state, first.status.images_seen, jobs.position(first)) == ("queued", 320, 1)


def test_a_damaged_folder_holds_nobody_up(root: Path, tiny_config: MakeConfig, launched: list[str]) -> None:
    broken = Run.create(tiny_config(), root, "broken")
    (broken.dir / "status.json").write_text("{")
    jobs.start(tiny_config(), name="sound", root=root)
    assert launched == ["sound"]


def test_a_run_for_a_device_that_is_not_here_gives_up_with_its_reason(
    root: Path, tiny_config: MakeConfig, launched: list[str]
) -> None:
    with pytest.raises(ConfigError, match="device is mps"):
        jobs.start(tiny_config(device="mps"), root=root)
    assert list_runs(root) == []
    stranger = Run.create(tiny_config(device="mps"), root, "stranger")
    (stranger.dir / TICKET).write_text('{"since": 1}')
    jobs.start(tiny_config(), name="mine", root=root)
    assert launched == ["mine"]
    assert stranger.status.state == "failed"
    assert "device is mps" in stranger.status.message
    guest = Run.create(tiny_config(device="mps"), root, "guest")
    guest.replace_status(RunStatus(host="another"))
    (guest.dir / TICKET).write_text('{"since": 1}')
    assert jobs.advance(root) == []
    assert (guest.status.state, guest.has_ticket) == ("queued", True), "its own machine may start it yet"


def test_a_new_run_waits_for_what_this_machine_trains_and_for_nothing_else(
    root: Path, tiny_config: MakeConfig, launched: list[str]
) -> None:
    far = Run.create(tiny_config(), root, "far")
    far.replace_status(RunStatus("running", host="another", pid=os.getpid(), updated=time.time()))
    Run.create(tiny_config(device="mps"), root, "stranger").write_status(RunStatus("running"))
    assert ahead("cpu", root) == []
    paused, waiting = (jobs.start(tiny_config(), name=name, root=root) for name in ("c", "b"))
    assert launched == ["c"]
    paused.write_status(RunStatus("paused"))
    assert ahead("cpu", root) == [paused, waiting]


def test_a_waiting_run_of_another_machine_has_its_place(
    root: Path, tiny_config: MakeConfig, launched: list[str]
) -> None:
    stranger = Run.create(tiny_config(device="mps"), root, "stranger")
    assert jobs.position(stranger) == 0
    (stranger.dir / TICKET).write_text('{"since": 1}')
    assert jobs.position(stranger) == 1


def test_a_waiting_run_can_be_taken_out(root: Path, tiny_config: MakeConfig, launched: list[str]) -> None:
    _, second = (jobs.start(tiny_config(), name=name, root=root) for name in ("a", "b"))
    jobs.stop(second)
    assert (second.status.state, jobs.queue(root)) == ("stopped", [])
    with pytest.raises(RunError, match="nothing to stop"):
        jobs.stop(second)
    jobs.resume(second)
    assert jobs.position(second) == 1
    with pytest.raises(RunError, match="waits in the queue already, at place 1"):
        jobs.resume(second)


def test_a_run_that_is_about_to_begin_is_asked_to_stop(root: Path, tiny_config: MakeConfig) -> None:
    """`train` in a terminal imports torch for seconds after it made the folder."""
    run = Run.create(tiny_config(), root, "young")
    jobs.stop(run)
    assert run.is_cancel_requested


def test_of_two_that_resume_a_run_at_once_one_is_refused(
    root: Path, tiny_config: MakeConfig, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tiny_config(), root, "only")
    run.write_status(RunStatus("stopped"))
    both_have_checked, refused = threading.Barrier(2), list[str]()

    def clear_cancel(_: Run) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_checked.wait(0.3)

    def resume() -> None:
        try:
            jobs.resume(run)
        except RunError as error:
            refused.append(str(error))

    monkeypatch.setattr(Run, "clear_cancel", clear_cancel)
    threads = [threading.Thread(target=resume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert launched == ["only"]
    assert len(refused) == 1


def test_a_run_whose_ticket_cannot_be_written_has_failed(
    root: Path, tiny_config: MakeConfig, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk_after(monkeypatch, Run, "create")
    with pytest.raises(RunError, match="No space left"):
        jobs.start(tiny_config(), name="late", root=root)
    (run,) = list_runs(root)
    assert run.status.state == "failed"
    assert "make room" in run.status.message
    assert (launched, jobs.queue(root)) == ([], [])


def test_on_a_full_disk_a_run_is_begun_once_and_ended(
    root: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, begun = subprocess.Popen, list[subprocess.Popen[bytes]]()

    def popen(*_: object, **__: object) -> subprocess.Popen[bytes]:
        begun.append(begin([sys.executable, "-c", "import time; time.sleep(600)"]))
        return begun[0]

    monkeypatch.setattr(subprocess, "Popen", popen)
    fill_disk_after(monkeypatch, subprocess, "Popen")
    with pytest.raises(RunError, match="No space left"):
        jobs.start(tiny_config(), name="first", root=root)
    (run,) = list_runs(root)
    assert jobs.advance(root) == []
    assert len(begun) == 1
    assert begun[0].poll() == -signal.SIGKILL
    assert run.status.state == "failed"
    assert "make room" in run.status.message


@pytest.mark.parametrize(("code", "begins"), [(0, True), (1, True), (-signal.SIGKILL, True), (-signal.SIGTERM, False)])
def test_what_waits_begins_after_any_end_but_on_request(
    root: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, code: int, begins: bool
) -> None:
    begin, go = subprocess.Popen, root / "go"
    end = f"os.kill(os.getpid(), {-code})" if code < 0 else f"sys.exit({code})"
    script = f"import os, sys, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n{end}"
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: begin([sys.executable, "-c", script]))
    jobs.start(tiny_config(), name="first", root=root)
    (waits,) = (thread for thread in threading.enumerate() if thread.name == "wait-first")
    second = jobs.start(tiny_config(), name="second", root=root)
    go.touch()
    waits.join()
    assert (second.has_ticket, second.status.state != "queued") == (not begins, begins)


def test_a_training_that_is_told_to_end_says_so(
    root: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, before = Run.create(tiny_config(), root, "told"), signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(worker, "give_way", lambda: None)
    monkeypatch.setattr("vaelab.training.job.run_training", lambda _: signal.raise_signal(signal.SIGTERM))
    try:
        assert worker.work(run)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert run.is_cancel_requested


def test_what_cannot_be_resumed_is_refused(root: Path, tiny_config: MakeConfig, launched: list[str]) -> None:
    run = jobs.start(tiny_config(), name="a", root=root)
    with pytest.raises(RunError, match="is running in process"):
        jobs.resume(run)
    run.write_status(RunStatus("done", 160))
    with pytest.raises(RunError, match="done after 160 images"):
        jobs.resume(run)


def test_missing_data_are_refused_before_a_folder_is_made(root: Path, tiny_config: MakeConfig) -> None:
    with pytest.raises(DataError, match="no prepared data"):
        jobs.start(tiny_config(datasets=("nowhere",)), root=root)
    with pytest.raises(DataError, match="--size 16"):
        jobs.start(tiny_config(size=32), root=root)
    assert list_runs(root) == []


def test_a_name_is_given_once(root: Path, tiny_config: MakeConfig, launched: list[str]) -> None:
    jobs.start(tiny_config(), name="a", root=root)
    with pytest.raises(RunError, match="already a run 'a'"):
        jobs.start(tiny_config(), name="a", root=root)


def test_a_run_that_is_started_forgets_what_was_asked_of_it_before(
    root: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tiny_config(), root, "again")
    run.write_status(RunStatus("running"))
    run.request(pause=True, beta=2.0)
    run.write_status(RunStatus("stopped"))
    begin = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: begin([sys.executable, "-c", ""]))
    jobs.resume(run)
    assert not jobs.queue(root)
    assert (run.control.pause, run.control.beta) == (None, 2.0)


# --- with real children


@pytest.mark.thorough
def test_children_train_in_turn_survive_a_kill_and_start_the_next(root: Path, tiny_config: MakeConfig) -> None:
    first = jobs.start(tiny_config(**LONG), name="first", root=root)
    second = jobs.start(tiny_config(report_every=16), name="second", root=root)
    assert first.status.state == "running"
    wait_for(lambda: first.status.images_seen > 0)
    assert os.getpgid(first.status.pid) != os.getpgid(0), "Ctrl-C at the server is not meant for it"
    first.request(save_now=True)
    wait_for(first.state_path.is_file)
    os.kill(first.status.pid, signal.SIGKILL)
    wait_for(lambda: second.status.state == "done")  # whoever waited for the child starts the next
    assert first.status.state == "lost"
    assert "ended by SIGKILL" in (first.dir / "log.txt").read_text()
    assert set(second.about["data_fingerprints"]) == {"tiny-16"}
    jobs.resume(first)
    wait_for(lambda: first.status.is_alive and first.status.message == "")
    jobs.stop(first)
    wait_for(lambda: first.status.state == "stopped")
    assert first.status.images_seen > 0
    assert "training from 0" not in (first.dir / "log.txt").read_text().splitlines()[-1]


def _advance_at(root: Path, barrier: "multiprocessing.synchronize.Barrier") -> None:
    barrier.wait()
    jobs.advance(root)


@pytest.mark.thorough
def test_two_processes_never_start_the_same_run(root: Path, tiny_config: MakeConfig) -> None:
    run = Run.create(tiny_config(**LONG), root, "only")
    (run.dir / TICKET).write_text('{"since": 1}')
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    barrier = context.Barrier(3)
    children = [context.Process(target=_advance_at, args=(root, barrier)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    wait_for(lambda: run.status.images_seen > 0)
    assert (run.dir / "log.txt").read_text().count("training from") == 1
    assert jobs.queue(root) == []
