"""The view at a fixed threshold of 0.5, as published studies have it: not comparable across models.

Every network buys its recall with its own false-positive rate here. A network that calls everything a face is perfect
for every group, with variance 0; the rate beside it says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaelab.data.groups import Grouping
from vaelab.evaluation.fairness.measures import average, gap, variance, worst_group
from vaelab.evaluation.fairness.scores import Scores


@dataclass(frozen=True)
class FixedThreshold:
    """An arm at probability 0.5, means over seeds.

    Attributes:
        false_positives: share of test negatives called a face; None without test negatives.
        by_group: recall by group, those of at least 10 faces.
        worst_group, gap, average, variance: over groups of at least 30 faces; None with fewer than two of them.
            `variance` in squared percentage points.
    """

    arm: str
    false_positives: float | None
    overall: float
    by_group: dict[str, float]
    worst_group: float | None
    gap: float | None
    average: float | None
    variance: float | None


def at_fixed_threshold(scores: Scores, grouping: Grouping) -> list[FixedThreshold]:
    """Every arm at a logit of 0."""
    return [_fixed(scores, grouping, arm) for arm in range(len(scores.arms))]


def _fixed(scores: Scores, grouping: Grouping, arm: int) -> FixedThreshold:
    hit = scores.faces[arm] > 0
    by_group = np.array([grouping.mean(member) for member in hit])
    kept = [place for place, group in enumerate(grouping.groups) if group.is_summarised]
    alarms = scores.negatives[arm] > 0
    figures: list[float | None] = [None] * 4
    if len(kept) >= 2:
        figures = [float(measure(by_group[:, kept]).mean()) for measure in (worst_group, gap, average, variance)]
    return FixedThreshold(
        scores.arms[arm],
        float(alarms.mean()) if alarms.size else None,
        float(hit.mean()) if hit.size else float("nan"),
        {
            group.name: float(by_group[:, place].mean())
            for place, group in enumerate(grouping.groups)
            if group.standing != "counts only"
        },
        *figures,
    )
