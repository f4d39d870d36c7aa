"""An audit at work: one process that conducts, and as many that train as this machine has cores.

Each member trains on one thread, so its weights do not depend on how many train beside it. The processes share
nothing but the folder: each takes the next member that nobody holds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from vaelab.audit.beginning import clear_requests
from vaelab.audit.pictures import prepare_training
from vaelab.audit.store import Audit
from vaelab.data.prepare import usable_cores
from vaelab.errors import Cancelled, RunError, VaelabError
from vaelab.interrupts import interrupts_ask
from vaelab.jobs.environment import child_environment, start_detached
from vaelab.jobs.queue import device_of
from vaelab.runs.files import locked, telling
from vaelab.runs.status import RunStatus
from vaelab.wording import listed

MEMBER_THREADS = 1
POLL_SECONDS = 1.0
STOP_TIMEOUT_SECONDS = 60.0
"""How long a process may take to save its member before it is ended; the last state then counts."""


@dataclass(frozen=True)
class Progress:
    """How far an audit is.

    Attributes:
        members_done: trained and scored, of `members`.
        images_seen: over all members, of `images`.
        at_work: names of the members that train now.
    """

    members_done: int
    members: int
    images_seen: int
    images: int
    at_work: tuple[str, ...] = ()


def progress_of(audit: Audit) -> Progress:
    """How far the audit is, read from its folder."""
    experiment = audit.experiment
    done = seen = images = 0
    at_work = []
    for arm, seed in experiment.members():
        num_images = experiment.config_of(arm, seed).optim.num_images
        images += num_images
        if audit.is_scored(arm, seed):
            done, seen = done + 1, seen + num_images
        elif (run := audit.member(arm, seed)) is not None:
            with contextlib.suppress(RunError):  # being made in this moment
                status = run.status
                seen += status.images_seen
                at_work += [run.id] if status.is_alive else []
    return Progress(done, len(experiment.arms) * len(experiment.seeds), seen, images, tuple(at_work))


def num_workers(audit: Audit, wanted: int = 0) -> int:
    """Processes that train side by side: as many as wanted, or one per core; on a GPU one."""
    if wanted:
        return wanted
    return usable_cores() if device_of(audit.experiment.base) == "cpu" else 1


def conduct(
    audit: Audit,
    workers: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    keeps_requests: bool = False,
) -> None:
    """Bring the audit to its end with `workers` processes (0: one per core); returns when all are done.

    A signal or a `cancel` file saves the members at work and stops.

    Args:
        keeps_requests: a request to stop that is there already counts; otherwise it is an old one.

    Raises:
        RunError: another process conducts it, or a member failed; says which and why.
        Cancelled: it was stopped on request.
    """
    with (
        telling(f"cannot lock audit {audit.name}", audit.dir),
        locked(audit.dir / "lock", wait=False) as is_mine,
        interrupts_ask(audit.cancel_path.touch),
    ):
        if not is_mine:
            raise RunError(f"audit {audit.name} is at work in process {audit.status.pid}; stop it first")
        if not keeps_requests:
            clear_requests(audit)
        try:
            _tell(audit, "preparing")
            prepare_training(audit.experiment)
            _train(audit, num_workers(audit, workers), on_progress)
        except Cancelled as error:
            is_stopped = bool(_undone(audit))  # else the last member was done while the request was on its way
            if is_stopped:
                audit.write_status(replace(audit.status, state="stopped", message=str(error)))
            clear_requests(audit)
            if is_stopped:
                raise
        except VaelabError as error:
            audit.write_status(replace(audit.status, state="failed", message=str(error)))
            audit.log(str(error))
            raise
        audit.write_status(RunStatus("done", progress_of(audit).images_seen))
        audit.log("all members are trained and scored")


def _train(audit: Audit, workers: int, on_progress: Callable[[Progress], None] | None) -> None:
    """Start the processes, tell how far they are, and see how they end."""
    for path in (audit.dir / "members").glob("*.lock"):
        with locked(path):  # processes of a conductor that was killed save what they have and go
            pass
    _stop_if_asked(audit)
    left = len(_undone(audit))
    audit.log(f"{left} members to train, {min(workers, left)} side by side")
    with _hands(audit, min(workers, left)) as hands:
        told = 0.0
        while any(hand.poll() is None for hand in hands):
            _stop_if_asked(audit)
            if time.monotonic() - told >= 5 * POLL_SECONDS:
                told = time.monotonic()
                progress = progress_of(audit)
                _tell(audit, f"{progress.members_done} of {progress.members} members done", progress.images_seen)
                if on_progress is not None:
                    on_progress(progress)
            time.sleep(POLL_SECONDS / 5)
        codes = [hand.returncode for hand in hands]
    if on_progress is not None:
        on_progress(progress_of(audit))
    if missing := _undone(audit):
        raise RunError(_why_missing(audit, missing, codes))


def _undone(audit: Audit) -> list[str]:
    """Names of the members that are not trained and scored."""
    return [f"{arm}-{seed}" for arm, seed in audit.experiment.members() if not audit.is_scored(arm, seed)]


def _stop_if_asked(audit: Audit) -> None:
    if audit.cancel_path.exists():
        raise Cancelled(f"audit {audit.name} stopped on request; resume goes on with what is left")


def _why_missing(audit: Audit, missing: list[str], codes: list[int]) -> str:
    """Which members are not done, and what is known about the reason."""
    shown = listed(missing, 6)
    for arm, seed in audit.experiment.members():
        run = audit.member(arm, seed)
        if f"{arm}-{seed}" in missing and run is not None and run.status.state == "failed":
            return f"{shown} not done; {run.id} failed: {run.status.message}"
    return f"{shown} not done; processes ended with {codes}, and log.txt of the audit says why"


def _tell(audit: Audit, message: str, images_seen: int | None = None) -> None:
    seen = audit.status.images_seen if images_seen is None else images_seen
    audit.write_status(RunStatus("running", seen, message=message))


@contextlib.contextmanager
def _hands(audit: Audit, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that train; asked to save and end when the block is left early.

    Their standard input is a pipe that nobody writes to: it closes when this process ends, however it ends.
    """
    environment = {**child_environment(), "OMP_NUM_THREADS": str(MEMBER_THREADS)}
    command = [sys.executable, "-m", "vaelab.audit.hand", str(audit.dir)]
    with (audit.dir / "log.txt").open("ab") as output:
        hands = [
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the conductor, who passes it on
            )
            for _ in range(count)
        ]
    try:
        yield hands
    finally:
        for hand in hands:
            if hand.poll() is None:
                hand.terminate()
        for hand in hands:
            with contextlib.suppress(subprocess.TimeoutExpired):
                hand.wait(STOP_TIMEOUT_SECONDS)
            if hand.poll() is None:
                hand.kill()
                hand.wait()
            if hand.stdin is not None:
                hand.stdin.close()


def start_audit(audit: Audit, workers: int = 0) -> None:
    """Conduct the audit in a process of its own; returns at once. It goes on after this process has ended.

    Raises:
        RunError: it is at work already, or the process cannot be started.
    """
    if audit.status.is_alive:
        raise RunError(f"audit {audit.name} is at work in process {audit.status.pid}")
    clear_requests(audit)
    arguments = (str(audit.dir), str(workers))
    with telling(f"cannot start audit {audit.name}", audit.dir):
        process = start_detached("vaelab.audit.worker", *arguments, log_path=audit.dir / "log.txt")
    audit.write_status(replace(audit.status, state="running", message="starting"), pid=process.pid)
    threading.Thread(target=process.wait, name=f"wait-{audit.name}", daemon=True).start()  # lest it stay a zombie


def stop_audit(audit: Audit) -> None:
    """Ask an audit at work to save its members and end.

    Raises:
        RunError: nobody is at work on it.
    """
    status = audit.status
    if not status.is_alive:
        raise RunError(f"audit {audit.name} is {status.state}; there is nothing to stop")
    with telling(f"cannot ask audit {audit.name} to stop", audit.dir):
        audit.cancel_path.touch()


def end_with_parent() -> None:
    """Save and end this process when the one that started it is gone: its end of the pipe closes then."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)  # not by sys.stdin, whose lock the interpreter wants at its end
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="wait-for-conductor", daemon=True).start()
