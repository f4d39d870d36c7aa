"""What the thresholds really let through: the false-positive rate of every member, on other negatives than set it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.groups import Rate, rate


@dataclass(frozen=True)
class FalsePositives:
    """False alarms of an arm's members, each at its own threshold.

    Attributes:
        thresholds: logit above which each seed's network says face.
        realised: share of the test negatives above it, by seed.
        hard: the same of the hard negatives; None where there are none.
        by_class: the same by what the negatives show, over all seeds' answers together; empty where that is unknown.
            A class's count is pictures times seeds, and the same pictures come once per seed: its interval is narrow.
    """

    arm: str
    thresholds: tuple[float, ...]
    realised: tuple[Rate, ...]
    hard: tuple[Rate, ...] | None
    by_class: dict[str, Rate]


def false_positives(scores: Scores, thresholds: Float[np.ndarray, "arms seeds"]) -> list[FalsePositives]:
    """What each arm's thresholds let through of the test negatives."""
    passed = scores.negatives > thresholds[..., None]
    hard = None if scores.hard_negatives is None else scores.hard_negatives > thresholds[..., None]
    return [
        FalsePositives(
            arm,
            tuple(map(float, thresholds[place])),
            tuple(rate(int(member.sum()), len(member)) for member in passed[place]),
            None if hard is None else tuple(rate(int(member.sum()), len(member)) for member in hard[place]),
            _by_class(passed[place], scores.negative_classes),
        )
        for place, arm in enumerate(scores.arms)
    ]


def _by_class(passed: np.ndarray, classes: np.ndarray | None) -> dict[str, Rate]:
    if classes is None:
        return {}
    return {
        str(name): rate(int(passed[:, classes == name].sum()), int((classes == name).sum()) * len(passed))
        for name in sorted(set(classes))
    }
