"""What an arm gains over an earlier one, seed against seed on the same pictures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.stats import permutation_test, rankdata

from vaelab.evaluation.fairness.measured import COMPARED, Measured
from vaelab.evaluation.fairness.resampling import Recalls
from vaelab.evaluation.fairness.two_level import TwoLevel
from vaelab.evaluation.holm import holm
from vaelab.evaluation.paired import Paired, corrected, paired
from vaelab.rng import numpy_generator

MIN_SEEDS = 6
"""With five, not even five gains in five reach p < 0.05 in a two-sided test of ranks."""
EXACT_SEEDS = 13
"""Up to so many seeds all 2^n signs are gone through, beyond that 2^13 of them are drawn."""


@dataclass(frozen=True)
class Change:
    """A measure of the later arm minus that of the earlier one.

    Attributes:
        difference: mean over paired seeds, over seeds and pictures; its p-value is of no difference.
        p_holm: that p-value corrected for all comparisons of this measure.
        wilcoxon_p: exact signed-rank test over the seeds alone; None with fewer than MIN_SEEDS.
    """

    difference: TwoLevel
    p_holm: float
    wilcoxon_p: float | None

    @property
    def is_shown(self) -> bool:
        """Whether it differs from 0 at the 5 % level, all comparisons counted."""
        return self.p_holm < 0.05


@dataclass(frozen=True)
class Effect:
    """A later arm against an earlier one.

    Attributes:
        changes: by measure: overall, and worst_group, gap and average where two groups at least are summarised.
        members: McNemar's test of every seed's two networks, each at its own threshold as it stands; corrected for
            all pairs of all comparisons. A pair is two networks, no statement about how they were made.
    """

    earlier: str
    later: str
    changes: dict[str, Change]
    members: tuple[Paired, ...]


def effects(
    arms: Sequence[str], seeds: Sequence[int], recalls: Recalls, figures: Mapping[str, Measured]
) -> list[Effect]:
    """Each later arm against each earlier one, in the order of `arms`.

    Args:
        figures: of `recalls`, from `measured`.
    """
    compared = list(itertools.combinations(range(len(arms)), 2))
    changes: dict[str, list[Change]] = {}
    for name in (name for name in COMPARED if name in figures):
        differences = [figures[name].between(later, earlier) for earlier, later in compared]
        changes[name] = _with_holm([Change(each, math.nan, signed_rank(each.by_seed)) for each in differences])
    pairs = corrected([
        paired(f"{arms[later]}, seed {seed}", f"{arms[earlier]}, seed {seed}",
               recalls.hit[later, place], recalls.hit[earlier, place])
        for earlier, later in compared for place, seed in enumerate(seeds)
    ])  # fmt: skip
    return [
        Effect(
            arms[earlier], arms[later], {name: changes[name][place] for name in changes},
            tuple(pairs[place * len(seeds) : (place + 1) * len(seeds)]),
        )
        for place, (earlier, later) in enumerate(compared)
    ]  # fmt: skip


def signed_rank(differences: Sequence[float] | Float[np.ndarray, " seeds"]) -> float | None:
    """Two-sided p-value of Wilcoxon's signed-rank test, exact with ties too; None with fewer than MIN_SEEDS."""
    values = np.asarray(differences, np.float64)
    if len(values) < MIN_SEEDS:
        return None
    if not values.any():
        return 1.0
    found = permutation_test(
        (values,), _rank_sum, permutation_type="samples", vectorized=True, n_resamples=2**EXACT_SEEDS,
        rng=numpy_generator(0, "signs"),
    )  # fmt: skip
    return float(found.pvalue)


def _rank_sum(values: Float[np.ndarray, "*draws seeds"], axis: int) -> Float[np.ndarray, "*draws"]:
    """Ranks of the sizes, those of negative values subtracted; the statistic of `scipy.stats.wilcoxon` with zsplit.

    That function takes the same sums one permutation at a time, in Python.
    """
    return np.asarray((np.sign(values) * rankdata(np.abs(values), axis=axis)).sum(axis=axis))


def _with_holm(changes: list[Change]) -> list[Change]:
    """The changes with corrected p-values; one without a p-value, where nothing differs at all, counts as 1."""
    p_values = holm(np.nan_to_num([change.difference.p_value for change in changes], nan=1.0))
    return [replace(change, p_holm=float(p)) for change, p in zip(changes, p_values, strict=True)]
