"""Run every benchmark once and print the results; `--json FILE` keeps them."""

import argparse
import json
from pathlib import Path

from benchmarks import decoding, dragging, feature_cache, peers, preparing, reruns, starting, training, watching
from benchmarks.machine import machine
from vaelab.data.embedded import prepare_embedded
from vaelab.runs.store import RUNS_DIR, list_runs
from vaelab.settings import DataConfig


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure speed as ratios in one run.")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each variant (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file to keep the results in")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="prepared data sets (default: %(default)s)")
    arguments = parser.parse_args()
    prepare_embedded(DataConfig(data_dir=str(arguments.data_dir)))
    results = [training.measure(arguments.data_dir, arguments.rounds)]
    results += peers.measure(arguments.data_dir, max(1, arguments.rounds // 2))
    shipped = [run for run in list_runs(RUNS_DIR) if run.is_shipped and run.config.has_decoder]
    results += [decoding.measure(run, 10 * arguments.rounds) for run in shipped]
    results.append(feature_cache.measure(arguments.data_dir))
    results.append(preparing.measure())
    results += dragging.measure("face-vae", max(1, arguments.rounds // 2))
    results += starting.measure(max(1, arguments.rounds // 2))
    results += reruns.measure()
    results.append(watching.measure(max(1, arguments.rounds // 2)))
    found_on = machine()
    for result in [found_on, *results]:
        for name, value in result.items():
            print(f"{name:28} {value:.4g}" if isinstance(value, float) else f"{name:28} {value}")
        print()
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": found_on, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
