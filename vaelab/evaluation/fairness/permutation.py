"""Whether groups differ at all: what gap and variance would be if group labels meant nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from vaelab.evaluation.fairness.measures import gap, variance
from vaelab.rng import numpy_generator


@dataclass(frozen=True)
class LabelsPermuted:
    """What permuted labels say of an arm.

    Attributes:
        gap_p, variance_p: share of permutations whose figure is at least the real one, which counts among them.
        gap_by_chance: mean gap over permutations: what groups of these sizes show where labels mean nothing.
    """

    gap_p: float
    variance_p: float
    gap_by_chance: float


def labels_permuted(
    hit: Bool[np.ndarray, "arms seeds faces"], keys: Int[np.ndarray, " faces"], *, seed: int = 0, resamples: int = 1000
) -> list[LabelsPermuted]:
    """For each arm, the p-values of gap and variance, both averaged over seeds, under permuted group labels.

    An interval of a gap never reaches 0, not even where groups are alike; this test asks the question properly. It is
    about these very networks: a difference that another seed would turn around is a difference of theirs.

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
    gaps, variances = (measure(recall).mean(axis=-1) for measure in (gap, variance))
    by_chance = gaps[1:].mean(axis=0) if resamples else gaps[0]
    return [
        LabelsPermuted(*map(float, found))
        for found in zip(_at_least(gaps), _at_least(variances), by_chance, strict=True)
    ]


def _at_least(figures: np.ndarray) -> np.ndarray:
    """(arms,) share of the rows of (1 + resamples, arms) that reach the first, within rounding."""
    return np.asarray((figures >= figures[0] - 1e-9).mean(axis=0))
