"""Deleting with undo: a deleted run lies in <root>/.trash/<id>-<time> until the trash is emptied."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vaelab.errors import RunError
from vaelab.runs.files import locked, telling
from vaelab.runs.store import RUNS_DIR, Run, RunStatus

TRASH = ".trash"
TIME_FORMAT = "%Y%m%d%H%M%S%f"


@dataclass(frozen=True)
class Trashed:
    """A deleted run.

    Attributes:
        run_id: its name before.
        deleted: when, in UTC.
        dir: where it lies now.
    """

    run_id: str
    deleted: datetime
    dir: Path


def trash(run: Run) -> Path:
    """Move a run to the trash; returns the folder to give to `restore`.

    Raises:
        RunError: it ships with the project, is at work, waits in the queue, or cannot be moved.
    """
    if run.is_shipped:
        raise RunError(f"run {run.id} ships with the project and is not deleted from here; git rm it if you must")
    with telling(f"cannot delete run {run.id}", run.dir.parent), locked(run.dir / "lock", wait=False) as is_free:
        status = RunStatus("damaged")
        with contextlib.suppress(RunError):  # what trains it holds the lock, whatever its status says
            status = run.status
        if status.is_alive or not is_free:
            raise RunError(f"run {run.id} is {status.state} in process {status.pid}; stop it, then delete it")
        if run.has_ticket:
            raise RunError(f"run {run.id} waits in the queue; take it out (stop it), then delete it")
        target = run.dir.parent / TRASH / f"{run.id}-{datetime.now(UTC):{TIME_FORMAT}}"
        target.parent.mkdir(exist_ok=True)
        run.dir.rename(target)
    return target


def trashed(root: Path = RUNS_DIR) -> list[Trashed]:
    """What lies in the trash, latest deleted first."""
    found = []
    for path in (root / TRASH).glob("*"):
        run_id, _, stamp = path.name.rpartition("-")
        with contextlib.suppress(ValueError):
            deleted = datetime.strptime(stamp, TIME_FORMAT).replace(tzinfo=UTC)
            found.append(Trashed(run_id, deleted, path))
    return sorted(found, key=lambda item: item.deleted, reverse=True)


def restore(folder: Path) -> Run:
    """Take a run back out of the trash; under another name where its own was given again.

    Raises:
        RunError: `folder` is nothing that `trash` returned, or is gone.
    """
    item = next((item for item in trashed(folder.parent.parent) if item.dir == folder), None)
    if item is None:
        raise RunError(f"there is no deleted run in {folder}; it was restored already, or the trash was emptied")
    with telling(f"cannot restore run {item.run_id}", folder.parent):
        return Run(move_to_free_name(folder, folder.parent.parent, item.run_id))


def empty_trash(root: Path = RUNS_DIR, older_than_days: float = 0.0) -> int:
    """Delete for good what was deleted longer ago than so many days; returns how many runs that were."""
    before = datetime.now(UTC) - timedelta(days=older_than_days)
    old = [item for item in trashed(root) if item.deleted <= before]
    for item in old:
        with telling(f"cannot delete {item.dir}", item.dir.parent):
            shutil.rmtree(item.dir)
    return len(old)


def move_to_free_name(folder: Path, root: Path, run_id: str) -> Path:
    """Move `folder` to `root/<run_id>`, or to `<run_id>-2` and so on where that is taken; returns where it lies."""
    numbered = re.fullmatch(r"(.+)-\d{1,2}", run_id)
    base = numbered[1] if numbered else run_id
    names = [run_id, *(f"{base}-{number}" for number in range(2, 1000)), f"{base}-{time.time_ns()}"]
    for name in names:
        target = root / name
        try:
            target.mkdir()  # whoever makes it has the name; a rename replaces an empty folder
        except FileExistsError:
            continue
        try:
            return folder.replace(target)
        except OSError:
            target.rmdir()
            raise
    raise RunError(f"cannot find a free name like {run_id!r} in {root}; rename the runs there")
