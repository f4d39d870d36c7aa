"""What a report puts beside the findings: others' figures, the view at 0.5, and what exactly was compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from vaelab.audit.experiment import Experiment
from vaelab.audit.history import history_of
from vaelab.audit.report.document import Paragraph, Section, Table
from vaelab.audit.report.wording import NOTHING, number, percent
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.published import BENCHMARK, PUBLISHED, READING
from vaelab.wording import listed, rate_name


def published_section(found: Findings) -> Section:
    ours = tuple(
        (
            f"ours, {one.arm}, at 0.5",
            percent(one.average),
            number(one.variance),
            percent(one.false_positives),
            f"{len(found.seeds)}",
            "this audit",
        )
        for one in found.fixed
    )
    theirs = tuple(
        (
            one.model,
            number(one.average, 1),
            number(one.variance) + (f" ± {one.variance_spread:g}" if one.variance_spread else ""),
            number(one.false_positives, 1),
            NOTHING if one.runs is None else str(one.runs),
            one.source.split(",")[0],
        )
        for one in PUBLISHED
    )
    return Section(
        "Published results beside ours",
        (
            Table(
                f"Theirs on {BENCHMARK.split(':')[0]}; ours on the faces of this audit",
                ("Model", "E[A], %", "Var[A], pp²", "False positives, %", "Runs", "Source"),
                (*theirs, *ours),
                READING,
                words=frozenset({0, 5}),
            ),
        ),
    )


def fixed_section(found: Findings) -> Section:
    rows = tuple(
        (
            one.arm,
            percent(one.false_positives, 2),
            percent(one.worst_group),
            percent(one.gap),
            percent(one.average),
            number(one.variance),
            percent(one.overall),
        )
        for one in found.fixed
    )
    return Section(
        "At a fixed threshold of 0.5",
        (
            Paragraph(
                "Not comparable across models: every network buys its recall with another false-positive rate here. "
                "Shown because published studies look at it.",
                is_caution=True,
            ),
            Table(
                "Means over seeds, %",
                ("Arm", "False positives", "Worst group", "Gap", "Average E[A]", "Var[A], pp²", "All faces"),
                rows,
            ),
        ),
    )


def experiment_section(experiment: Experiment, about: Mapping[str, Any], unpaired: str = "") -> Section:
    """What was compared, what was compared before, and on which data.

    Args:
        unpaired: a sentence about members that are scored, but not with all arms.
    """
    arms = tuple(
        (arm, ", ".join(f"{name} {value}" for name, value in settings.items()) or "as shared")
        for arm, settings in experiment.arms.items()
    )
    base = experiment.base
    shared = tuple(
        (section, ", ".join(f"{name} {_plain(value)}" for name, value in dataclasses.asdict(part).items()))
        for section, part in (
            (name, getattr(base, name)) for name in ("data", "model", "loss", "debias", "optim", "run")
        )
    )
    prints = tuple((name, fingerprint) for name, fingerprint in about["data_fingerprints"].items())
    shares = [
        f"{column}: " + listed([f"{value} {percent(share)} %" for value, share in values.items()])
        for column, values in experiment.shares.items()
    ]
    sentences = [
        f"Seeds: {listed([str(seed) for seed in experiment.seeds], 30)}; shown are those that all arms are done with.",
        unpaired,
        f"Primary false-positive rate, chosen when the audit began: {rate_name(experiment.fpr)}.",
        f"Planted shares of the training faces: {'; '.join(shares)}."
        if shares
        else "The training faces are as they come.",
        f"Held-out faces from {', '.join(experiment.face_datasets)}.",
        str(about.get("treatment", "")),
        *(
            f"Label {one.column} was made of {one.source} by whoever ran the audit: "
            + listed([f"{old} as {new}" for old, new in one.values.items()])
            + "."
            for one in experiment.mappings
        ),
    ]
    words = frozenset({0, 1})
    return Section(
        "What was compared",
        (
            Table("Arms, and what each changes", ("Arm", "Settings"), arms, words=words),
            Paragraph(" ".join(sentence for sentence in sentences if sentence)),
            *_history(history_of(about)),
            Table("Settings that all arms share", ("Part", "Settings"), shared, words=words),
            Table("Data", ("Data set", "Fingerprint (SHA-256)"), prints, words=words),
        ),
    )


def _history(entries: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
    """What was changed after the beginning; nothing where nothing was."""
    if len(entries) < 2:
        return ()
    rows = tuple(
        (
            f"{date[:4]}-{date[4:6]}-{date[6:8]} {date[9:11]}:{date[11:13]}",
            ", ".join(entry["arms"]),
            ", ".join(map(str, entry["seeds"])),
            ", ".join(entry["columns"]) or "all together",
            rate_name(entry["fpr"]),
        )
        for entry in entries
        for date in [str(entry["date"])]
    )
    head = ("From (UTC)", "Arms", "Seeds", "Groups by", "Primary rate")
    note = "What was added or left out once results can be seen is not chosen beforehand."
    return (Table("Changes after the beginning", head, rows, note, words=frozenset({0, 1, 2, 3})),)


def _plain(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else f"{value:,}" if type(value) is int else str(value)
