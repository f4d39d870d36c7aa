"""Where a run is, as status.json says it and as it is seen by whoever reads it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from vaelab.errors import RunError
from vaelab.runs.processes import birth_of, is_process_gone

STATES = ("queued", "running", "paused", "done", "stopped", "failed", "lost")
RENAMED = {"cancelled": "stopped"}
"""What earlier versions called a state."""
ALIVE = ("running", "paused")
HEARTBEAT_TIMEOUT_SECONDS = 120.0
LOST = (
    "its process ended without a word: killed, perhaps for want of memory (`dmesg | grep -i killed` tells), or the "
    "machine was restarted; resume goes on from the last saved state"
)
NEVER_BEGAN = "its process ended before the training began; resume starts it"


@dataclass(frozen=True)
class RunStatus:
    """Where a run is; `lost` is derived on reading: it says that a process is at it, which is gone or silent.

    Attributes:
        images_seen: the training clock, over all ranks.
        train_seconds: time spent in training steps, over all resumes.
        updated: Unix time of the last heartbeat.
        host, pid, birth: the process that trains, and when it began: process numbers are given again.
        message: a sentence for people, for example why it failed.
    """

    state: str = "queued"
    images_seen: int = 0
    train_seconds: float = 0.0
    updated: float = 0.0
    host: str = ""
    pid: int = 0
    message: str = ""
    birth: str = ""

    @classmethod
    def read(cls, record: Mapping[str, Any], waits: bool = True) -> RunStatus:
        """The status that status.json holds, as it is seen now; what this version does not know is passed over.

        Args:
            waits: whether, while queued, it waits for somebody to start it; else the process that wrote it is about
                to begin.

        Raises:
            RunError: a value is not of its type.
        """
        known = {field.name: record[field.name] for field in fields(cls) if field.name in record}
        for name, value in known.items():
            wanted = type(getattr(cls, name))
            if type(value) is not wanted and not (wanted is float and type(value) is int):
                raise RunError(
                    f"status.json is damaged: its {name} is {value!r}, expected {wanted.__name__}; restore it, or "
                    "delete the run"
                )
        status = cls(**known)
        return replace(status, state=RENAMED.get(status.state, status.state))._as_seen_now(waits)

    def stamped(self, pid: int | None = None) -> RunStatus:
        """This status, said here and now by process `pid`; by default this one."""
        pid = pid or os.getpid()
        return replace(self, updated=time.time(), host=socket.gethostname(), pid=pid, birth=birth_of(pid))

    @property
    def is_alive(self) -> bool:
        """Whether a process trains it, or holds it paused."""
        return self.state in ALIVE

    def _as_seen_now(self, waits: bool) -> RunStatus:
        """This status, or `lost` if it says that a process is at it which is gone or has fallen silent."""
        is_to_begin = self.state == "queued" and not waits
        if not (self.is_alive or is_to_begin):
            return self
        if self.host == socket.gethostname():
            is_gone = is_process_gone(self.pid, self.birth)
        else:  # no heart beats before a training begins
            is_gone = not is_to_begin and time.time() - self.updated > HEARTBEAT_TIMEOUT_SECONDS
        return replace(self, state="lost", message=NEVER_BEGAN if is_to_begin else LOST) if is_gone else self
