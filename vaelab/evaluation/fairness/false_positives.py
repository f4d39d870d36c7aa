"""What the thresholds really let through: the false-positive rate of every member, on other negatives than set it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from vaelab.evaluation.clusters import Classes, rate_of, times_drawn
from vaelab.evaluation.fairness.resampling import AT_ONCE
from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.fairness.two_level import TwoLevel, difference, share, two_level
from vaelab.evaluation.rates import Rate, rate
from vaelab.rng import numpy_generator


@dataclass(frozen=True)
class FalsePositives:
    """False alarms of an arm's members, each at its own threshold.

    Attributes:
        thresholds: logit above which each seed's network says face.
        realised: share of the test negatives above it, by seed, each network by itself; `mean` is over seeds, with its
            interval over seeds and negatives, the thresholds as they are. None without test negatives.
        hard: the same of the hard negatives, and `hard_mean`; None where there are none.
        by_class: the same by what the negatives show, over all seeds' answers together; empty where that is unknown.
            A class's count is pictures times seeds, and the same pictures come once per seed: its interval is narrow.
    """

    arm: str
    thresholds: tuple[float, ...]
    realised: tuple[Rate, ...]
    mean: TwoLevel | None
    hard: tuple[Rate, ...] | None
    hard_mean: TwoLevel | None
    by_class: dict[str, Rate]


@dataclass(frozen=True)
class RateChange:
    """How much more of the same test negatives a later arm lets through than an earlier one, over paired seeds."""

    earlier: str
    later: str
    difference: TwoLevel

    @property
    def is_shown(self) -> bool:
        """Whether the interval of the difference, by itself, leaves 0 out."""
        return self.difference.low > 0 or self.difference.high < 0


def false_positives(
    scores: Scores, thresholds: Float[np.ndarray, "arms seeds"], *, seed: int = 0, resamples: int = 1000
) -> tuple[list[FalsePositives], list[RateChange]]:
    """What each arm's thresholds let through of the test negatives, and by how much arms differ in that.

    Args:
        seed, resamples: of the negatives drawn anew.
    """
    passed = scores.negatives > thresholds[..., None]
    classes = scores.negative_numbers
    means, changes = _mean_rates(passed, classes, seed, resamples)
    hard = None if scores.hard_negatives is None else scores.hard_negatives > thresholds[..., None]
    hard_means = [None] * len(scores.arms) if hard is None else _mean_rates(hard, None, seed, resamples)[0]
    found = [
        FalsePositives(
            arm,
            tuple(map(float, thresholds[place])),
            tuple(rate_of(member, classes) for member in passed[place]),
            means[place],
            None if hard is None else tuple(rate_of(member) for member in hard[place]),
            hard_means[place],
            _by_class(passed[place], scores.negative_classes),
        )
        for place, arm in enumerate(scores.arms)
    ]
    pairs = itertools.combinations(scores.arms, 2)
    return found, [RateChange(*pair, change) for pair, change in zip(pairs, changes, strict=False)]


def _mean_rates(
    passed: Bool[np.ndarray, "arms seeds pictures"], classes: Classes | None, seed: int, resamples: int
) -> tuple[list[TwoLevel | None], list[TwoLevel]]:
    """Each arm's rate, mean over seeds, and each later arm's minus each earlier one's; none without pictures.

    Args:
        classes: number of each picture's class, drawn anew as a whole; None draws pictures.
    """
    arms, seeds, number = passed.shape
    if not number:
        return [None] * arms, []
    strata = np.arange(number) if classes is None else classes
    sizes = np.bincount(strata)
    hits = np.stack([np.bincount(strata, weights=member) for member in passed.reshape(-1, number)], axis=1)
    random, parts = numpy_generator(seed, "test negatives resampled"), []
    for done in range(0, resamples, AT_ONCE):
        drawn = times_drawn(random, min(AT_ONCE, resamples - done), len(sizes)).astype(np.float64)
        parts.append(drawn @ hits / (drawn @ sizes)[:, None])
    resampled = np.concatenate(parts).reshape(-1, arms, seeds)
    by_seed = passed.mean(axis=-1)
    levels = [share(by_seed[arm], resampled[:, arm], number) for arm in range(arms)]
    changes = [
        difference(
            levels[later],
            levels[earlier],
            two_level(by_seed[later] - by_seed[earlier], resampled[:, later] - resampled[:, earlier]),
        )
        for earlier, later in itertools.combinations(range(arms), 2)
    ]
    return [*levels], changes


def _by_class(passed: np.ndarray, classes: np.ndarray | None) -> dict[str, Rate]:
    if classes is None:
        return {}
    return {
        str(name): rate(int(passed[:, classes == name].sum()), int((classes == name).sum()) * len(passed))
        for name in sorted(set(classes))
    }
