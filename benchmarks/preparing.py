"""Preparing data on all cores: drawing the synthetic pictures, and decoding photos beside a plain Pillow loop."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.interleaved import interleaved, ratio
from benchmarks.kept import Row, Rows
from vaelab.data.prepare import prepare, usable_cores
from vaelab.data.sources.drawn import Synthetic
from vaelab.data.sources.folder import Folder
from vaelab.data.store import DatasetStore

PHOTO = (178, 218)
"""Width and height of the photos, those of CelebA's aligned ones."""
SIZE = 64


def rows(rounds: int) -> Rows:
    """Pictures per second from nothing to a finished store: drawn ones, and JPEG files."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        row, store = drawing(place, 10_000)
        return [row, decoding(place, store, rounds)]


def drawing(place: Path, num_pictures: int) -> tuple[Row, DatasetStore]:
    """How fast pictures are drawn into a store, and the store."""
    source = Synthetic(num_faces=num_pictures * 4 // 5, num_nonfaces=num_pictures // 5)
    started = time.perf_counter()
    store = prepare(source, place / "synthetic", size=SIZE)
    seconds = time.perf_counter() - started
    found: Row = {
        "what": f"drawing synthetic pictures, {SIZE}x{SIZE}",
        "pictures": len(store),
        "seconds": seconds,
        "pictures_per_second": len(store) / seconds,
        "processes": usable_cores(),
    }
    return found, store


def decoding(place: Path, store: DatasetStore, rounds: int, num_photos: int = 6_000) -> Row:
    """How fast JPEG files become a store with labels, manifest and fingerprint, and how fast a loop opens them, crops
    the same square, and resizes it by the same filter into an array.
    """
    photos = place / "photos"
    photos.mkdir()
    for row in range(num_photos):
        picture = Image.fromarray(store.pixels[row]).resize(PHOTO, Image.Resampling.BICUBIC)
        picture.save(photos / f"{row:05}.jpg", quality=90)
    made = iter(range(10**6))

    def ours(workers: int | None) -> Callable[[], object]:
        return lambda: prepare(Folder(photos), place / f"store-{next(made)}", size=SIZE, workers=workers)

    def pillow() -> object:
        return np.stack([np.asarray(opened(path)) for path in sorted(photos.iterdir())])

    def opened(path: Path) -> Image.Image:
        return ImageOps.fit(Image.open(path).convert("RGB"), (SIZE, SIZE), Image.Resampling.LANCZOS)

    timed = interleaved({"ours": ours(None), "one_process": ours(1), "pillow": pillow}, rounds)
    middle, low, high = ratio(timed["ours"], timed["pillow"])
    return {
        "what": f"preparing JPEG files of {PHOTO[0]}x{PHOTO[1]}",
        **{f"{name}_pictures_per_second": num_photos / timing.median for name, timing in timed.items()},
        "ours_over_pillow": middle,
        "ours_over_pillow_range": [low, high],
        "processes": usable_cores(),
        "rounds": rounds,
    }
