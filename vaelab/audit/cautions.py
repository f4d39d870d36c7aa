"""What a reader of an audit's findings has to know that the scores alone do not tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from vaelab.audit.joined_labels import with_labels
from vaelab.audit.store import Audit
from vaelab.evaluation.fairness.scores import Scores


def cautions_of(audit: Audit, split: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Sentences about members that failed or are scored and left out, and about groups that were chosen afterwards."""
    experiment = audit.experiment
    found = _failed(audit)
    named = set(experiment.members())
    removed = [member for member in audit.scored(split) if member not in named]
    if removed:
        found.append(
            f"Scored, but left out because the experiment no longer names them: {_told(removed)}. Holm's correction "
            "does not count comparisons with them."
        )
    if set(columns) != set(experiment.columns):
        own = ", ".join(experiment.columns) or "all faces together"
        found.append(
            f"These groups are not those of the experiment ({own}). A ruling on groups that were chosen after looking "
            "is no test."
        )
    return tuple(found)


def looked_at(
    audit: Audit, split: str, columns: Sequence[str], labels: Path | None = None
) -> tuple[Scores, tuple[str, ...]]:
    """The scores of a split, with the columns of a CSV of more labels where one is given, and what weakens them.

    Raises:
        DataError: no seed is done under all arms, or labels that do not fit.
    """
    scores, cautions = audit.scores(split), cautions_of(audit, split, columns)
    if labels is None:
        return scores, cautions
    scores, record = with_labels(scores, labels)
    return scores, (*cautions, record)


def _failed(audit: Audit) -> list[str]:
    """A sentence for each arm whose seeds drop out by how their training went, not by chance."""
    failures = audit.failures()
    found = []
    for arm in audit.experiment.arms:
        reasons = [why for (failed, _), why in failures.items() if failed == arm]
        if reasons:
            found.append(
                f"{arm} failed in {len(reasons)} of {len(audit.experiment.seeds)} seeds ({reasons[0].rstrip('.')}). "
                "The comparison is of the seeds in which it did not, so it leaves out how this arm goes wrong."
            )
    return found


def unpaired(audit: Audit, split: str, scores: Scores) -> str:
    """A sentence about members that are scored with seeds which other arms are not done with; empty without any."""
    named = set(audit.experiment.members())
    left = [member for member in audit.scored(split) if member in named and member[1] not in scores.seeds]
    return f"Scored, but left out because another arm is not done with the seed: {_told(left)}." if left else ""


def _told(members: Iterable[tuple[str, int]]) -> str:
    """`arm B (seeds 0, 1), arm C (seed 4)`."""
    seeds: dict[str, list[int]] = {}
    for arm, seed in members:
        seeds.setdefault(arm, []).append(seed)
    return ", ".join(
        f"arm {arm} (seed{'s' * (len(found) > 1)} {', '.join(map(str, found))})" for arm, found in seeds.items()
    )
