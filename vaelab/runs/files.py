"""Files that are either whole or not there, and locks that die with whoever holds them."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from vaelab.errors import RunError

try:
    import fcntl
except ImportError:  # Windows: no advisory locks; two starts at the very same moment are then not kept apart
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def replacing(folder: Path, name: str, owner: str) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `folder/name` only once it is whole and on disk.

    Raises:
        RunError: it cannot be written; the message names `owner` and, on a full disk, the space that is left.
    """
    with telling(f"cannot write {name} of {owner}", folder, "the old file is untouched"):
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}-", suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(folder / name)
        finally:
            Path(temporary).unlink(missing_ok=True)


@contextlib.contextmanager
def telling(what: str, folder: Path, consolation: str = "") -> Iterator[None]:
    """Turn the system's errors inside into a RunError: `what`, its reason, and what to do about it."""
    try:
        yield
    except OSError as error:
        parts = [f"{what}: {error.strerror or error}"]
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = f"{free_bytes(folder) / 2**20:,.0f} MiB are free in {folder}"
            parts.append(f"{free}, too little for it: make room, then resume the run")
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            parts.append(f"{folder} cannot be written to: change its permissions, or choose another folder with --root")
        raise RunError("; ".join([*parts, consolation] if consolation else parts)) from error


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of `folder`, or of its nearest parent that exists."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    return shutil.disk_usage(existing).free


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file `path`; yields whether it is ours, which without `wait` it may not be.

    The system lets go of it when the process ends, however it ends.
    """
    with path.open("a") as file:
        if fcntl is None:
            yield True
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
