"""What more pictures, latents and pixels cost, a process a row.

The pictures are drawn faces and things, repeated; what exceeds MOST_WRITTEN of them is a hole in the file, which
reads as black pictures and costs neither disk nor reading from it. Everything else about them, labels too, is there.
The network is that of `dbvae`, which is the one that resamples. Seconds are those that one core worked, so that other
work on the machine hardly counts; as many rows are measured at a time as there are cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kept import Rows
from benchmarks.own_process import answer_of
from vaelab.data.prepare import usable_cores

VALUES = {
    "pictures": (1_000, 10_000, 100_000, 1_000_000),
    "latent": (32, 64, 128, 256, 512),
    "size": (64, 128),
}
"""Pictures in the data set, lengths of z, and sides of a picture in pixels."""
ORDINARY = {"pictures": 10_000, "latent": 100, "size": 64}
NUM_IMAGES = 6_400
"""Trained on in a row."""
MOST_WRITTEN = 100_000
"""Pictures that are on the disk."""
MEASURES = ("images_per_second", "memory_mb", "resample_seconds", "start_seconds")
DRAWN = 1_000
"""Different pictures; the others repeat them."""
READ = 1_024


@dataclass(frozen=True)
class Row:
    """What one process measured.

    Attributes:
        images_per_second: of training steps between the first report and the last, without resampling.
        memory_mb: the most that the process held for itself; pages of the mapped pictures, which the system takes back
            whenever it wants, are not in it.
        resident_mb: the most that it held with them.
        resample_seconds: to encode all training faces, find how often each is drawn, and tell of it; each has been read
            once before.
        resample_share: of a training that does so after as many passes as `dbvae`.
        start_seconds: from the settings to the first step's end.
        written: pictures that are no hole in the file.
    """

    pictures: int
    latent: int
    size: int
    faces: int
    images_per_second: float
    memory_mb: float
    resident_mb: float
    resample_seconds: float
    resample_share: float
    start_seconds: float
    written: int


def repeated_store(folder: Path, pictures: int, size: int, written: int) -> None:
    """A store of half faces and half things with 1,000 different pictures in it, of which the first `written` are."""
    from benchmarks.repeated import repeat
    from vaelab.data.prepare import prepare
    from vaelab.data.sources.drawn import Synthetic

    drawn = prepare(Synthetic(num_faces=DRAWN // 2, num_nonfaces=DRAWN // 2), folder / "drawn", size=size)
    number = np.arange(pictures)
    repeat(drawn, number % len(drawn), np.where(number % 100 < 96, "train", "val"), folder / "repeated", written)


def measured(store: Path, runs: Path, pictures: int, latent: int, size: int, written: int, num_images: int) -> Row:
    """The row of this process, which has done nothing else; its pictures lie under `store`, its runs go to `runs`."""
    import torch

    from vaelab.config import TrainConfig, replace
    from vaelab.data.collection import Collection
    from vaelab.models import build_model
    from vaelab.recipes import RECIPES
    from vaelab.runs.store import Run
    from vaelab.training.distributed import Ranks
    from vaelab.training.feed import Feed
    from vaelab.training.loop import train
    from vaelab.training.resample import resample, resampling_metrics
    from vaelab.training.step import Objective, pick_device

    torch.set_num_threads(1)
    window = num_images // 4
    config = replace(
        RECIPES["dbvae"],
        datasets=("repeated",), data_dir=str(store), latent=latent, size=size, num_images=num_images,
        report_every=window, validate_every=10**9, checkpoint_every=10**9, refresh_every=10**9,
        min_effective_share=0.0,  # black pictures are all alike
    )  # fmt: skip
    batch = config.optim.batch_size

    def reported(name: str, config: TrainConfig) -> list[float]:
        """The moments of a training's start and of its reports; the last one is behind a validation."""
        moments = [time.process_time()]
        train(Run.create(config, runs, name), lambda report: moments.append(time.process_time()))
        return moments[:-1]

    with Peak() as peak:
        begun, stepped = reported("first", replace(config, num_images=2 * batch, report_every=batch))
        _, *moments = reported("run", config)
        pace = (len(moments) - 1) * window / (moments[-1] - moments[0])
        data = Collection.open(config.data.datasets, store, size)
        device = pick_device("auto")
        feed = Feed(data, config, device, Ranks())
        objective = Objective(build_model(config), config.loss).to(device).to(memory_format=torch.channels_last)
        for start in range(0, len(feed.face_rows), READ):  # as a training has, before it resamples
            data.pixels(feed.face_rows[start : start + READ])
        assert feed.groups, "the labels sort nobody"
        started = time.process_time()
        resampling_metrics(resample(objective, data, feed, config, device, Ranks()), data, feed)
        resampling = time.process_time() - started
    faces = len(feed.face_rows)
    between = RECIPES["dbvae"].images_between_resamplings(faces) / pace
    return Row(
        pictures, latent, size, faces, pace, peak.own / 1e6, peak.resident / 1e6, resampling,
        resampling / (resampling + between), stepped - begun, min(written, pictures),
    )  # fmt: skip


class Peak:
    """The most memory that this process holds while a block runs, looked up fifty times a second.

    Attributes:
        own, resident: without and with the pages of mapped files, in bytes.
    """

    def __init__(self) -> None:
        self.own = self.resident = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.02):
            status = Path("/proc/self/status").read_text(encoding="ascii")
            found = dict(line.split(":", 1) for line in status.splitlines())
            kilobytes = {name: int(found[name].split()[0]) for name in ("RssAnon", "VmRSS")}
            self.own = max(self.own, 1024 * kilobytes["RssAnon"])
            self.resident = max(self.resident, 1024 * kilobytes["VmRSS"])


def exponent(rows: Sequence[dict[str, Any]], by: str, measure: str) -> float:
    """Slope of log `measure` over log `by`: 0 does not grow, 1 grows with it."""
    slope, _ = np.polyfit(np.log([row[by] for row in rows]), np.log([row[measure] for row in rows]), 1)
    return float(slope)


def rows(by: str) -> Rows:
    """What more of a quantity costs: a row for each of its values, with the row of exponents below."""
    with tempfile.TemporaryDirectory() as folder:
        asked = [ORDINARY | {by: value} for value in VALUES[by]]
        stores = [made_store(Path(folder), row) for row in asked]
        with ThreadPoolExecutor(usable_cores()) as pool:
            found = list(
                pool.map(lambda store, row: answer_of("benchmarks.growth", store, *row.values()), stores, asked)
            )
    exponents = {measure: exponent(found, by, measure) for measure in MEASURES}
    named = [{"what": f"growth by {by}: {row[by]:,}", **row} for row in found]
    return [*named, {"what": f"growth by {by}: exponents", "exponents": exponents}]


def made_store(folder: Path, row: dict[str, int]) -> Path:
    """The folder of a row's store under `folder`, drawn where it is not there yet."""
    there = folder / f"{row['pictures']}x{row['size']}"
    if not (there / "repeated" / "manifest.json").is_file():
        there.mkdir(parents=True)
        repeated_store(there, row["pictures"], row["size"], MOST_WRITTEN)
    return there


def main() -> None:
    parser = argparse.ArgumentParser(description="What one process measures, as JSON.")
    parser.add_argument("store", type=Path, help="folder of the pictures")
    for name in ORDINARY:
        parser.add_argument(name, type=int)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as runs:
        row = measured(asked.store, Path(runs), asked.pictures, asked.latent, asked.size, MOST_WRITTEN, NUM_IMAGES)
    print(json.dumps(asdict(row)))


if __name__ == "__main__":
    main()
