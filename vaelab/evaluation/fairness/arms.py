"""Each arm by itself: recall of every group over seeds, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vaelab.data.groups import Group, Standing
from vaelab.evaluation.fairness.discrimination import auc_interval
from vaelab.evaluation.fairness.measured import Measured
from vaelab.evaluation.fairness.measures import noise_floor, variance
from vaelab.evaluation.fairness.permutation import LabelsPermuted, labels_permuted
from vaelab.evaluation.fairness.resampling import Recalls
from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.fairness.two_level import TwoLevel, share
from vaelab.evaluation.rates import Rate, rate


@dataclass(frozen=True)
class GroupRecall:
    """An arm's recall in one group.

    Attributes:
        count: faces of the group; its `standing` is what the number allows to be said.
        hits: faces seen, by seed; `by_seed` the same as shares with Wilson intervals, for each network by itself.
        mean: over seeds, with its interval over seeds and pictures; None for groups of fewer than 10 faces.
        auc: of the group's faces against the shared test negatives; None as `mean`, or without negatives.
    """

    arm: str
    group: str
    count: int
    standing: Standing
    hits: tuple[int, ...]
    by_seed: tuple[Rate, ...]
    mean: TwoLevel | None
    auc: TwoLevel | None


@dataclass(frozen=True)
class Summary:
    """An arm in a few numbers, over groups of at least 30 faces; None where there are too few such groups.

    Attributes:
        overall: recall over all faces.
        worst_group: lowest recall of a group, found anew for every seed.
        worst_groups: how many seeds each group was the worst in.
        gap: highest minus lowest recall, mean over seeds. It has no interval: where groups are alike it is too large
            by chance, `permuted.gap_by_chance`, and no interval of a gap ever reaches 0.
        variance: Var[A] over groups, mean over seeds; `corrected_variance` without what finite groups add by chance,
            `noise_floor`; all in squared percentage points, and by seed in the same order as the experiment's seeds.
        average: E[A], mean over groups.
        permuted: whether gap and variance are more than chance.
    """

    arm: str
    overall: TwoLevel
    worst_group: TwoLevel | None
    worst_groups: dict[str, int]
    gap: float | None
    gap_by_seed: tuple[float, ...]
    variance: float | None
    corrected_variance: float | None
    noise_floor: float | None
    variance_by_seed: tuple[float, ...]
    average: TwoLevel | None
    permuted: LabelsPermuted | None


def group_recalls(scores: Scores, recalls: Recalls) -> list[GroupRecall]:
    """Every arm's recall in every group, also those that are too small to say anything about."""
    return [
        _group_recall(scores, recalls, arm, place, group)
        for arm in range(len(scores.arms))
        for place, group in enumerate(recalls.grouping.groups)
    ]


def _group_recall(scores: Scores, recalls: Recalls, arm: int, place: int, group: Group) -> GroupRecall:
    rows = np.flatnonzero(recalls.grouping.keys == place)
    hits = recalls.hit[arm][:, rows].sum(axis=1)
    is_shown = group.standing != "counts only"
    return GroupRecall(
        scores.arms[arm],
        group.name,
        group.count,
        group.standing,
        tuple(map(int, hits)),
        tuple(rate(int(found), group.count) for found in hits),
        share(recalls.by_group[arm, :, place], recalls.by_group_resampled[:, arm, :, place], group.count)
        if is_shown
        else None,
        auc_interval(scores.faces[arm][:, rows], scores.negatives[arm], scores.negative_numbers) if is_shown else None,
    )


def summaries(
    scores: Scores, recalls: Recalls, figures: Mapping[str, Measured], *, seed: int = 0, resamples: int = 1000
) -> list[Summary]:
    """Every arm in a few numbers.

    Args:
        figures: of `recalls`, from `measured`.
        seed, resamples: of the permutations.
    """
    kept = np.flatnonzero(recalls.summarised)
    if len(kept) < 2:
        return [
            Summary(arm, figures["overall"].levels[place], None, {}, None, (), None, None, None, (), None, None)
            for place, arm in enumerate(scores.arms)
        ]
    keys = recalls.grouping.keys
    rows = np.flatnonzero(np.isin(keys, kept))
    permuted = labels_permuted(
        recalls.hit[..., rows], np.searchsorted(kept, keys[rows]), seed=seed, resamples=resamples
    )
    return [_summary(arm, recalls, figures, place, permuted[place]) for place, arm in enumerate(scores.arms)]


def _summary(
    name: str, recalls: Recalls, figures: Mapping[str, Measured], arm: int, permuted: LabelsPermuted
) -> Summary:
    kept = np.flatnonzero(recalls.summarised)
    found = recalls.by_group[arm][:, kept]
    worst = [recalls.grouping.groups[kept[place]].name for place in found.argmin(axis=1)]
    by_seed, floor = variance(found), float(noise_floor(found, recalls.grouping.counts[kept]).mean())
    return Summary(
        name,
        figures["overall"].levels[arm],
        figures["worst_group"].levels[arm],
        {group: worst.count(group) for group in sorted(set(worst), key=lambda group: (-worst.count(group), group))},
        float(figures["gap"].by_seed[arm].mean()),
        tuple(map(float, figures["gap"].by_seed[arm])),
        float(by_seed.mean()),
        float(by_seed.mean()) - floor,
        floor,
        tuple(map(float, by_seed)),
        figures["average"].levels[arm],
        permuted,
    )
