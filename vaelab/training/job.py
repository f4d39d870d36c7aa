"""One training as a job: whatever ends it is written into the run before it is raised."""

import contextlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

import torch

from vaelab.data.collection import Collection
from vaelab.data.embedded import prepare_embedded
from vaelab.errors import Cancelled, DataError, RunError, TrainingDiverged, VaelabError
from vaelab.interrupts import interrupts_ask
from vaelab.runs.files import locked, telling
from vaelab.runs.store import Run, RunStatus
from vaelab.training.loop import Progress, train


def run_training(run: Run, on_report: Progress | None = None) -> RunStatus:
    """`train(run)`; an interrupt (Ctrl-C, SIGTERM) asks it to save and stop, a failure is kept in status and log.txt.

    Raises:
        RunError: another process trains this run.
        VaelabError: whatever `train` raises; other exceptions come as they are, after being logged.
    """
    with _alone(run), interrupts_ask(run.request_cancel):
        try:
            _check_data(run)
            train(run, on_report)
        except Cancelled:
            raise
        except Exception as error:
            _keep_failure(run, error)
            raise
    return run.status


def _is_first() -> bool:
    """Whether this process writes the files: alone, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextlib.contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Keep a second process from training the same folder; under torchrun the first one answers for all."""
    if not _is_first():
        yield
        return
    with telling(f"cannot lock run {run.id}", run.dir), locked(run.dir / "lock", wait=False) as is_mine:
        if not is_mine:
            raise RunError(f"run {run.id} is being trained by process {run.status.pid}; stop it first")
        yield


def _check_data(run: Run) -> None:
    """Draw the embedded data set if it is used for the first time, and see that all are those the run began with.

    Raises:
        DataError: a data set is missing, or is another one than when the run began.
    """
    config = run.config.data
    prepare_embedded(config)
    found = Collection.open(config.datasets, Path(config.data_dir), config.size).fingerprints
    known = run.data_fingerprints
    for name, fingerprint in found.items():
        if known.get(name, fingerprint) != fingerprint:
            raise DataError(
                f"data set {name} is not the one that run {run.id} began with: fingerprint {fingerprint[:12]}, then "
                f"{known[name][:12]}; put the old one back, or start a new run on this one"
            )
    if _is_first() and not found.keys() <= known.keys():
        run.know_data(found)


def _keep_failure(run: Run, error: Exception) -> None:
    """Write the reason into status and log; on a full disk as well as that can be done."""
    with contextlib.suppress(OSError):
        run.log(traceback.format_exc())
    last = run.status
    fell_with_another = last.state == "failed" and int(os.environ.get("WORLD_SIZE", "1")) > 1
    if fell_with_another and not (isinstance(error, VaelabError) or is_out_of_memory(error)):
        return  # a connection that was closed explains nothing
    status = RunStatus("failed", last.images_seen, last.train_seconds, message=failure_message(run, error))
    try:
        if _is_first():  # what looks left over may be what the first process is writing
            run.clear_leftovers()
        run.write_status(status)
    except RunError:  # no room for a second file: the bytes of the old one are still ours
        run.overwrite_status(status)


def failure_message(run: Run, error: Exception) -> str:
    """Why a training ended, as a sentence for people."""
    if isinstance(error, TrainingDiverged):
        return f"diverged: {error}"
    if isinstance(error, VaelabError):
        return str(error)
    if is_out_of_memory(error):
        config = run.config
        return (
            f"out of memory with batch_size {config.optim.batch_size} at {config.data.size} pixels: close what else "
            "needs memory and resume, or start a run with a smaller batch_size, width or size"
        )
    return f"{type(error).__name__}: {error}"


def is_out_of_memory(error: Exception) -> bool:
    """Whether there was no memory left; torch's CPU allocator, CUDA, cuBLAS and cuDNN say so in words alone."""
    told = str(error).lower()
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError)
        and any(words in told for words in ("allocate memory", "out of memory", "alloc_failed"))
    )
