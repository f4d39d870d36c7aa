"""Run every benchmark once and print the results; `--json FILE` keeps them, `--only NAME` measures some anew."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import (
    decoding,
    dragging,
    feature_cache,
    keeping,
    peers,
    preparing,
    reruns,
    resampling,
    scaling,
    starting,
    training,
    watching,
)
from benchmarks.kept import Rows, merged, read_rows, write_rows
from benchmarks.machine import machine
from vaelab.data.embedded import prepare_embedded
from vaelab.runs.store import RUNS_DIR, list_runs
from vaelab.settings import DataConfig

MEASURES: dict[str, Callable[[Path, int], Rows]] = {
    "training": lambda data_dir, rounds: [training.measure(data_dir, rounds)],
    "peers": lambda data_dir, rounds: peers.measure(data_dir, max(1, rounds // 2)),
    "resampling": lambda data_dir, rounds: resampling.rows(data_dir, rounds),
    "keeping": lambda _, rounds: keeping.measure(rounds),
    "scaling": lambda data_dir, rounds: [scaling.measure(data_dir, max(1, rounds // 2))],
    "decoding": lambda _, rounds: decoding_shipped(10 * rounds),
    "feature-cache": lambda data_dir, _: [feature_cache.measure(data_dir)],
    "preparing": lambda _, __: [preparing.measure()],
    "dragging": lambda _, rounds: dragging.measure("face-vae", max(1, rounds // 2)),
    "starting": lambda _, rounds: starting.measure(max(1, rounds // 2)),
    "reruns": lambda _, __: reruns.measure(),
    "watching": lambda _, rounds: [watching.measure(max(1, rounds // 2))],
}
"""What is measured, each from the folder of data sets and the number of counted rounds."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure speed as ratios in one run.")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), help="what to measure (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each variant (default: %(default)s)")
    parser.add_argument(
        "--json", type=Path, help="file to keep the results in; with --only, other rows of it stay as they are"
    )
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="prepared data sets (default: %(default)s)")
    arguments = parser.parse_args()
    prepare_embedded(DataConfig(data_dir=str(arguments.data_dir)))
    kept = read_rows(arguments.json) if arguments.only and arguments.json else []
    show(machine())
    for name, measure in MEASURES.items():  # in this order: Streamlit's driver leaves its own main module behind
        if arguments.only and name not in arguments.only:
            continue
        found = measure(arguments.data_dir, arguments.rounds)
        for row in found:
            show(row)
        kept = merged(kept, found)
        if arguments.json:
            write_rows(arguments.json, kept)


def decoding_shipped(rounds: int) -> Rows:
    """A row for each shipped model that draws."""
    shipped = [run for run in list_runs(RUNS_DIR) if run.is_shipped and run.config.has_decoder]
    return [decoding.measure(run, rounds) for run in shipped]


def show(row: dict[str, Any]) -> None:
    """Print one result."""
    for name, value in row.items():
        print(f"{name:28} {value:.4g}" if isinstance(value, float) else f"{name:28} {value}")
    print(flush=True)


if __name__ == "__main__":
    main()
