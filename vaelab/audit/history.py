"""What an audit compared since its beginning: an entry for every change of arms, seeds, groups or rate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vaelab.audit.experiment import PRIMARY_FPR, Experiment

COMPARED = ("arms", "seeds", "columns", "fpr")
"""Settings of an experiment that may change after its beginning, and change what its statistics say."""


def history_of(about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of an experiment.json, the first one first: `date` (UTC, %Y%m%d-%H%M%S) and what COMPARED names.

    One from before there was a history has a single entry: what it says now.
    """
    return list(about.get("history") or [_entry(about["experiment"], about["created"])])


def continued(about: Mapping[str, Any] | None, experiment: Experiment, date: str) -> list[dict[str, Any]]:
    """The history after `experiment` was written: one entry more where it changes anything.

    Args:
        about: what experiment.json said before; None at the beginning.
    """
    before = [] if about is None else history_of(about)
    entry = _entry(experiment.to_dict(), date)
    is_same = bool(before) and all(before[-1].get(name) == entry[name] for name in COMPARED)
    return before if is_same else [*before, entry]


def known_arms(history: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every arm there ever was with the settings it had last."""
    return {arm: settings for entry in history for arm, settings in entry["arms"].items()}


def as_kept(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a history has them: tuples are lists in JSON."""
    kept: dict[str, Any] = json.loads(json.dumps(dict(settings)))
    return kept


def _entry(experiment: Mapping[str, Any], date: str) -> dict[str, Any]:
    return {"date": date, **as_kept({name: experiment.get(name, PRIMARY_FPR) for name in COMPARED})}
