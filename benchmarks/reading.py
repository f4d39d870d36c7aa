"""Batches of random pictures out of a file: through its memory map, and each by itself; cold, and once in memory.

Cold means that the system was told to forget the file; what it then reads from the disk is counted by the kernel, so
this measures on Linux alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.kept import Rows
from vaelab.data.gather import PictureFile
from vaelab.data.store import PIXELS_FILE, DatasetStore
from vaelab.rng import numpy_generator

Gather = Callable[[np.ndarray, np.ndarray], object]
WAYS: dict[str, Callable[[DatasetStore], Gather]] = {
    "mapped": lambda store: lambda rows, into: np.take(store.pixels, rows, axis=0, out=into, mode="clip"),
    "by_itself": lambda store: PictureFile(store.path / PIXELS_FILE, store.size).gather,
}
BATCH, BATCHES = 64, 60


STORES = ("fairface-64", "fairface-128")


def rows(data_dir: Path, rounds: int) -> Rows:
    """A row for each of STORES that is prepared, or for the drawn pictures where none is."""
    there = [name for name in STORES if (data_dir / name).is_dir()] or ["synthetic-64"]
    return [measure(data_dir / name, rounds) for name in there]


def measure(path: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds of a batch, and megabytes that the disk gave for it; medians over rounds taken in turn.

    Raises:
        RuntimeError: this system does not count what a process reads.
    """
    if not Path("/proc/self/io").is_file():
        raise RuntimeError("reading is measured on Linux alone, where /proc/self/io counts what the disk gives")
    store = DatasetStore.open(path)
    file = path / PIXELS_FILE
    draws = numpy_generator(0, "reading").integers(0, len(store), (BATCHES, BATCH))
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            forget(file)
            # opened anew, and by nobody else: a map that is still open keeps its pages
            found[name].append(timed(way(DatasetStore.open(path)), draws, store.size))
    result: dict[str, Any] = {"what": f"batches of {BATCH} random pictures of {store.size}x{store.size} from a file"}
    for name, times in found.items():
        cold, megabytes, warm = (median(values) for values in zip(*times, strict=True))
        result |= {f"{name}_cold_ms": cold, f"{name}_cold_mb": megabytes, f"{name}_warm_ms": warm}
    return result | {"pictures": len(store), "wanted_mb": BATCH * 3 * store.size**2 / 1e6, "rounds": rounds}


def timed(gather: Gather, draws: np.ndarray, size: int) -> tuple[float, float, float]:
    """Milliseconds and megabytes of a batch out of a cold file, and milliseconds once it lies in memory."""
    into = np.empty((BATCH, size, size, 3), np.uint8)
    read, started = from_disk(), time.perf_counter()
    for rows in draws:
        gather(rows, into)
    cold, read = time.perf_counter() - started, from_disk() - read
    started = time.perf_counter()
    for rows in draws:
        gather(rows, into)
    warm = time.perf_counter() - started
    return 1e3 * cold / len(draws), read / 1e6 / len(draws), 1e3 * warm / len(draws)


def forget(file: Path) -> None:
    """Have the system drop what it keeps of `file`."""
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def from_disk() -> int:
    """Bytes that the disk gave to this process so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))
