"""Whether the process that a run's status names still is that process, and still alive."""

import os
from pathlib import Path

PROC = Path("/proc")


def birth_of(pid: int) -> str:
    """When a process began, in the system's unit: tells it from a later one of the same number. Empty if unknown."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def is_process_gone(pid: int, birth: str = "") -> bool:
    """Whether process `pid` has ended, waits as a zombie to be buried, or is another one than that born at `birth`."""
    if PROC.is_dir():
        fields = _stat(pid)
        return not fields or fields[0] in ("Z", "X") or bool(birth and birth != fields[19])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _stat(pid: int) -> list[str]:
    """Fields 3 and on of /proc/<pid>/stat; the second, the name, may hold spaces and brackets."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
