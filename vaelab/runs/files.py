"""Files that are either whole or not there, and what is said where one cannot be written."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from vaelab.errors import RunError
from vaelab.locks import locked

__all__ = ["add_to_log", "free_bytes", "locked", "read_json", "replacing", "telling", "write_json"]


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


def write_json(folder: Path, name: str, value: Mapping[str, Any], owner: str) -> None:
    """Put `value` in the place of `folder/name`, once it is whole and on disk.

    Raises:
        RunError: it cannot be written; the message names `owner`.
    """
    with replacing(folder, name, owner) as file:
        file.write((json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def read_json(folder: Path, name: str, owner: str) -> dict[str, Any]:
    """What `write_json` kept.

    Raises:
        RunError: it is missing or damaged; the message names `owner`.
    """
    try:
        value = json.loads((folder / name).read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("no JSON object")
    except FileNotFoundError:
        raise RunError(f"{owner} has no {name}; the folder is not whole") from None
    except (OSError, ValueError) as error:
        raise RunError(
            f"{name} of {owner} is damaged ({error}); restore it or delete the {owner.split()[0]}"
        ) from error
    return value


def add_to_log(folder: Path, text: str) -> None:
    """Add a line for people to log.txt, with the time in UTC."""
    with (folder / "log.txt").open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n")


@contextlib.contextmanager
def telling(what: str, folder: Path, consolation: str = "") -> Iterator[None]:
    """Turn the system's errors inside into a RunError: `what`, its reason, and what to do about it."""
    try:
        yield
    except OSError as error:
        parts = [f"{what}: {error.strerror or error}"]
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = f"{free_bytes(folder) / 2**20:,.0f} MiB are free in {folder}"
            parts.append(f"{free}, too little for it: make room, then resume the run or try again")
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            parts.append(f"{folder} cannot be written to: change its permissions, or choose another folder")
        raise RunError("; ".join([*parts, consolation] if consolation else parts)) from error


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of `folder`, or of its nearest parent that exists."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    return shutil.disk_usage(existing).free
