"""Overall recall, worst group, gap and average of every member and every arm, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaelab.evaluation.fairness.measures import average, best_group, worst_group
from vaelab.evaluation.fairness.resampling import Recalls
from vaelab.evaluation.fairness.selection import without_selection
from vaelab.evaluation.fairness.two_level import TwoLevel, difference, share, two_level

COMPARED = ("worst_group", "gap", "average", "overall")
"""What arms are compared by, headline first."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One measure.

    Attributes:
        by_seed: (arms, seeds).
        corrected: (arms, seeds) the same without the bias of choosing a group; see `selection.py`.
        resampled: (resamples, arms, seeds) the corrected figures on resampled pictures.
        levels: by arm, over seeds and pictures. Those of the gap serve comparisons: an arm's own gap, which is never 0,
            is told beside what chance makes of it.
    """

    by_seed: np.ndarray
    corrected: np.ndarray
    resampled: np.ndarray
    levels: tuple[TwoLevel, ...]

    def between(self, later: int, earlier: int) -> TwoLevel:
        """The later arm minus the earlier one."""
        paired = two_level(
            self.corrected[later] - self.corrected[earlier],
            self.resampled[:, later] - self.resampled[:, earlier],
            as_measured=self.by_seed[later] - self.by_seed[earlier],
        )
        return difference(self.levels[later], self.levels[earlier], paired)


def measured(recalls: Recalls) -> dict[str, Measured]:
    """Every measure by name: `overall`, and where two groups at least are summarised the others of COMPARED."""
    num_faces = recalls.hit.shape[-1]
    found = {"overall": _shares(recalls.overall, recalls.overall, recalls.overall_resampled, num_faces)}
    kept = recalls.summarised
    if kept.sum() < 2:
        return found
    smallest, together = int(recalls.grouping.counts[kept].min()), int(recalls.grouping.counts[kept].sum())
    by_group, resampled = recalls.by_group[..., kept], recalls.by_group_resampled[..., kept]
    for name, measure in (("worst_group", worst_group), ("best_group", best_group)):
        arms = [without_selection(measure, arm, resampled[:, place]) for place, arm in enumerate(by_group)]
        corrected, again = (np.stack(part, axis=axis) for axis, part in enumerate(zip(*arms, strict=True)))
        found[name] = _shares(measure(by_group), corrected, again, smallest)
    mean = average(by_group)
    found["average"] = _shares(mean, mean, average(resampled), together)
    return found | {"gap": _between(found["best_group"], found["worst_group"])}


def _shares(by_seed: np.ndarray, corrected: np.ndarray, resampled: np.ndarray, count: int) -> Measured:
    levels = [
        share(figures, resampled[:, arm], count, as_measured=by_seed[arm]) for arm, figures in enumerate(corrected)
    ]
    return Measured(by_seed, corrected, resampled, tuple(levels))


def _between(best: Measured, worst: Measured) -> Measured:
    """The gap: the best group's figures minus the worst's."""
    by_seed, corrected = best.by_seed - worst.by_seed, best.corrected - worst.corrected
    resampled = best.resampled - worst.resampled
    levels = tuple(
        difference(one, other, two_level(corrected[arm], resampled[:, arm], as_measured=by_seed[arm]))
        for arm, (one, other) in enumerate(zip(best.levels, worst.levels, strict=True))
    )
    return Measured(by_seed, corrected, resampled, levels)
