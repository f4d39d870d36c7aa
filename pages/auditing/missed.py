"""The faces behind a number: whom an arm's networks miss in a group, the ones that most of them miss first."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from pages.auditing.loading import scores_of
from pages.auditing.plan import change, plan
from pages.datasets.routes import MOST_PICTURES, open_store, rows_address
from pages.shell.remote import remote_picture
from pages.studio.state import show_in
from vaelab.audit.store import Audit
from vaelab.data.groups import Grouping
from vaelab.errors import DataError
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.resampling import thresholds_at_fpr
from vaelab.wording import counted, rate_name

MOST_FACES = 48
PER_ROW = 12


def chosen_in(event: Any) -> tuple[str, str] | None:
    """Arm and group of the mark that was clicked; None where nothing is selected."""
    points = (event or {}).get("selection", {}).get("points", [])
    custom = points[0].get("customdata") if points else None
    return (str(custom[0]), str(custom[1])) if custom else None


def missed_faces(audit: Audit, found: Findings) -> None:
    """Choose arm and group, by a click on the figure or here, and see who is missed."""
    st.subheader("Who is missed", anchor=False)
    names = [group.name for group in found.groups if group.count]
    if not names:
        st.caption("No face is in any group.")
        return
    now = plan()
    arm = now.arm if now.arm in found.arms else found.arms[-1]
    group = now.group if now.group in names else _worst(found, arm, names)
    first, second = st.columns(2)
    for place, options, value, column in (("arm", list(found.arms), arm, first), ("group", names, group, second)):
        key = show_in(f"audit.missed.{place}", value)
        column.selectbox(place.capitalize(), options, key=key, on_change=_sets(place, key))
    missed = missed_by(audit, found, arm, group)
    size = found.recall(arm, group).count
    if not len(missed):
        st.caption(f"No network of {arm} misses any of the {size:,} faces of {group} at {rate_name(found.fpr)}.")
        return
    seeds = len(found.seeds)
    st.caption(
        f"{len(missed):,} of the {size:,} faces of {group} are missed by "
        + (f"one or more of {arm}'s {seeds} networks; " if seeds > 1 else f"{arm}'s one network; ")
        + (f"the {MOST_FACES} that are missed most are shown." if len(missed) > MOST_FACES else "all are shown.")
    )
    show(audit, found, missed[:MOST_FACES], seeds)


def missed_by(audit: Audit, found: Findings, arm: str, group: str) -> np.ndarray:
    """(n, 2) row among the split's faces and number of networks that miss it, most first."""
    scores = scores_of(audit, plan().split).with_arms([arm])
    rows = Grouping.of(scores.labels, found.columns).rows(group)
    thresholds = thresholds_at_fpr(scores, found.fpr)
    misses = (scores.faces[0][:, rows] <= thresholds[0][:, None]).sum(axis=0)
    kept = np.argsort(-misses, kind="stable")[: int((misses > 0).sum())]
    return np.stack([rows[kept], misses[kept]], axis=1)


def show(audit: Audit, found: Findings, missed: np.ndarray, seeds: int) -> None:
    """Rows of pictures, a sentence where the data set is not on this machine."""
    labels = scores_of(audit, plan().split).labels.iloc[missed[:, 0]]
    for dataset in labels["dataset"].unique():
        of_it = np.flatnonzero((labels["dataset"] == dataset).to_numpy())
        try:
            store = open_store(str(dataset))
        except DataError:
            st.info(
                f"The pictures are in the data set {dataset}, which is not on this machine; scores and numbers are.",
                icon=":material/image_not_supported:",
            )
            continue
        places = {str(image): row for row, image in enumerate(store.labels["image_id"])}
        found_rows = [(places.get(str(labels["image_id"].iloc[place])), int(missed[place, 1])) for place in of_it]
        there = [(row, count) for row, count in found_rows if row is not None]
        for start in range(0, len(there), PER_ROW):
            part = there[start : start + PER_ROW]
            _row(store, part, seeds)


def _row(store: Any, part: list[tuple[int, int]], seeds: int) -> None:
    counts = [count for _, count in part]
    told = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[-1]} to {counts[0]}"
    remote_picture(
        rows_address(store, [row for row, _ in part][:MOST_PICTURES]),
        f"{counted(len(part), 'face')} missed by {told} of {counted(seeds, 'network')}",
        widest=75 * len(part),
        shape=(len(part), 1),
    )
    st.caption(f"missed by {told} of {seeds}")


def _worst(found: Findings, arm: str, names: list[str]) -> str:
    """The group that a reader wants to see first: the arm's worst in most seeds."""
    summary = next(summary for summary in found.summaries if summary.arm == arm)
    return next(iter(summary.worst_groups), names[0])


def _sets(field: str, key: str) -> Any:
    def changed() -> None:
        change(**{field: st.session_state[key]})

    return changed
