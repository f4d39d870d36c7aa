"""Whether groups differ at all: what gap and variance would be if group labels meant nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from vaelab.evaluation.fairness.measures import gap, variance
from vaelab.rng import numpy_generator

CAVEAT = (
    "A p-value by permuting labels is about these very networks: where groups are alike on average each seed still "
    "makes somewhat unlike ones, so that it fell to 0.05 or below in 7 to 21 % of simulated audits."
)
"""How often it claims what training again would not show; the shares are those of `benchmarks.coverage`."""


@dataclass(frozen=True)
class LabelsPermuted:
    """What permuted labels say of an arm.

    Attributes:
        gap_p, variance_p: share of permutations whose gap or variance, of recall averaged over seeds, is at least the
            real one, which counts among them.
        gap_by_chance: what the gap of a single seed is on average where labels mean nothing.
    """

    gap_p: float
    variance_p: float
    gap_by_chance: float


def labels_permuted(
    hit: Bool[np.ndarray, "arms seeds faces"], keys: Int[np.ndarray, " faces"], *, seed: int = 0, resamples: int = 1000
) -> list[LabelsPermuted]:
    """For each arm, whether its gap and variance are more than permuted group labels give.

    An interval of a gap never reaches 0, not even where groups are alike; this test asks the question properly. Recall
    is averaged over seeds first, so that what one seed does to a group and another undoes counts little; it is about
    the mean of these networks still, which with one seed is one network.

    Args:
        hit: of the faces in summarised groups.
        keys: the group of each, 0 to groups - 1, none empty.
    """
    arms, seeds, number = hit.shape
    counts = np.bincount(keys)
    answers = hit.reshape(-1, number).astype(np.float32)
    random = numpy_generator(seed, "labels permuted")
    orders = [np.arange(number), *(random.permutation(number) for _ in range(resamples))]
    membership = np.eye(len(counts), dtype=np.float32)[keys]
    recall = np.stack([answers @ membership[order] for order in orders]) / counts
    recall = recall.reshape(-1, arms, seeds, len(counts)).astype(np.float64)
    by_chance = gap(recall[1:]).mean(axis=(0, 2)) if resamples else gap(recall[0]).mean(axis=-1)
    over_seeds = recall.mean(axis=2)
    found = zip(_at_least(gap(over_seeds)), _at_least(variance(over_seeds)), by_chance, strict=True)
    return [LabelsPermuted(*map(float, figures)) for figures in found]


def _at_least(figures: np.ndarray) -> np.ndarray:
    """(arms,) share of the rows of (1 + resamples, arms) that reach the first, within rounding."""
    return np.asarray((figures >= figures[0] - 1e-9).mean(axis=0))
