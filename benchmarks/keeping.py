"""Bare training steps where the C library keeps what each frees, beside steps where it does as it comes.

Each round of each is a process of its own, since a process cannot go back.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable

import torch

from benchmarks.interleaved import interleaved, ratio
from benchmarks.kept import Rows
from benchmarks.own_process import answer_of
from benchmarks.training import limit
from vaelab.recipes import RECIPES
from vaelab.training.memory import keep_freed_memory

RECIPES_MEASURED = ("dbvae", "mit-vae", "cnn", "face-vae")


def measure(rounds: int, seconds: float = 4.0) -> Rows:
    """A row for each recipe that is measured."""
    return [_measured(recipe, rounds, seconds) for recipe in RECIPES_MEASURED]


def _measured(recipe: str, rounds: int, seconds: float) -> dict[str, object]:
    batch = RECIPES[recipe].optim.batch_size
    images = batch * max(8, round(_Child(recipe, batch * 16, keeps=True).pace * seconds / batch))
    faults: dict[str, float] = {}

    def way(name: str, keeps: bool) -> Callable[[], float]:
        def call() -> float:
            child = _Child(recipe, images, keeps)
            faults[name] = child.faults / images * batch
            return images / child.pace

        return call

    found = interleaved({"kept": way("kept", keeps=True), "given_back": way("given_back", keeps=False)}, rounds)
    middle, low, high = ratio(found["kept"], found["given_back"])
    return {
        "what": f"steps of {recipe} with freed memory kept",
        **{f"{name}_images_per_second": images / timing.median for name, timing in found.items()},
        **{f"{name}_page_faults_per_step": faults[name] for name in found},
        "kept_over_given_back": middle,
        "kept_over_given_back_range": [low, high],
        "rounds": rounds,
    }


class _Child:
    """Steps in a fresh process.

    Attributes:
        pace: images per second.
        faults: pages that the system had to clear or find for it while it stepped.
    """

    def __init__(self, recipe: str, images: int, keeps: bool) -> None:
        seconds, faults = answer_of("benchmarks.keeping", recipe, images, *(["--keep"] if keeps else []))
        self.pace, self.faults = images / float(seconds), int(faults)


def _step(recipe: str, images: int, keeps: bool) -> tuple[float, int]:
    """Seconds and page faults of this process."""
    if keeps:
        keep_freed_memory(torch.device("cpu"))
    config = RECIPES[recipe]
    limit(config, 8 * config.optim.batch_size)()
    call = limit(config, images)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return call(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds and page faults of this process, as JSON.")
    parser.add_argument("recipe", choices=list(RECIPES))
    parser.add_argument("images", type=int)
    parser.add_argument("--keep", action="store_true", help="freed memory")
    given = parser.parse_args()
    print(json.dumps(_step(given.recipe, given.images, given.keep)))


if __name__ == "__main__":
    main()
