"""Preparing data: drawing the synthetic pictures into a store, on all cores."""

import tempfile
import time
from pathlib import Path
from typing import Any

from vaelab.data.prepare import prepare, usable_cores
from vaelab.data.sources.drawn import Synthetic


def measure(num_pictures: int = 10_000) -> dict[str, Any]:
    """Pictures per second from nothing to a finished store of 64x64 pictures."""
    source = Synthetic(num_faces=num_pictures * 4 // 5, num_nonfaces=num_pictures // 5)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        store = prepare(source, Path(folder) / "synthetic", size=64)
        seconds = time.perf_counter() - started
        count = len(store)
    return {
        "what": "drawing synthetic pictures, 64x64",
        "pictures": count,
        "seconds": seconds,
        "pictures_per_second": count / seconds,
        "processes": usable_cores(),
    }
