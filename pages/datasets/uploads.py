"""Archives that browsers sent: each in a folder of its own until it was used, swept where a server was killed."""

from __future__ import annotations

import contextlib
import io
import secrets
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pages.datasets.shelf import DATA_DIR
from vaelab.errors import DataError
from vaelab.runs.files import free_bytes, locked

UPLOADS_DIR = DATA_DIR / ".uploads"
DOOR = DATA_DIR / ".uploads.lock"
"""Held while a folder is made and locked, and while folders are swept."""
_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class Upload:
    """A folder that stays until it is deleted or this process ends.

    Attributes:
        dir: where the archive lies; there is room for what comes out of it.
    """

    dir: Path
    _lock: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def archive(self) -> Path:
        """What the browser sent."""
        return self.dir / "archive"

    def delete(self) -> None:
        """Delete the archive and what was unpacked beside it."""
        shutil.rmtree(self.dir, ignore_errors=True)
        self._lock.close()


def received(sent: io.BytesIO) -> Upload:
    """A copy on disk of what a browser sent.

    Raises:
        DataError: it cannot be written, such as on a full disk; nothing stays of it.
    """
    upload = Upload(UPLOADS_DIR / secrets.token_hex(8))
    try:
        UPLOADS_DIR.mkdir(parents=True, exist_ok=True)
        with locked(DOOR):
            upload.dir.mkdir()
            upload._lock.enter_context(locked(upload.dir / "lock"))
        sent.seek(0)  # it may have been checked before
        with upload.archive.open("wb") as file:
            shutil.copyfileobj(sent, file, _BLOCK_BYTES)
    except OSError as error:
        upload.delete()
        raise DataError(
            f"The upload cannot be kept in {UPLOADS_DIR}: {error.strerror or error}. There are "
            f"{free_bytes(DATA_DIR) / 2**20:,.0f} MiB free; make room or mend the permissions, then try again."
        ) from error
    return upload


def sweep() -> None:
    """Delete what servers that were killed left behind; what a living one uses stays."""
    with contextlib.suppress(OSError):  # no uploads yet, or a disk that cannot be written to
        folders = list(UPLOADS_DIR.iterdir())
        with locked(DOOR):
            for folder in folders:
                with contextlib.suppress(OSError), locked(folder / "lock", wait=False) as is_left:
                    if is_left:
                        shutil.rmtree(folder, ignore_errors=True)
