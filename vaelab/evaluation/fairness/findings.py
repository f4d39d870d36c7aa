"""Everything that can be said about an experiment's scores at one false-positive rate, as data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, final

import numpy as np

from vaelab.data.groups import Group, Grouping
from vaelab.evaluation.fairness.arms import GroupRecall, Summary, group_recalls, summaries
from vaelab.evaluation.fairness.effects import Effect, effects
from vaelab.evaluation.fairness.false_positives import FalsePositives, RateChange, false_positives
from vaelab.evaluation.fairness.fixed import FixedThreshold, at_fixed_threshold
from vaelab.evaluation.fairness.measured import measured
from vaelab.evaluation.fairness.resampling import recalls
from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.fairness.verdicts import RULE, Verdict, family, verdict
from vaelab.wording import rate_name, with_minus

MOST_NAMED = 6
"""Arms and pairs that a warning names."""


@dataclass(frozen=True)
class LeftOut:
    """A group that takes no part in worst group, gap, variance and average, and why."""

    group: str
    count: int
    reason: str


@final
@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        fpr: the false-positive rate that every threshold was set for; verdicts rule at `primary_fpr` alone.
        columns: label columns whose crossing makes the groups.
        left_out: groups too small to be summarised; `num_ungrouped` faces have no label in one of the columns.
        warnings: what a reader has to know before the numbers.
        recalls: by arm and group, in that order.
        fixed: the 0.5 view; not comparable across models.
    """

    fpr: float
    primary_fpr: float
    columns: tuple[str, ...]
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    num_faces: int
    num_ungrouped: int
    num_calibration: int
    num_negatives: int
    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    false_positives: tuple[FalsePositives, ...]
    false_positive_changes: tuple[RateChange, ...]
    recalls: tuple[GroupRecall, ...]
    summaries: tuple[Summary, ...]
    effects: tuple[Effect, ...]
    verdicts: tuple[Verdict, ...]
    fixed: tuple[FixedThreshold, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the rule of the verdict and what it counts; what is no finite number is None."""
        plain: dict[str, Any] = _plain(self)
        return plain | {"rule": RULE, "family": self.family}

    @property
    def family(self) -> str:
        """The comparisons that Holm's correction counts, in words."""
        return family(len(self.arms))

    def recall(self, arm: str, group: str) -> GroupRecall:
        """One arm's recall in one group."""
        return next(found for found in self.recalls if (found.arm, found.group) == (arm, group))


def find(
    scores: Scores,
    columns: Sequence[str],
    fpr: float,
    *,
    primary: float | None = None,
    cautions: Sequence[str] = (),
    seed: int = 0,
    resamples: int = 1000,
) -> Findings:
    """Everything that `scores` say at one false-positive rate.

    Args:
        columns: label columns whose crossing makes the groups; several make intersections.
        primary: the rate that was chosen beforehand, the only one that verdicts rule at; by default `fpr`.
        cautions: what whoever made the scores knows that weakens them; they come first among the warnings.
        seed: of the resampling.

    Raises:
        DataError: an unknown column, or fewer than 10 / fpr calibration negatives.
    """
    grouping = Grouping.of(scores.labels, columns)
    found = recalls(scores, grouping, fpr, seed=seed, resamples=resamples)
    figures = measured(found)
    compared = effects(scores.arms, scores.seeds, found, figures)
    num_summarised = int(found.summarised.sum())
    alarms, more_alarms = false_positives(scores, found.thresholds, seed=seed, resamples=resamples)
    return Findings(
        fpr=fpr,
        primary_fpr=fpr if primary is None else primary,
        columns=tuple(columns),
        arms=scores.arms,
        seeds=scores.seeds,
        num_faces=scores.num_faces,
        num_ungrouped=grouping.num_ungrouped,
        num_calibration=scores.calibration.shape[-1],
        num_negatives=scores.negatives.shape[-1],
        groups=grouping.groups,
        left_out=tuple(_left_out(group) for group in grouping.groups if not group.is_summarised),
        warnings=(*cautions, *_warnings(scores, fpr, alarms, more_alarms)),
        false_positives=tuple(alarms),
        false_positive_changes=tuple(more_alarms),
        recalls=tuple(group_recalls(scores, found)),
        summaries=tuple(summaries(scores, found, figures, seed=seed, resamples=resamples)),
        effects=tuple(compared),
        verdicts=tuple(verdict(effect, fpr, num_summarised, primary) for effect in compared),
        fixed=tuple(at_fixed_threshold(scores, grouping)),
    )


def _left_out(group: Group) -> LeftOut:
    reasons = {"counts only": "fewer than 10 faces: only counted", "greyed": "10 to 29 faces: shown, not summarised"}
    return LeftOut(group.name, group.count, reasons[group.standing])


def _warnings(scores: Scores, fpr: float, alarms: Sequence[FalsePositives], changes: Sequence[RateChange]) -> list[str]:
    """What weakens the numbers: few calibration negatives, rates that are not matched after all, few seeds."""
    found = []
    number = scores.calibration.shape[-1]
    if number < 100 / fpr:
        found.append(
            f"{number:,} calibration negatives set thresholds at {rate_name(fpr)} false positives; "
            f"{100 / fpr:,.0f} are recommended, so thresholds are uncertain. The intervals hold that uncertainty."
        )
    realised = [(each.arm, each.mean) for each in alarms if each.mean is not None]
    if not realised:
        found.append(
            "There are no test negatives, so nobody knows which false-positive rate the thresholds really give."
        )
    elif all(mean.low > fpr for _, mean in realised) or all(mean.high < fpr for _, mean in realised):
        rates = ", ".join(f"{arm} {100 * mean.value:.2f} %" for arm, mean in realised[:MOST_NAMED])
        found.append(
            f"On test negatives the thresholds for {rate_name(fpr)} give another rate under every arm: {rates}. "
            "Recall is at these rates: the test negatives are not like those that set the thresholds."
        )
    unmatched = [change for change in changes if change.is_shown]
    if unmatched:
        rates = ", ".join(
            f"{one.later} against {one.earlier} {_signed(one.difference.value)} points "
            f"[{_signed(one.difference.low)}, {_signed(one.difference.high)}]"
            for one in unmatched[:MOST_NAMED]
        )
        more = f" and {len(unmatched) - MOST_NAMED} more pairs" if len(unmatched) > MOST_NAMED else ""
        found.append(
            f"On test negatives the thresholds do not give the same rate: {rates}{more}. They were matched on other "
            "negatives, so part of a difference in recall may be bought with false alarms."
        )
    if len(scores.seeds) == 1:
        found.append("One seed: intervals are about these networks, and say nothing about training them again.")
    return found


def _signed(share: float) -> str:
    return with_minus(f"{100 * share:+.2f}")


def _plain(value: Any) -> Any:
    """Dataclasses, tuples and numbers as JSON has them."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
