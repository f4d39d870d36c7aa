"""Drawn data sets: one of each kind is drawn in a process, and copied from then on."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from vaelab.data.prepare import prepare
from vaelab.data.sources.drawn import Synthetic
from vaelab.data.store import DatasetStore


def draw(folder: Path, num_faces: int, num_nonfaces: int, size: int) -> DatasetStore:
    """A data set of drawn pictures in `folder`, opened."""
    shutil.copytree(_drawn(folder.name, num_faces, num_nonfaces, size), folder)
    return DatasetStore.open(folder)


@cache
def _drawn(name: str, num_faces: int, num_nonfaces: int, size: int) -> Path:
    place = Path(tempfile.mkdtemp(prefix="drawn-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    source = Synthetic(num_faces=num_faces, num_nonfaces=num_nonfaces)
    return prepare(source, place / name, size=size, workers=1).path
