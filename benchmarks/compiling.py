"""Does compiling the step pay: bare steps compiled beside bare steps as they are, and what compiling takes.

A recipe takes two processes: in the first nothing was compiled before, the second finds what the first one left in
torch's cache.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from typing import Any

import torch

from benchmarks.interleaved import interleaved, ratio
from benchmarks.own_process import answer_of
from benchmarks.training import limit, window_of
from vaelab.config import replace
from vaelab.recipes import RECIPES
from vaelab.training.memory import keep_freed_memory

SECONDS = 2.0
"""That a round takes, about."""


def measure(recipe: str, rounds: int, seconds: float = SECONDS) -> dict[str, Any]:
    """Images per second of both, what compiling takes, and after how many images it has paid."""
    with tempfile.TemporaryDirectory() as cache:
        words = ("benchmarks.compiling", recipe, "--rounds", rounds, "--seconds", seconds)
        cold, warm = (answer_of(*words, TORCHINDUCTOR_CACHE_DIR=cache) for _ in range(2))
    saved = 1 / warm["plain_images_per_second"] - 1 / warm["compiled_images_per_second"]
    return {
        "what": f"compiled steps of {recipe}",
        "recipe": recipe,
        **warm,
        "compile_seconds": cold["compile_seconds"],
        "compile_seconds_from_cache": warm["compile_seconds"],
        "pays_after_images": cold["compile_seconds"] / saved if saved > 0 else None,
        "pays_after_images_from_cache": warm["compile_seconds"] / saved if saved > 0 else None,
        "num_images": RECIPES[recipe].optim.num_images,
    }


def in_this_process(recipe: str, rounds: int, seconds: float) -> dict[str, Any]:
    """What one process finds; it has compiled nothing yet."""
    keep_freed_memory(torch.device("cpu"))
    config = RECIPES[recipe]
    batch = config.optim.batch_size
    images = window_of(config, seconds)
    compiled = replace(config, compile=True)
    started = time.perf_counter()
    limit(compiled, batch)()
    first = time.perf_counter() - started
    found = interleaved({"compiled": limit(compiled, images), "plain": limit(config, images)}, rounds)
    middle, low, high = ratio(found["compiled"], found["plain"])
    return {
        **{f"{name}_images_per_second": images / timing.median for name, timing in found.items()},
        "compiled_over_plain": middle,
        "compiled_over_plain_range": [low, high],
        "compile_seconds": first - 2 * batch * found["compiled"].median / images,
        "rounds": rounds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="What one process finds, as JSON.")
    parser.add_argument("recipe", choices=list(RECIPES))
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a round, about (default: %(default)s)")
    given = parser.parse_args()
    print(json.dumps(in_this_process(given.recipe, given.rounds, given.seconds)))


if __name__ == "__main__":
    main()
