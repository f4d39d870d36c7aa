"""Several processes that train as one, against one process: `python -m benchmarks.scaling`, by gloo on the CPU.

The global batch stays the same, so twice the processes do the same work, each half of it on one thread. Beside them
stands one process with as many threads, which is what a single machine would be given. On GPUs the same command takes
nccl; the lab's small networks say little about those.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.interleaved import interleaved, ratio
from vaelab.recipes import RECIPES
from vaelab.runs.store import Run

ROOT = Path(__file__).resolve().parents[1]
WINDOWS = 4
"""Reports that count; one before them warms up."""


def measure(
    data_dir: Path, rounds: int, recipe: str = "dbvae", batch: int = 128, images: int = 2_560, processes: int = 2
) -> dict[str, Any]:
    """Images per second of each form and their ratios to one process with one thread."""
    with tempfile.TemporaryDirectory() as folder:

        def form(num_processes: int, threads: int) -> Callable[[], float]:
            return lambda: trained(Path(folder), data_dir, recipe, batch, images, num_processes, threads)

        found = interleaved({"one": form(1, 1), "threads": form(1, processes), "processes": form(processes, 1)}, rounds)
    result: dict[str, Any] = {"what": f"training {recipe} in {processes} processes as one, gloo", "batch_size": batch}
    result |= {f"{name}_images_per_second": WINDOWS * images / timing.median for name, timing in found.items()}
    for name in ("threads", "processes"):
        middle, low, high = ratio(found[name], found["one"])
        result |= {f"{name}_over_one": middle, f"{name}_over_one_range": [low, high]}
    return result | {"images_per_round": WINDOWS * images, "rounds": rounds}


def trained(
    folder: Path, data_dir: Path, recipe: str, batch: int, images: int, num_processes: int, threads: int
) -> float:
    """Seconds of WINDOWS windows of `images` images, as the run itself reports them."""
    name = f"run-{len(list(folder.iterdir()))}"
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}"]
    flags = {
        "recipe": recipe, "name": name, "root": folder, "data-dir": data_dir.resolve(), "batch-size": batch,
        "num-images": (1 + WINDOWS) * images, "report-every": images, "validate-every": 10**9,
        "checkpoint-every": 10**9, "aggregation": "none",
    }  # fmt: skip
    command = [sys.executable, *(launcher if num_processes > 1 else []), "-m", "vaelab", "train"]
    command += [f"--{flag}={value}" for flag, value in flags.items()]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    rows = Run.open(folder / name).metrics("train")
    return float(sum(row["seconds"] for row in rows[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=list(RECIPES), default="dbvae", help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=128, help="over all processes (default: %(default)s)")
    parser.add_argument("--images", type=int, default=2_560, help="of a window (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds of each form (default: %(default)s)")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="prepared data sets (default: %(default)s)")
    given = parser.parse_args()
    found = measure(given.data_dir, given.rounds, given.recipe, given.batch_size, given.images, given.processes)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
