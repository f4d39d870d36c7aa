"""The parts of the Audit page beneath the verdict, one at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from pages.auditing.figures import (
    NAMES,
    curves_figure,
    effects_figure,
    group_label,
    groups_figure,
    groups_in_words,
    seeds_figure,
)
from pages.auditing.loading import scores_of, stamp
from pages.auditing.missed import chosen_in, missed_faces
from pages.auditing.plan import change, plan
from pages.auditing.tables import arms_table, effects_table, fixed_table, groups_table, members_table, published_table
from pages.auditing.words import percent
from pages.shell.boundary import error_boundary
from vaelab.audit.store import Audit
from vaelab.data.groups import Grouping
from vaelab.evaluation.fairness.discrimination import roc
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.permutation import CAVEAT
from vaelab.evaluation.fairness.published import BENCHMARK, PAPER, READING, REPLICATION
from vaelab.wording import rate_name

CURVE_POINTS = 61
LEAST_PASSED = 10
"""Test negatives that have to pass for a rate to be shown: fewer tell next to nothing about it."""
STILL = {"displayModeBar": False}


def groups(audit: Audit, found: Findings) -> None:
    """Recall by group with intervals and seeds; a click shows the faces that were missed."""
    if not any(group.standing != "counts only" for group in found.groups):
        st.info("No group has ten faces, so there is nothing to draw; the counts are below.")
    else:
        key = f"audit.groups.{audit.name}.{'~'.join(found.columns)}.{found.fpr:g}"
        st.plotly_chart(
            groups_figure(found),
            config=STILL,
            key=key,
            on_select=lambda: show_missed(key),
            selection_mode="points",
            alt=f"Recall by {' and '.join(found.columns) or 'arm'} at {rate_name(found.fpr)} false positives. "
            f"{groups_in_words(found)}",
        )
        st.caption(
            "Large marks: mean over seeds with 95 % intervals over seeds and pictures; small ones: each seed. Click "
            "one to see the faces it missed. Groups under 30 faces are grey and summarise nothing, under 10 they are "
            "only counted."
        )
    missed_faces(audit, found)
    with st.expander("As a table", icon=":material/table:"):
        st.dataframe(groups_table(found), hide_index=True, height="content", alt="Recall, misses and AUC by group")
        st.caption("Missed: faces out of the group, lowest to highest over seeds. AUC: against the shared negatives.")


def show_missed(key: str) -> None:
    """Ask for the faces behind the mark that was just clicked; a choice made since then stays."""
    if picked := chosen_in(st.session_state[key]):
        change(arm=picked[0], group=picked[1])


def arms(audit: Audit, found: Findings) -> None:
    """What each arm adds up to, and how arms differ."""
    st.dataframe(arms_table(found), hide_index=True, height="content", alt="Every arm in a few numbers")
    st.caption(
        "In brackets 95 % intervals. Gap by chance and noise floor: what groups of these sizes show where all are "
        "alike; p by permuting group labels. Var in squared percentage points, corrected: without its noise floor. "
        f"{CAVEAT} Variance and gap are smallest where nobody is found: read them beside the recall."
    )
    if not found.effects:
        return
    names = [name for name in NAMES if name in found.effects[0].changes]
    measure = st.segmented_control(
        "Difference of", names, default=names[0], format_func=lambda name: NAMES[name], required=True,
        key=f"audit.measure.{len(names)}",
    )  # fmt: skip
    st.plotly_chart(
        effects_figure(found.effects, measure or names[0]),
        config=STILL,
        key="audit.effects.figure",
        alt=f"Differences of {NAMES[measure or names[0]]} between arms, seed by seed",
    )
    st.dataframe(effects_table(found.effects), hide_index=True, height="content", alt="Every difference with its tests")
    st.caption(
        f"p: of the interval over seeds and pictures. {found.family} Wilcoxon: exact, over seeds alone, from six of "
        "them on."
    )
    with st.expander("Network against network (McNemar)", icon=":material/compare_arrows:"):
        st.dataframe(members_table(found.effects), hide_index=True, alt="Exact McNemar tests of paired networks")
        st.caption(
            "Two networks of the same seed on the same faces, each at its own threshold: about these two, not about "
            "how they were made."
        )


def curves(audit: Audit, found: Findings) -> None:
    """ROC by group of one arm."""
    arm, fprs = _arm(audit, found), curve_fprs(found.num_negatives)
    if not len(fprs):
        _too_few(found)
        return
    st.plotly_chart(
        curves_figure(_curves(audit, found), fprs, arm, found),
        config=STILL,
        key="audit.curves.figure",
        alt=f"Recall of {arm} by group over false-positive rates",
    )
    st.caption(
        f"Each group's faces against the same {found.num_negatives:,} test negatives, from the rate that "
        f"{LEAST_PASSED} of them pass; mean over seeds. The dotted line is the rate chosen above. "
        "Non-faces have no group, so groups share their false positives."
    )


@st.fragment
@error_boundary
def threshold(audit: Audit, found: Findings) -> None:
    """Recall by group while the threshold moves; for looking around, the verdict stays where it is."""
    fprs = curve_fprs(found.num_negatives)
    if not len(fprs):
        _too_few(found)
        return
    drawn = _curves(audit, found)
    places = [float(f"{fpr:.3g}") for fpr in fprs]
    wanted = st.select_slider(
        f"False positives on {found.num_negatives:,} test negatives", places,
        value=places[int(np.abs(fprs - found.fpr).argmin())], format_func=lambda fpr: percent(fpr, 2),
        key=f"audit.threshold.{found.num_negatives}",
    )  # fmt: skip
    place = places.index(wanted)
    labels = {group.name: group_label(group.name, group.count, group.standing) for group in found.groups}
    rows = {
        labels[group]: {arm: percent(drawn[arm][group][:, place].mean()) for arm in found.arms}
        for group in next(iter(drawn.values()))
    }
    st.dataframe(pd.DataFrame(rows).T.rename_axis("Group"), height="content", alt=f"Recall at {percent(wanted, 2)}")
    st.caption(
        "Mean over seeds, every network at the threshold that gives it this rate on the test negatives themselves. "
        "A threshold looked for here and reported would be chosen on the test; the verdict uses calibration negatives."
    )


def seeds(audit: Audit, found: Findings) -> None:
    """Groups by seeds of one arm."""
    arm = _arm(audit, found)
    if any(group.standing != "counts only" for group in found.groups):
        st.plotly_chart(
            seeds_figure(found, arm),
            config=STILL,
            key="audit.seeds.figure",
            alt=f"Recall of {arm} by group and seed",
        )
    st.caption(
        f"Percent of the group's faces that each network of {arm} sees at {rate_name(found.fpr)} false positives."
    )


def published(audit: Audit, found: Findings) -> None:
    """The paper's and the replication's numbers beside ours."""
    st.dataframe(published_table(found), hide_index=True, height="content", alt="Published tables beside this audit")
    st.caption(f"{PAPER}. {REPLICATION}. {BENCHMARK}. {READING}")


def fixed(audit: Audit, found: Findings) -> None:
    """A threshold of 0.5, marked for what it is."""
    st.warning(
        "Not comparable across models: at a fixed threshold of 0.5 each network buys its recall with a false-positive "
        "rate of its own. One that calls everything a face is perfect here, with variance 0.",
        icon=":material/block:",
    )
    st.dataframe(fixed_table(found), hide_index=True, height="content", alt="Every arm at a threshold of 0.5")
    st.caption("Means over seeds. Published studies report this view; it decides nothing here.")


def _arm(audit: Audit, found: Findings) -> str:
    kept = plan().arm if plan().arm in found.arms else found.arms[-1]
    arm = st.segmented_control("Arm", found.arms, default=kept, required=True, key=f"audit.arm.{audit.name}")
    return arm or kept


def curve_fprs(num_negatives: int) -> np.ndarray:
    """False-positive rates to look at, ascending: from the one that LEAST_PASSED negatives pass. Empty where that is
    all of them.
    """
    if num_negatives <= LEAST_PASSED:
        return np.zeros(0)
    return np.geomspace(LEAST_PASSED / num_negatives, 1.0, CURVE_POINTS)


def _too_few(found: Findings) -> None:
    st.info(f"There are {found.num_negatives:,} test negatives; more than {LEAST_PASSED} make a curve.")


def _curves(audit: Audit, found: Findings) -> dict[str, dict[str, np.ndarray]]:
    drawn: dict[str, dict[str, np.ndarray]] = _drawn(
        audit.name, plan().split, found.columns, stamp(audit, plan().split), audit
    )
    return drawn


@st.cache_resource(max_entries=8, show_spinner=False)
def _drawn(
    name: str, split: str, columns: tuple[str, ...], state: str, _audit: Audit
) -> dict[str, dict[str, np.ndarray]]:
    scores = scores_of(_audit, split)
    grouping = Grouping.of(scores.labels, columns)
    fprs = curve_fprs(scores.negatives.shape[-1])
    return {
        arm: {
            group.name: roc(scores.faces[place][:, grouping.rows(group.name)], scores.negatives[place], fprs)
            for group in grouping.groups
            if group.standing != "counts only"
        }
        for place, arm in enumerate(scores.arms)
    }
