"""What a run's config.json says, read once for as long as it is the same file: pages ask for it at every turn."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vaelab.config import TrainConfig, from_dict
from vaelab.runs.files import read_json

CONFIG = "config.json"


def read_about(folder: Path) -> tuple[dict[str, Any], Callable[[], TrainConfig]]:
    """What config.json in `folder` says, and a way to its settings that works them out once.

    Raises:
        RunError: there is none, or it is damaged.
    """
    stamp: tuple[int, ...] = ()
    with contextlib.suppress(OSError):
        found = (folder / CONFIG).stat()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
    return _read(folder, stamp)


@functools.lru_cache(maxsize=1024)
def _read(folder: Path, stamp: tuple[int, ...]) -> tuple[dict[str, Any], Callable[[], TrainConfig]]:
    about = read_json(folder, CONFIG, f"run {folder.name}")
    return about, functools.cache(lambda: from_dict(about["config"]))


def forget_about() -> None:
    """Read all anew: a file that was replaced within the clock's grain may look like the old one."""
    _read.cache_clear()
