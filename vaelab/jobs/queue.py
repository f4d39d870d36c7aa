"""One training per device at a time; the others wait in order. No daemon: whoever is free starts the next.

A waiting run has a ticket, a file with the time it came. `advance` starts what can start; it is called when a run is
added, when one ends, when the server starts, while a page is open and by the command line. A lock file keeps two
callers apart; where the system has no such locks (Windows), two that call at the very same moment may start one run
twice, and the lock in the run's own folder then does not stop the second either.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vaelab.config import TrainConfig
from vaelab.errors import DataError, RunError, VaelabError
from vaelab.jobs.environment import start_detached
from vaelab.recipe_notes import preparing_command
from vaelab.runs.control import forget_switches
from vaelab.runs.files import locked, replacing, telling
from vaelab.runs.store import RUNS_DIR, TICKET, Run, RunStatus, list_runs
from vaelab.settings import EMBEDDED

log = logging.getLogger("vaelab.jobs")


def start(config: TrainConfig, *, name: str | None = None, root: Path = RUNS_DIR) -> Run:
    """Make a run and train it in the background as soon as its device is free; returns at once.

    Raises:
        ConfigError: this machine has no such device.
        DataError: a data set is missing or has pictures of another size.
        RunError: the name is taken, or the folder cannot be made.
    """
    device_of(config)
    run = Run.create(config, root, name, data_fingerprints(config))
    with _queue_lock(root):
        _add(run, RunStatus())
    advance(root)
    return run


def resume(run: Run) -> Run:
    """Go on with a run that stopped, from its last saved state, as soon as its device is free; returns at once.

    Raises:
        RunError: it is at work, waits already, or is done.
    """
    device_of(run.config)
    with _queue_lock(run.dir.parent):  # checked inside: of two that resume it at once, one is refused
        check_resumable(run)
        run.clear_cancel()
        _add(run, replace(run.status, state="queued"))
    advance(run.dir.parent)
    return run


def stop(run: Run) -> None:
    """Ask a training to save and stop, or take a waiting one out of the queue.

    Raises:
        RunError: it is neither at work nor waiting.
    """
    with _queue_lock(run.dir.parent):
        status = run.status
        if status.is_alive or (status.state == "queued" and not run.has_ticket):  # the latter is about to begin
            run.request_cancel()
        elif run.has_ticket:
            run.write_status(replace(status, state="stopped", message="taken out of the queue"))
            (run.dir / TICKET).unlink(missing_ok=True)
        else:
            raise RunError(f"run {run.id} is {status.state}; there is nothing to stop")


def check_resumable(run: Run) -> None:
    """Refuse a run that cannot go on.

    Raises:
        RunError: it is at work, waits already, or is done.
    """
    status = run.status
    if status.is_alive:
        raise RunError(f"run {run.id} is {status.state} in process {status.pid}; stop it first")
    if run.has_ticket:
        raise RunError(f"run {run.id} waits in the queue already, at place {position(run)}")
    if status.state == "done":
        raise RunError(f"run {run.id} is done after {status.images_seen:,} images; there is nothing to resume")


def queue(root: Path = RUNS_DIR) -> list[Run]:
    """The runs that wait for a device, first come first."""
    waiting = []
    for path in root.glob(f"*/{TICKET}"):
        with contextlib.suppress(OSError, ValueError, KeyError):  # taken in this moment
            waiting.append((int(json.loads(path.read_text(encoding="utf-8"))["since"]), path.parent))
    return [Run(folder) for _, folder in sorted(waiting)]


def position(run: Run) -> int:
    """The run's place among those that wait for its device, from 1; 0 if it does not wait.

    One that this machine cannot train, from a shared folder, is counted among its like.
    """
    device = _device_or_none(run)
    waiting = [other.id for other in queue(run.dir.parent) if _device_or_none(other) == device]
    return waiting.index(run.id) + 1 if run.id in waiting else 0


def ahead(device: str, root: Path = RUNS_DIR) -> list[Run]:
    """The runs for which a new one would wait for this machine's `device`: at work or paused first, then the waiting.

    What another machine trains in a shared folder holds up nothing here.
    """
    at_work_here = (run for run in list_runs(root) if _is_at_work_here(run))
    return [run for run in dict.fromkeys([*at_work_here, *queue(root)]) if _device_or_none(run) == device]


def advance(root: Path = RUNS_DIR) -> list[Run]:
    """Start the waiting runs whose devices are free; returns those started."""
    if not queue(root):
        return []
    started = []
    with _queue_lock(root):
        busy = {_device_or_none(run) for run in list_runs(root) if _is_at_work_here(run)}
        for run in queue(root):
            device = _device_or_none(run)
            if device is None:
                _give_up(run)
            elif device not in busy:
                _launch(run)
                busy.add(device)
                started.append(run)
    return started


@functools.cache
def _automatic_device() -> str:
    from vaelab.training.step import pick_device

    return pick_device("auto").type


def device_of(config: TrainConfig) -> str:
    """The kind of device that a training with these settings takes here: cpu, cuda or mps.

    Raises:
        ConfigError: this machine does not have it.
    """
    if config.run.device == "auto":
        return _automatic_device()
    if config.run.device != "cpu":
        from vaelab.training.step import pick_device

        pick_device(config.run.device)
    return config.run.device


def at_work(device: str, root: Path = RUNS_DIR) -> list[Run]:
    """The runs that train on this machine's `device` now; a paused one computes nothing."""
    return [
        run
        for run in list_runs(root)
        if _is_at_work_here(run) and _device_or_none(run) == device and run.status.state == "running"
    ]


def data_fingerprints(config: TrainConfig) -> dict[str, str]:
    """Fingerprint of each data set by its name; the embedded one, drawn on first use, may be missing still.

    Raises:
        DataError: one is missing, damaged, or holds pictures of another size.
    """
    require_data(config)
    from vaelab.data.store import DatasetStore  # with pandas, which telling how trainings are need not wait for

    found = {}
    for name in config.data.datasets:
        folder = Path(config.data.data_dir) / name
        if name == EMBEDDED and not folder.is_dir():
            continue
        store = DatasetStore.open(folder)
        if store.size != config.data.size:
            raise DataError(
                f"data set {name} holds pictures of {store.size} pixels, the model wants {config.data.size}; "
                f"prepare it again with --size {config.data.size}, or train with --size {store.size}"
            )
        found[store.manifest.name] = store.fingerprint
    return found


def require_data(config: TrainConfig) -> None:
    """Refuse a training whose data sets are not all here, and say how to prepare them or do without.

    Raises:
        DataError: at least one is missing; the embedded one never is.
    """
    data_dir = Path(config.data.data_dir)
    missing = [name for name in config.data.datasets if name != EMBEDDED and not (data_dir / name).is_dir()]
    if not missing:
        return
    commands = "; ".join(f"`{preparing_command(name)}`" for name in missing)
    drawn = f"; or learn from faces that the program draws: --datasets {EMBEDDED}" if config.data.size == 64 else ""
    raise DataError(
        f"no prepared data in {', '.join(str(data_dir / name) for name in missing)}; prepare it: {commands}"
        f" (the Recipes page says where to get the pictures){drawn}"
    )


def _add(run: Run, status: RunStatus) -> None:
    """Let the run wait for its device; call it under the lock of the queue."""
    try:
        run.write_status(replace(status, message=f"waiting for the {device_of(run.config)}"))
        with replacing(run.dir, TICKET, f"run {run.id}") as file:
            file.write(json.dumps({"since": time.time_ns()}).encode())
    except RunError as error:
        _drop(run, error)
        raise


@contextlib.contextmanager
def _queue_lock(root: Path) -> Iterator[None]:
    with telling(f"cannot lock the queue in {root}", root), locked(root / ".queue.lock"):
        yield


def wait_until_written(root: Path) -> None:
    """Return once nobody changes the queue: a child must not speak before its parent wrote down who it is."""
    with _queue_lock(root):
        pass


def _is_at_work_here(run: Run) -> bool:
    with contextlib.suppress(RunError):
        status = run.status
        return status.is_alive and status.host == socket.gethostname()
    return False  # a damaged folder holds nobody up


def _device_or_none(run: Run) -> str | None:
    try:
        return device_of(run.config)
    except VaelabError:
        return None


def _give_up(run: Run) -> None:
    """Take a run that cannot start here out of the queue, with its reason, unless another machine put it there."""
    try:
        device_of(run.config)
    except VaelabError as error:
        with contextlib.suppress(RunError):
            if run.status.host == socket.gethostname():
                _drop(run, error)


def _drop(run: Run, error: VaelabError) -> None:
    """Take a run out of the queue as failed; on a full disk its old status makes room for the new one."""
    try:
        status = replace(run.status, state="failed", message=str(error))
        try:
            run.write_status(status)
        except RunError:
            run.overwrite_status(status)
    finally:  # a damaged folder leaves the queue too
        (run.dir / TICKET).unlink(missing_ok=True)


def _launch(run: Run) -> None:
    """Start the run's process and write down which one it is; call it under the lock of the queue."""
    process = None
    try:
        with telling(f"cannot start run {run.id}", run.dir):
            forget_switches(run.requests_dir)  # from here on it says running, and takes requests
            process = start_detached("vaelab.jobs.worker", str(run.dir), log_path=run.dir / "log.txt")
        run.write_status(replace(run.status, state="running", message="starting"), pid=process.pid)
    except RunError as error:  # with its ticket it would be started again and again
        if process is not None:
            process.kill()
            process.wait()
        _drop(run, error)
        raise
    (run.dir / TICKET).unlink(missing_ok=True)
    threading.Thread(target=_bury, args=(process, run), name=f"wait-{run.id}", daemon=True).start()


def _bury(process: subprocess.Popen[bytes], run: Run) -> None:
    """Wait for the child's end, lest it stay a zombie, say if it was killed, and let the next run begin."""
    code = process.wait()
    with contextlib.suppress(OSError, RunError):
        if code < 0 and run.status.state == "lost":
            run.log(f"the process was ended by {signal.Signals(-code).name}")
        if code != -signal.SIGTERM:  # whoever sends that wants the machine
            advance(run.dir.parent)
