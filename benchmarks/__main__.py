"""Run every benchmark once and print the results; `--json FILE` keeps them."""

import argparse
import json
import platform
from pathlib import Path

import torch

from benchmarks import decoding, dragging, feature_cache, preparing, training, watching
from vaelab import __version__
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
    shipped = [run for run in list_runs(RUNS_DIR) if run.is_shipped and run.config.has_decoder]
    results += [decoding.measure(run, 10 * arguments.rounds) for run in shipped]
    results.append(feature_cache.measure(arguments.data_dir))
    results.append(preparing.measure())
    results += dragging.measure("face-vae", max(1, arguments.rounds // 2))
    results.append(watching.measure(max(1, arguments.rounds // 2)))
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    machine = {
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        "torch": torch.__version__,
        "vaelab": __version__,
    }
    for result in [machine, *results]:
        for name, value in result.items():
            print(f"{name:28} {value:.4g}" if isinstance(value, float) else f"{name:28} {value}")
        print()
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
