"""What the audit says, before any table: verdicts, worst-group recall, and what weakens both."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.auditing.figures import arms_figure
from pages.auditing.words import RULING_LOOKS, level
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.verdicts import CORRECTED, RULE, Verdict
from vaelab.wording import counted, rate_name

MOST_TOLD = 3
"""Comparisons that stand in full: those of three arms."""
MOST_NAMED = 6
"""Of more, only the number is told."""


def headline(found: Findings) -> None:
    """Verdicts, worst-group recall of every arm, warnings, and the groups that were left out."""
    for warning in found.warnings:
        st.warning(warning, icon=":material/warning:")
    verdicts(found.verdicts)
    st.subheader(f"Worst-group recall at {rate_name(found.fpr)} false positives", anchor=False)
    if any(summary.worst_group is None for summary in found.summaries):
        st.info("It takes two groups of at least 30 faces to speak of a worst one. Choose another grouping.")
    else:
        _worst_groups(found)
    told_left_out(found)
    with st.expander("The rule of the verdict", icon=":material/gavel:"):
        st.markdown(f"{RULE} Here the rate is {rate_name(found.primary_fpr)}. {found.family}")


def verdicts(found: Sequence[Verdict]) -> None:
    """What was decided comes first; where many arms are compared, what was not is counted and folded away."""
    if not found:
        st.caption("One arm has nothing to be compared with.")
    decided = [verdict for verdict in found if verdict.ruling in ("improved", "worse")]
    for verdict in found if len(found) <= MOST_TOLD else decided:
        st.markdown(_with_badge(verdict))
    if len(found) <= MOST_TOLD:
        return
    for ruling in ("no evidence", "too few data", "no ruling"):
        names = [f"{verdict.later} − {verdict.earlier}" for verdict in found if verdict.ruling == ruling]
        if names:
            listed = ", ".join(names) if len(names) <= MOST_NAMED else "see below"
            st.markdown(f"{_badge(ruling)} in {len(names)} of {len(found)} comparisons: {listed}.")
    with st.expander(f"All {len(found)} comparisons", icon=":material/balance:"):
        for verdict in found:
            st.markdown(_with_badge(verdict))


def _badge(ruling: str) -> str:
    color, icon = RULING_LOOKS[ruling]
    return f":{color}-badge[{icon} {ruling}]"


def _with_badge(verdict: Verdict) -> str:
    return f"{_badge(verdict.ruling)} {verdict.sentence}"


def _worst_groups(found: Findings) -> None:
    words = [
        f"{summary.arm} {level(summary.worst_group)}, realised false positives {level(alarms.mean, 2)}"
        for summary, alarms in zip(found.summaries, found.false_positives, strict=True)
    ]
    st.plotly_chart(
        arms_figure(found),
        config={"displayModeBar": False},
        key="audit.arms.figure",
        alt=f"Worst-group recall, mean over {len(found.seeds)} seeds. {'; '.join(words)}.",
    )
    number = len(found.seeds)
    over = f"seeds and pictures; every dot is one of {number} seeds" if number > 1 else "pictures alone, of one seed"
    st.caption(
        "  \n".join(f"**{line}**" for line in words)
        + f"  \nBrackets and bars: 95 % intervals over {over}. {found.num_faces:,} faces; "
        f"{found.num_calibration:,} negatives set each network's own threshold, {found.num_negatives:,} others give "
        f"the realised rate. {CORRECTED}"
    )


def told_left_out(found: Findings) -> None:
    """Groups that are too small, and faces without a label: nothing is dropped silently."""
    if found.left_out:
        listed = "; ".join(f"{left.group} (n = {left.count}), {left.reason}" for left in found.left_out[:12])
        more = f"; and {len(found.left_out) - 12} more" if len(found.left_out) > 12 else ""
        st.caption(f":material/group_off: Left out of worst group, gap, variance and E[A]: {listed}{more}.")
    if found.num_ungrouped:
        st.caption(f":material/label_off: {counted(found.num_ungrouped, 'face')} without a label, so in no group.")
