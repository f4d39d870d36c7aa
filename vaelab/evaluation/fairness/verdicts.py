"""Improved, worse, no evidence or too few data: decided by a rule that was written before the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaelab.evaluation.fairness.effects import MIN_SEEDS, Effect
from vaelab.wording import counted, rate_name, with_minus

Ruling = Literal["improved", "worse", "no evidence", "too few data", "no ruling"]

RULE = (
    "An arm is called improved or worse than another if its worst-group recall, each network at its own threshold for "
    "the false-positive rate that was chosen when the audit began, differs over at least "
    f"{MIN_SEEDS} paired seeds with p < 0.05 after Holm's correction for all comparisons of arms. Anything else is no "
    "evidence, or too few data; at another rate nothing is ruled. Gap and variance do not decide: they are smallest "
    "where nobody is found."
)
CORRECTED = (
    "Worst group and gap are printed as measured; their intervals and p-values are of the bias-corrected figures, "
    "without what choosing a group by its own noisy recall adds, and need not lie evenly around what is printed."
)
"""What a value and the interval beside it are of."""


@dataclass(frozen=True)
class Verdict:
    """What the rule says of a comparison, and the sentence with the numbers that it used."""

    earlier: str
    later: str
    ruling: Ruling
    sentence: str


def family(num_arms: int) -> str:
    """The comparisons that Holm's correction counts, in words; empty where nothing is compared."""
    if num_arms < 2:
        return ""
    pairs = num_arms * (num_arms - 1) // 2
    return (
        f"Holm's correction counts {counted(pairs, 'comparison')} of {num_arms} arms at one rate and grouping. "
        "The interval beside a p-value is not corrected for several comparisons."
    )


def verdict(effect: Effect, fpr: float, num_groups: int, primary: float | None = None) -> Verdict:
    """The rule applied to one comparison.

    Args:
        num_groups: groups large enough to be summarised.
        primary: the rate that was chosen beforehand; at any other `fpr` nothing is ruled. None: this one.
    """
    name = f"{effect.later} against {effect.earlier}"
    change = effect.changes.get("worst_group")
    if change is None:
        few = "no group has" if not num_groups else "only one group has"
        return _verdict(effect, "too few data", f"{name}: too few data. {few.capitalize()} 30 faces or more.")
    found = change.difference
    seeds = len(found.by_seed)
    value, low, high = (with_minus(f"{100 * figure:+.2f}") for figure in (found.value, found.low, found.high))
    measured = (
        f"worst-group recall at {rate_name(fpr)} false positives changes by {value} percentage points [{low}, {high}]"
    )
    if found.value * found.centre < 0:
        measured += f", by {with_minus(f'{100 * found.centre:+.2f}')} without what choosing the worst group adds"
    if seeds < MIN_SEEDS:
        met = counted(seeds, "paired seed")
        return _verdict(
            effect, "too few data", f"{name}: too few data. With {met}, {measured}; the rule asks for {MIN_SEEDS}."
        )
    sure = "p < 0.001" if change.p_holm < 0.001 else f"p = {change.p_holm:.2g}"
    if primary not in (None, fpr):
        why = f"{rate_name(fpr)} is not the primary rate, so no ruling"
        return _verdict(
            effect, "no ruling", f"{name}: {why}. Over {seeds} paired seeds, {measured}, {sure} after Holm."
        )
    ruling: Ruling = "no evidence"
    if change.is_shown:
        ruling = "improved" if found.centre > 0 else "worse"
    said = "no evidence of a difference" if ruling == "no evidence" else ruling
    return _verdict(effect, ruling, f"{name}: {said}. Over {seeds} paired seeds, {measured}, {sure} after Holm.")


def _verdict(effect: Effect, ruling: Ruling, sentence: str) -> Verdict:
    return Verdict(effect.earlier, effect.later, ruling, sentence)
