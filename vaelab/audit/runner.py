"""The members of an audit, one after the other: what one process does, whether alone or beside others."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from vaelab.audit.member import finish_member
from vaelab.audit.pictures import HeldOut, prepare_training
from vaelab.audit.store import Audit
from vaelab.errors import TrainingDiverged
from vaelab.jobs.queue import at_work, device_of
from vaelab.runs.files import locked, telling

Progress = Callable[[str, int, dict[str, Any]], None]
WAIT_SECONDS = 2.0


def run_experiment(audit: Audit, on_progress: Progress | None = None) -> None:
    """Bring every member that nobody else is at work on to its end; killed at any moment, a second call goes on.

    With the same number of threads the scores are those of an uninterrupted run, bit for bit on the CPU. Between two
    members the process gives way to trainings: it waits while one is at work on its device.

    Args:
        on_progress: called with arm, seed and each line of metrics.

    Raises:
        Cancelled: somebody asked to stop; the member at work is saved.
        VaelabError: what no other member would survive either. A member that diverges is kept as a failure and passed
            over.
    """
    experiment = audit.experiment
    with telling(f"cannot make the folder of the members of audit {audit.name}", audit.dir):
        (audit.dir / "members").mkdir(exist_ok=True)  # an audit that ships has none
    prepare_training(experiment)
    held_out = HeldOut.open(experiment)
    for arm, seed in experiment.members():
        if audit.is_scored(arm, seed):
            continue
        with _alone(audit, arm, seed) as is_mine:
            if not is_mine or audit.is_scored(arm, seed):
                continue
            _wait_for_trainings(audit)

            def tell(report: dict[str, Any], arm: str = arm, seed: int = seed) -> None:
                if on_progress is not None:
                    on_progress(arm, seed, report)

            started = time.monotonic()
            audit.clear_failure(arm, seed)
            try:
                finish_member(audit, arm, seed, held_out, tell)
            except TrainingDiverged as error:
                audit.log(f"{arm}-{seed} diverged: {error}")
                audit.write_failure(arm, seed, f"diverged: {error}")
                continue
            audit.log(f"{arm}-{seed} trained and scored, {time.monotonic() - started:.0f} s in this process")


def _alone(audit: Audit, arm: str, seed: int) -> AbstractContextManager[bool]:
    """Keep two processes from one member; the lock dies with whoever holds it."""
    path = audit.member_dir(arm, seed)
    return locked(path.with_name(f"{path.name}.lock"), wait=False)


def _wait_for_trainings(audit: Audit) -> None:
    device = device_of(audit.experiment.base)
    told = False
    while training := at_work(device, audit.dir.resolve().parents[1]):
        if not told:
            audit.log(f"waits for run {training[0].id}, which trains on the {device}")
            told = True
        time.sleep(WAIT_SECONDS)
