"""Audits and what their scores say, read once per state of the files and kept for all visitors."""

from __future__ import annotations

import streamlit as st

from vaelab.audit.cautions import cautions_of
from vaelab.audit.store import AUDITS_DIR, Audit, list_audits
from vaelab.errors import VaelabError
from vaelab.evaluation.fairness.findings import Findings, find
from vaelab.evaluation.fairness.scores import Scores


def audits() -> list[Audit]:
    """Audits on this machine: those with paired scores first, then the newest; damaged ones are passed over."""
    return sorted(filter(_is_whole, list_audits(AUDITS_DIR)), key=lambda audit: not has_scores(audit))


def has_scores(audit: Audit) -> bool:
    """Whether one seed at least is scored under every arm."""
    experiment = audit.experiment
    return any(all(audit.is_scored(arm, seed) for arm in experiment.arms) for seed in experiment.seeds)


def stamp(audit: Audit, split: str) -> str:
    """Text that changes whenever the scores of a split, what is written of its pictures, or members that failed do."""
    paths = sorted(
        path for of in (f"scores/{split}/*", "scores/*.csv.gz", "failures/*.json") for path in audit.dir.glob(of)
    )
    stats = [(path.name, path.stat()) for path in [audit.dir / "experiment.json", *paths]]
    return "/".join(f"{name}:{stat.st_mtime_ns:x}-{stat.st_size:x}" for name, stat in stats)


def scores_of(audit: Audit, split: str) -> Scores:
    """The scores that all arms have, kept in memory."""
    scores: Scores = _scores(audit.name, split, stamp(audit, split), audit)
    return scores


def findings_of(audit: Audit, split: str, columns: tuple[str, ...], fpr: float) -> Findings:
    """What the scores say; computed once, in some seconds.

    Raises:
        DataError: no seed that all arms have, or fewer calibration negatives than the rate needs.
    """
    found: Findings = _findings(audit.name, split, columns, fpr, stamp(audit, split), audit)
    return found


@st.cache_resource(max_entries=4, show_spinner=False)
def _scores(name: str, split: str, state: str, _audit: Audit) -> Scores:
    return _audit.scores(split)


@st.cache_resource(max_entries=32, show_spinner=False)
def _findings(name: str, split: str, columns: tuple[str, ...], fpr: float, state: str, _audit: Audit) -> Findings:
    cautions = cautions_of(_audit, split, columns)
    return find(scores_of(_audit, split), columns, fpr, primary=_audit.experiment.fpr, cautions=cautions)


def _is_whole(audit: Audit) -> bool:
    try:
        return bool(audit.experiment.arms)
    except VaelabError:
        return False
