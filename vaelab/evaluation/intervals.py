"""A figure and its 95 % interval: by the bootstrap where pictures count one by one, else by half-samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from vaelab.errors import DataError
from vaelab.rng import numpy_generator

NORMAL_QUANTILE = 1.959963984540054
"""The 97.5 % quantile of N(0, 1)."""


@dataclass(frozen=True)
class Estimate:
    """A figure over `n` pictures and its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def bootstrapped(
    statistic: Callable[[np.ndarray], float], values: Float[np.ndarray, n * rest], seed: int = 0, resamples: int = 400
) -> Estimate:
    """`statistic` of the rows of `values`, with a percentile bootstrap interval over the rows.

    Raises:
        DataError: there are no rows.
    """
    count = len(values)
    if not count:
        raise DataError("a figure needs at least one picture, there are none; choose another split or a higher limit")
    random = numpy_generator(seed, "bootstrap")
    found = [statistic(values[random.integers(0, count, count)]) for _ in range(resamples)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Estimate(float(statistic(values)), float(low), float(high), count)


def bootstrapped_both(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    real: Float[np.ndarray, " reals"],
    drawn: Float[np.ndarray, " drawn"],
    paired: bool = False,
    seed: int = 0,
    resamples: int = 400,
) -> Estimate:
    """`statistic` of two sets of values, with a percentile bootstrap interval over both; `n` is of the second.

    Args:
        paired: each drawn face was made from the real face of its row, so the same rows are taken of both.
    """
    random = numpy_generator(seed, "bootstrap of both")
    found = []
    for _ in range(resamples):
        mine = random.integers(0, len(real), len(real))
        theirs = mine if paired else random.integers(0, len(drawn), len(drawn))
        found.append(statistic(real[mine], drawn[theirs]))
    low, high = np.quantile(found, [0.025, 0.975])
    return Estimate(float(statistic(real, drawn)), float(low), float(high), len(drawn))


@dataclass(frozen=True)
class MeanWithInterval:
    """A mean over `n` pictures and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


def mean_with_interval(values: Float[np.ndarray, " n"], seed: int = 0, resamples: int = 1000) -> MeanWithInterval:
    """Mean of per-picture values with a percentile bootstrap interval over pictures.

    Raises:
        DataError: there are no values.
    """
    found = bootstrapped(lambda some: float(some.mean()), values, seed, resamples)
    return MeanWithInterval(found.value, found.low, found.high, found.n)


def half_samples(count: int, repeats: int, seed: int = 0) -> Iterator[Int[np.ndarray, " half"]]:
    """`repeats` random halves of `count` rows, each row at most once."""
    random = numpy_generator(seed, "half-samples")
    for _ in range(repeats):
        yield random.permutation(count)[: count // 2]


def from_half_samples(
    value: float, replicates: Sequence[float], n: int, possible: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate:
    """`value` over all n pictures, with the interval that its `replicates` on half-samples imply, as far as `possible`.

    Drawing with replacement, as the bootstrap does, would put doubles at distance 0 into nearest-neighbour balls and
    take rank from a covariance. Halves drawn without replacement vary around their own mean just as the whole varies
    around the truth (1 / (n/2) - 1/n = 1/n); what a figure gains or loses by having fewer pictures moves that mean
    alone, so it cancels.
    Source: the delete-d jackknife with d = n/2, Shao and Wu, A General Theory for Jackknife Variance Estimation (1989).
    """
    half_width = NORMAL_QUANTILE * float(np.std(replicates, ddof=1))
    low, high = possible
    return Estimate(value, max(value - half_width, low), min(value + half_width, high), n)
