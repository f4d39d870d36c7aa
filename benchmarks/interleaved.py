"""Timing several variants so that a machine whose speed drifts still gives true ratios."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Timing:
    """Seconds of each round of one variant."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median seconds of a round."""
        return median(self.seconds)


def interleaved(variants: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Time the variants in turn, A B C A B C ..., after one round that is not counted.

    A variant that returns a float has timed the part of itself that counts, in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for index in range(rounds + 1):
        for name, call in variants.items():
            started = time.perf_counter()
            found = call()
            if index > 0:
                seconds[name].append(found if isinstance(found, float) else time.perf_counter() - started)
    return {name: Timing(tuple(found)) for name, found in seconds.items()}


def ratio(of: Timing, to: Timing) -> tuple[float, float, float]:
    """Median, lowest and highest of the round-by-round ratios of speeds (`of` over `to`; above 1: `of` is faster)."""
    pairs = [b / a for a, b in zip(of.seconds, to.seconds, strict=True)]
    return median(pairs), min(pairs), max(pairs)
