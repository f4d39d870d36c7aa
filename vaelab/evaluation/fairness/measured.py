"""Overall recall, worst group, gap and average of every member and every arm, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaelab.evaluation.fairness.measures import Measure, average, best_group, gap, worst_group
from vaelab.evaluation.fairness.resampling import Recalls
from vaelab.evaluation.fairness.selection import selection_bias
from vaelab.evaluation.fairness.two_level import TwoLevel, difference, share, two_level

COMPARED = ("worst_group", "gap", "average", "overall")
"""What arms are compared by, headline first."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One measure.

    Attributes:
        by_seed: (arms, seeds).
        resampled: (resamples, arms, seeds) the same on resampled pictures.
        bias: (arms,) how much too high the mean over seeds is expected to be.
        levels: by arm, over seeds and pictures. Those of the gap serve comparisons only: a measured gap is never 0,
            so where groups are alike no interval of a single arm's would hold the truth.
    """

    by_seed: np.ndarray
    resampled: np.ndarray
    bias: np.ndarray
    levels: tuple[TwoLevel, ...]

    def between(self, later: int, earlier: int) -> TwoLevel:
        """The later arm minus the earlier one."""
        paired = two_level(
            self.by_seed[later] - self.by_seed[earlier],
            self.resampled[:, later] - self.resampled[:, earlier],
            bias=float(self.bias[later] - self.bias[earlier]),
        )
        return difference(self.levels[later], self.levels[earlier], paired)


def measured(recalls: Recalls) -> dict[str, Measured]:
    """Every measure by name: `overall`, and where two groups at least are summarised the others of COMPARED."""
    num_faces = recalls.hit.shape[-1]
    nothing = np.zeros(len(recalls.overall))
    found = {"overall": _shares(recalls.overall, recalls.overall_resampled, nothing, num_faces)}
    kept = recalls.summarised
    if kept.sum() < 2:
        return found
    smallest, together = recalls.grouping.counts[kept].min(), recalls.grouping.counts[kept].sum()
    for name, measure, worth in (
        ("worst_group", worst_group, smallest), ("best_group", best_group, smallest), ("average", average, together),
    ):  # fmt: skip
        found[name] = _shares(*_figures(recalls, measure), int(worth))
    # not corrected: a gap is too wide for the same reason, but the correction is as noisy as a small gap itself
    by_seed, resampled, _ = _figures(recalls, gap)
    levels = tuple(
        difference(best, worst, two_level(by_seed[arm], resampled[:, arm]))
        for arm, (best, worst) in enumerate(zip(found["best_group"].levels, found["worst_group"].levels, strict=True))
    )
    return found | {"gap": Measured(by_seed, resampled, nothing, levels)}


def _figures(recalls: Recalls, measure: Measure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kept = recalls.summarised
    by_group, resampled = recalls.by_group[..., kept], recalls.by_group_resampled[..., kept]
    bias = [selection_bias(measure, arm, resampled[:, place]) for place, arm in enumerate(by_group)]
    return measure(by_group), measure(resampled), np.array(bias)


def _shares(by_seed: np.ndarray, resampled: np.ndarray, bias: np.ndarray, count: int) -> Measured:
    levels = [share(figures, resampled[:, arm], count, float(bias[arm])) for arm, figures in enumerate(by_seed)]
    return Measured(by_seed, resampled, bias, tuple(levels))
