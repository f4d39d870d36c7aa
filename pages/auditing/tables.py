"""An audit's tables: counts beside every number. Pure: no Streamlit here."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pages.auditing.figures import NAMES
from pages.auditing.words import level, percent
from vaelab.audit.report.wording import NOTHING, number, p_value, points
from vaelab.evaluation.fairness.effects import Effect
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.published import PAPER, PUBLISHED, REPLICATION
from vaelab.wording import rate_name


def arms_table(found: Findings) -> pd.DataFrame:
    """One row per arm: what its groups add up to, and the false positives it was bought with."""
    rows = []
    for summary, alarms in zip(found.summaries, found.false_positives, strict=True):
        worst = ", ".join(f"{group} ({seeds})" for group, seeds in summary.worst_groups.items())
        rows.append(
            {
                "Arm": summary.arm,
                "Worst group": level(summary.worst_group),
                "Which (seeds)": worst or NOTHING,
                "Gap": percent(summary.gap),
                "Gap by chance": percent(None if summary.permuted is None else summary.permuted.gap_by_chance),
                "Gap, p": p_value(None if summary.permuted is None else summary.permuted.gap_p),
                "Var, pp²": number(summary.variance),
                "Noise floor": number(summary.noise_floor),
                "Var, corrected": number(summary.corrected_variance),
                "Var, p": p_value(None if summary.permuted is None else summary.permuted.variance_p),
                "E[A]": level(summary.average),
                "All faces": level(summary.overall),
                "FPR on test negatives": level(alarms.mean, 2),
                "FPR on hard negatives": level(alarms.hard_mean, 2),
            }
        )
    table = pd.DataFrame(rows)
    if all(alarms.hard is None for alarms in found.false_positives):
        table = table.drop(columns="FPR on hard negatives")
    return table


def groups_table(found: Findings) -> pd.DataFrame:
    """One row per group: its count, what that allows, and recall and AUC of every arm."""
    rows = []
    for group in found.groups:
        row: dict[str, object] = {"Group": group.name, "Faces": group.count, "Standing": group.standing}
        for arm in found.arms:
            one = found.recall(arm, group.name)
            row[f"{arm}: recall"] = level(one.mean)
            row[f"{arm}: missed"] = NOTHING if not one.count else _missed(one.hits, one.count)
            row[f"{arm}: AUC"] = NOTHING if one.auc is None else f"{one.auc.value:.4f}"
        rows.append(row)
    return pd.DataFrame(rows)


def effects_table(effects: Sequence[Effect]) -> pd.DataFrame:
    """One row per comparison and measure."""
    rows = [
        {
            "Compared": f"{effect.later} − {effect.earlier}",
            "Of": NAMES[name],
            "Change, points": points(change.difference),
            "Seeds up": f"{sum(seed > 0 for seed in change.difference.by_seed)} of {len(change.difference.by_seed)}",
            "p": p_value(change.difference.p_value),
            "p, Holm": p_value(change.p_holm),
            "Wilcoxon over seeds, p": p_value(change.wilcoxon_p),
        }
        for effect in effects
        for name, change in effect.changes.items()
    ]
    return pd.DataFrame(rows)


def members_table(effects: Sequence[Effect]) -> pd.DataFrame:
    """One row per pair of networks: McNemar's test."""
    rows = [
        {
            "Compared": f"{pair.first} − {pair.second}",
            "Only the first sees": pair.only_first,
            "Only the second sees": pair.only_second,
            "Faces": pair.count,
            "p": p_value(pair.p_value),
            "p, Holm": p_value(pair.p_holm),
        }
        for effect in effects
        for pair in effect.members
    ]
    return pd.DataFrame(rows)


def fixed_table(found: Findings) -> pd.DataFrame:
    """One row per arm at a threshold of 0.5, its own false-positive rate first."""
    return pd.DataFrame(
        [
            {
                "Arm": each.arm,
                "FPR on test negatives": percent(each.false_positives, 2),
                "Worst group": percent(each.worst_group),
                "Gap": percent(each.gap),
                "Var, pp²": number(each.variance),
                "E[A]": percent(each.average),
                "All faces": percent(each.overall),
                **{f"{group}": percent(recall) for group, recall in each.by_group.items()},
            }
            for each in found.fixed
        ]
    )


def published_table(found: Findings) -> pd.DataFrame:
    """The paper's and the replication's rows, then ours at a threshold of 0.5, as theirs are."""
    short = {PAPER: "Amini et al. 2019", REPLICATION: "replication"}
    theirs = [
        {
            "From": short[row.source],
            "Data": "PPB",
            "Model": row.model,
            "E[A], recall": f"{row.average:.2f} %",
            "Var, pp²": f"{row.variance:.2f}" + (f" ± {row.variance_spread:.1f}" if row.variance_spread else ""),
            "FPR": "not published" if row.false_positives is None else f"{row.false_positives:.1f} %",
        }
        for row in PUBLISHED
    ]
    ours = [
        {
            "From": "this audit, threshold 0.5",
            "Data": " × ".join(found.columns) or "all faces",
            "Model": each.arm,
            "E[A], recall": percent(each.average, 2),
            "Var, pp²": number(each.variance),
            "FPR": percent(each.false_positives),
        }
        for each in found.fixed
    ]
    matched = [
        {
            "From": f"this audit, FPR {rate_name(found.fpr)}",
            "Data": " × ".join(found.columns) or "all faces",
            "Model": summary.arm,
            "E[A], recall": NOTHING if summary.average is None else percent(summary.average.value, 2),
            "Var, pp²": number(summary.variance),
            "FPR": level(alarms.mean, 2),
        }
        for summary, alarms in zip(found.summaries, found.false_positives, strict=True)
    ]
    return pd.DataFrame([*theirs, *ours, *matched])


def _missed(hits: tuple[int, ...], count: int) -> str:
    missed = [count - found for found in hits]
    return str(missed[0]) if len(set(missed)) == 1 else f"{min(missed)} to {max(missed)}"
