"""From an audit's findings to the sections of its report: what matters first, limits said, nothing left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaelab.audit.experiment import Experiment
from vaelab.audit.report.document import Document, Paragraph, Ruling, Section, Table, Tone
from vaelab.audit.report.exposure import exposure_section
from vaelab.audit.report.figures import effects_figure, groups_figure, worst_group_figure
from vaelab.audit.report.limits import limits_section
from vaelab.audit.report.record import experiment_section, fixed_section, published_section
from vaelab.audit.report.wording import (
    NOTHING,
    number,
    p_value,
    percent,
    points,
    with_interval,
)
from vaelab.evaluation.fairness.density import DensityBand
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.permutation import CAVEAT
from vaelab.evaluation.fairness.verdicts import CORRECTED, RULE
from vaelab.wording import counted, listed, rate_name

TONES: dict[str, Tone] = {"improved": "good", "worse": "bad"}
CHOOSING = (
    "These are validation faces, on which settings are chosen: the best of many settings looks better here than it is. "
    "What counts is the report on test faces."
)
MEASURE_NAMES = {"worst_group": "worst group", "gap": "gap", "average": "average E[A]", "overall": "all faces"}


@dataclass(frozen=True, eq=False)
class Material:
    """All that a report is written from.

    Attributes:
        about: what experiment.json says.
        found: at the rate of the report; `others` at other rates, or why there is nothing.
        exposures: by resampling arm, of each seed that is done.
        bands: by arm with latents, recall by how usual a face is to the member itself.
        unpaired: a sentence about members that are scored, but not with all arms.
    """

    experiment: Experiment
    about: Mapping[str, Any]
    split: str
    found: Findings
    others: Mapping[float, Findings | str]
    exposures: Mapping[str, Sequence[Mapping[str, Any]]]
    bands: Mapping[str, Sequence[DensityBand]]
    unpaired: str = ""


def document_of(material: Material) -> Document:
    """The report."""
    found, about = material.found, material.about
    created, seeds = str(about["created"]), len(found.seeds)
    return Document(
        title=f"Audit {material.experiment.name}: is it fairer?",
        subtitle=(
            f"{len(found.arms)} arms, {counted(seeds, 'paired seed')}, split {material.split}, "
            f"thresholds at {rate_name(found.fpr)} false positives. "
            f"Begun {created[:4]}-{created[4:6]}-{created[6:8]}, vaelab {about['vaelab']}."
        ),
        sections=(
            _verdicts(found, material.split),
            _headline(material),
            _groups(found),
            _effects(found),
            _false_positives(found),
            exposure_section(material.exposures, material.bands),
            published_section(found),
            fixed_section(found),
            experiment_section(material.experiment, material.about, material.unpaired),
            limits_section(material.experiment, found),
        ),
    )


def _verdicts(found: Findings, split: str) -> Section:
    rulings = tuple(Ruling(one.ruling, one.sentence, TONES.get(one.ruling, "plain")) for one in found.verdicts)
    alone = Paragraph("There is one arm, so nothing is compared.")
    warnings = found.warnings if split == "test" else (CHOOSING, *found.warnings)
    cautions = tuple(Paragraph(text, is_caution=True) for text in warnings)
    rule = f"{RULE} Here the rate is {rate_name(found.primary_fpr)}. {found.family}".strip()
    return Section("Verdict", (*(rulings or (alone,)), *cautions, Paragraph(rule)))


def _headline(material: Material) -> Section:
    found = material.found
    rows = tuple(
        (
            summary.arm,
            with_interval(summary.worst_group),
            listed([f"{name} ({count})" for name, count in summary.worst_groups.items()], 3) or NOTHING,
            percent(summary.gap),
            percent(summary.permuted.gap_by_chance if summary.permuted else None),
            with_interval(summary.average),
            with_interval(summary.overall),
        )
        for summary in found.summaries
    )
    variances = tuple(
        (
            summary.arm,
            number(summary.variance),
            number(summary.corrected_variance),
            number(summary.noise_floor),
            p_value(summary.permuted.variance_p if summary.permuted else None),
            percent(summary.permuted.gap_by_chance if summary.permuted else None),
            p_value(summary.permuted.gap_p if summary.permuted else None),
        )
        for summary in found.summaries
    )
    matched = f"at {rate_name(found.fpr)} false positives, %"
    return Section(
        "Worst-group recall",
        (
            worst_group_figure(found),
            Table(
                f"Recall {matched}, over groups of at least 30 faces",
                ("Arm", "Worst group", "Which (seeds)", "Gap", "Gap by chance", "Average E[A]", "All faces"),
                rows,
                "Means over seeds with 95 % intervals over seeds and pictures. A gap is never 0, so it has no "
                f"interval; by chance, groups of these sizes show the one beside it where all are alike. {CORRECTED}",
                words=frozenset({0, 2}),
            ),
            Table(
                "Variance over groups Var[A] in squared percentage points, and what chance makes of it and of the gap",
                ("Arm", "As published", "Noise-corrected", "Noise floor", "p", "Gap by chance, %", "p of gap"),
                variances,
                "The floor is what finite groups add by chance; the gap by chance is a single seed's where labels mean "
                f"nothing. p-values: group labels permuted. {CAVEAT} A detector that finds nobody, or everybody, "
                "has variance 0; it says nothing without the recall above.",
            ),
            *_other_rates(material),
        ),
    )


def _other_rates(material: Material) -> tuple[Table, ...]:
    arms = material.found.arms
    rows = []
    for fpr, found in material.others.items():
        if isinstance(found, str):
            rows.append((rate_name(fpr), *[NOTHING] * len(arms), found))
        else:
            rulings = [f"{one.later} − {one.earlier}: {one.ruling}" for one in found.verdicts]
            if found.verdicts and fpr != found.primary_fpr:
                rulings = ["not the primary rate: no ruling"]
            worst = [with_interval(summary.worst_group) for summary in found.summaries]
            rows.append((rate_name(fpr), *worst, listed(rulings) or NOTHING))
    if not rows:
        return ()
    head = ("False positives", *arms, "Verdicts")
    words = frozenset({0, len(arms) + 1})
    return (Table("Worst-group recall at other rates, %", head, tuple(rows), words=words),)


def _groups(found: Findings) -> Section:
    rows, greyed = [], []
    for place, group in enumerate(found.groups):
        recalls = [found.recall(arm, group.name) for arm in found.arms]
        if not group.is_summarised:
            greyed.append(place)
        cells = [with_interval(recall.mean) for recall in recalls]
        rows.append((group.name, f"{group.count:,}", *cells))
    areas = tuple(
        (group.name, f"{group.count:,}", *(_area(found, arm, group.name) for arm in found.arms))
        for group in found.groups
    )
    out = [f"{one.group} ({one.count} faces, {one.reason})" for one in found.left_out]
    note = f"Left out of summaries: {listed(out)}." if out else "All groups have 30 faces or more."
    if found.num_ungrouped:
        note += f" {found.num_ungrouped:,} faces have no label and are in no group."
    return Section(
        "Recall by group",
        (
            groups_figure(found),
            Table(
                f"Recall at {rate_name(found.fpr)} false positives, %",
                (", ".join(found.columns), "Faces", *found.arms),
                tuple(rows),
                note,
                greyed=frozenset(greyed),
            ),
            Table(
                "AUC against the shared non-faces, %",
                (", ".join(found.columns), "Faces", *found.arms),
                areas,
                "Over all thresholds; non-faces have no group, so every group is held against the same ones.",
                greyed=frozenset(greyed),
            ),
        ),
    )


def _area(found: Findings, arm: str, group: str) -> str:
    return with_interval(found.recall(arm, group).auc, 2)


def _effects(found: Findings) -> Section:
    figure = effects_figure(found)
    rows = tuple(
        (
            f"{effect.later} − {effect.earlier}",
            MEASURE_NAMES[name],
            points(change.difference),
            p_value(change.difference.p_value),
            p_value(change.p_holm),
            p_value(change.wilcoxon_p),
        )
        for effect in found.effects
        for name, change in effect.changes.items()
    )
    members = tuple(
        (
            f"{effect.later} − {effect.earlier}",
            f"{sum(one.only_first for one in effect.members):,}",
            f"{sum(one.only_second for one in effect.members):,}",
            f"{sum(one.p_holm < 0.05 and one.difference > 0 for one in effect.members)}",
            f"{sum(one.p_holm < 0.05 and one.difference < 0 for one in effect.members)}",
            f"{len(effect.members)}",
        )
        for effect in found.effects
    )
    if not rows:
        return Section("Changes between arms", (Paragraph("There is one arm, so nothing is compared."),))
    blocks = (
        Table(
            "The later arm minus the earlier one, percentage points",
            ("Arms", "Measure", "Change", "p", "p (Holm)", "p (signed rank)"),
            rows,
            f"Seed against seed. {found.family} The signed-rank test looks at the seeds alone and needs six.",
            words=frozenset({0, 1}),
        ),
        Table(
            "Pairs of networks, McNemar's test",
            ("Arms", "Seen by later only", "By earlier only", "Later better", "Earlier better", "Pairs"),
            members,
            "Faces summed over seeds; pairs that differ with p < 0.05 after Holm. A pair is two networks, no statement "
            "about how they were made.",
        ),
    )
    return Section("Changes between arms", (figure, *blocks) if figure is not None else blocks)


def _false_positives(found: Findings) -> Section:
    rows = []
    for one in found.false_positives:
        rates = [rate.rate for rate in one.realised if rate.count]
        rows.append(
            (
                one.arm,
                f"{number(min(one.thresholds))} to {number(max(one.thresholds))}",
                with_interval(one.mean, 2),
                f"{percent(min(rates), 2)} to {percent(max(rates), 2)}" if rates else NOTHING,
                with_interval(one.hard_mean, 2),
                listed(_worst_classes(one.by_class, len(found.seeds)), 3) or NOTHING,
            )
        )
    return Section(
        "False positives",
        (
            Paragraph(
                f"Each network has its own threshold, set at {rate_name(found.fpr)} on {found.num_calibration:,} "
                f"calibration non-faces that serve nothing else. What it lets through is counted on "
                f"{found.num_negatives:,} other non-faces."
            ),
            Table(
                "False positives, %",
                ("Arm", "Thresholds (logit)", "Realised", "Over seeds", "Hard negatives", "Most often taken for faces"),
                tuple(rows),
                "Means over seeds with 95 % intervals over seeds and non-faces, whole classes of them where these are "
                "known, the thresholds as they are. Beside a class, how many of its pictures there are.",
                words=frozenset({0, 5}),
            ),
        ),
    )


def _worst_classes(by_class: Mapping[str, Any], seeds: int) -> list[str]:
    """Classes with the most false alarms, those with any, and how many pictures each has."""
    order = sorted(by_class, key=lambda name: -by_class[name].rate)
    return [
        f"{name.split(',')[0] or 'unnamed'} ({percent(by_class[name].rate)} % of {by_class[name].count // seeds:,})"
        for name in order
        if by_class[name].rate > 0
    ]
