"""What an audit found, as lines for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaelab.data.groups import Grouping
from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.groups import threshold_at_fpr


def summary(scores: Scores, columns: tuple[str, ...], fpr: float) -> dict[str, Any]:
    """Recall by arm, seed and group at the threshold of each member, and what follows from it."""
    grouping = Grouping.of(scores.labels, columns)
    counted = np.array([group.is_summarised for group in grouping.groups])
    arms = {}
    for place, arm in enumerate(scores.arms):
        rows = []
        for number, seed in enumerate(scores.seeds):
            threshold = threshold_at_fpr(scores.calibration[place, number], fpr)
            hit = scores.faces[place, number] > threshold
            recall = grouping.mean(hit)
            rows.append(
                {
                    "seed": seed,
                    "worst_group": float(recall[counted].min()) if counted.any() else None,
                    "gap": float(np.ptp(recall[counted])) if counted.any() else None,
                    "overall": float(hit.mean()),
                    "realised_fpr": float((scores.negatives[place, number] > threshold).mean()),
                    "by_group": {
                        group.name: float(value)
                        for group, value in zip(grouping.groups, recall, strict=True)
                        if group.is_summarised
                    },
                }
            )
        arms[arm] = rows
    return {"columns": list(columns), "fpr": fpr, "seeds": list(scores.seeds), "arms": arms}


def lines(found: dict[str, Any]) -> list[str]:
    """The summary as a table: means over seeds, and the difference from the first arm with how many seeds agree."""
    reference, *_ = found["arms"]
    text = [
        f"recall at {found['fpr']:.2%} false positives by {', '.join(found['columns'])}, {len(found['seeds'])} seeds",
        f"{'arm':12} {'worst group':>12} {'gap':>7} {'overall':>8} {'FPR':>7}  against {reference}, worst group",
    ]
    first = np.array([row["worst_group"] or np.nan for row in found["arms"][reference]])
    for arm, rows in found["arms"].items():
        worst, gap, overall, fpr = (
            np.array([np.nan if row[name] is None else row[name] for row in rows])
            for name in ("worst_group", "gap", "overall", "realised_fpr")
        )
        change = worst - first
        against = "" if arm == reference else f"{change.mean():+.2%}, better in {int((change > 0).sum())}"
        text.append(
            f"{arm:12} {worst.mean():>12.2%} {gap.mean():>7.2%} {overall.mean():>8.2%} {fpr.mean():>7.2%}  {against}"
        )
    return text
