"""What the audits found, and how far their statistics can be trusted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.readme.figures import percent, read_kept, share, table
from tests.readme.places import ROOT

RULINGS = {"no evidence": "no evidence of a difference"}
"""Rulings that need more words where they stand alone."""


def audits_block() -> str:
    """What the audits that ship found: on validation faces, which chose, and on test faces, which report."""
    return "\n\n".join([*map(_chosen, _shipped("report-val")), *map(_audited, _shipped("report"))])


def verdicts_block() -> str:
    """The audits on test faces, a line each: what their arms reach, and whether any two differ."""
    lines, common = [], set()
    for path in _shipped("report"):
        report = json.loads(path.read_text(encoding="utf-8"))
        experiment, found = report["experiment"], report["findings"]
        common.add((100 * found["fpr"], len(found["seeds"]), found["num_faces"]))
        most = experiment["base"]["data"]["max_faces"]
        planted = [
            f"{100 * rate:.3g} % {group}"
            for shares in experiment["shares"].values()
            for group, rate in sorted(shares.items(), key=lambda item: -item[1])[:1]
        ]
        reached = {summary["arm"]: share(summary["worst_group"]) for summary in found["summaries"]}
        pairs = len(found["verdicts"])
        words = Counter(verdict["ruling"] for verdict in found["verdicts"])
        lines.append(
            [
                f"[`{path.parent.name}`](checkpoints/audits/{path.parent.name}/report.html)",
                ", ".join([*planted, *([f"at most {most:,}"] if most else [])]),
                *(reached.get(arm, "") for arm in "ABCD"),
                "; ".join(f"{RULINGS.get(word, word)}: {count} of {pairs} pairs" for word, count in words.items()),
            ]
        )
    arms = ("A, detector alone", "B, with a VAE", "C, DB-VAE", "D, tempered DB-VAE")
    ((fpr, seeds, faces),) = common  # else one sentence cannot say it for all
    return "\n".join(
        [
            f"Recall of the group that is served worst, at {fpr:.3g} % false positives, {seeds} paired seeds, "
            f"{faces:,} FairFace test faces, 95 % intervals:",
            "",
            *table(["audit", "training faces", *arms, "do any two differ?"], lines),
        ]
    )


def _shipped(kind: str) -> list[Path]:
    """The reports of the audits that ship."""
    folder = ROOT / "checkpoints" / "audits"
    return [path for path in sorted(folder.glob(f"*/{kind}.json")) if _is_tracked(path)]


def _chosen(path: Path) -> str:
    """A search on validation faces, in one paragraph."""
    report = json.loads(path.read_text(encoding="utf-8"))
    found, arms = report["findings"], report["experiment"]["arms"]
    words = [
        f"{summary['arm']} ({_settings(arms[summary['arm']])}) {share(summary['worst_group'])}"
        for summary in found["summaries"]
    ]
    return (
        f"**Chosen on validation** (`{path.parent.name}`: {len(found['seeds'])} seeds, {found['num_faces']:,} faces) "
        f"by worst-group recall at {100 * found['fpr']:.3g} % false positives: {'; '.join(words)}."
    )


def _audited(path: Path) -> str:
    """An audit on test faces: what was compared, a table of its arms, and the verdicts."""
    report = json.loads(path.read_text(encoding="utf-8"))
    experiment, found = report["experiment"], report["findings"]
    planted = "; ".join(
        f"training faces by {column}: " + ", ".join(f"{group} {100 * share:.3g} %" for group, share in shares.items())
        for column, shares in experiment["shares"].items()
    )
    most = experiment["base"]["data"]["max_faces"]
    few = f"at most {most:,} training faces, " if most else ""
    lines = [
        f"**[`{path.parent.name}`](../checkpoints/audits/{path.parent.name}/report.html)**: {planted or 'all faces'}; "
        f"{few}{experiment['base']['optim']['num_images']:,} images per network, {len(found['seeds'])} paired seeds, "
        f"{found['num_faces']:,} test faces by {', '.join(found['columns'])}, {found['num_negatives']:,} non-faces "
        f"of held-out classes, thresholds from {found['num_calibration']:,} others.",
        "",
        f"| arm | worst-group recall at {100 * found['fpr']:.3g} % false positives | all faces | gap, points | "
        "false positives found |",
        "|---|---|---|---|---|",
    ]
    for summary, alarms in zip(found["summaries"], found["false_positives"], strict=True):
        rate = sum(one["rate"] for one in alarms["realised"]) / len(alarms["realised"])
        lines.append(
            f"| {summary['arm']}: {_settings(experiment['arms'][summary['arm']])} | {share(summary['worst_group'])} | "
            f"{share(summary['overall'])} | {100 * summary['gap']:.2f} | {100 * rate:.2f} % |"
        )
    return "\n".join([*lines, "", *(f"- {verdict['sentence']}" for verdict in found["verdicts"])])


def _settings(changes: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in changes.items())


def _is_tracked(path: Path) -> bool:
    """Whether the project's own rules let the folder into git: other audits stay on the machine."""
    return f"!/checkpoints/audits/{path.parent.name}/" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def coverage_block() -> str:
    """What the last `python -m benchmarks.coverage` that was kept found."""
    kept = read_kept("coverage")
    worlds: dict[str, dict[str, Any]] = kept["worlds"]
    rows = list(dict.fromkeys(name for world in worlds.values() for name in world["found"]))
    lines = [
        f"Simulated experiments with known truth, {kept['resamples']} resamples each: how often an interval of 95 % "
        "held it, and, in the rows of verdict and permutation, how often a difference was claimed. A permutation of "
        "labels asks about these very networks: of groups that are alike on average each seed makes somewhat unlike "
        "ones, which it finds, the more faces and seeds the more often. Wilson's interval "
        "of one network: " + "; ".join(f"{name}: {percent(share)}" for name, share in kept["wilson"].items()) + ".",
        "",
        f"| | {' | '.join(worlds)} |",
        f"|---|{'---|' * len(worlds)}",
        "| simulations | " + " | ".join(str(world["simulations"]) for world in worlds.values()) + " |",
    ]
    for name in rows:
        shares = [world["found"].get(name) for world in worlds.values()]
        lines.append(f"| {name} | " + " | ".join("–" if share is None else percent(share) for share in shares) + " |")
    return "\n".join(lines)
