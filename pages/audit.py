"""Audit: is it fairer? Detectors with and without debiasing at the same false-positive rate, over paired seeds."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.auditing import views
from pages.auditing.exposure import exposure
from pages.auditing.files import files
from pages.auditing.headline import headline
from pages.auditing.launch import launch_form
from pages.auditing.loading import audits, findings_of, has_scores, scores_of
from pages.auditing.plan import FPRS, LINK, VIEWS, fit_plan, keep_plan, open_plan, plan, sets
from pages.auditing.progress import under_way
from pages.shell.boundary import error_boundary
from pages.shell.links import write_link
from pages.studio.state import show_in
from vaelab.audit.experiment import Experiment
from vaelab.audit.store import Audit
from vaelab.data.groups import group_columns
from vaelab.data.manifest import are_drawn
from vaelab.evaluation.fairness.findings import Findings
from vaelab.wording import rate_name

VIEW = {
    "groups": views.groups,
    "arms": views.arms,
    "curves": views.curves,
    "threshold": views.threshold,
    "seeds": views.seeds,
    "exposure": exposure,
    "published": views.published,
    "report": files,
    "fixed": views.fixed,
}
OPEN = "audit.open"
OF_PHOTOS = (
    "- Labels of race, gender and age were given by strangers looking at pictures; they are not the people's own "
    "words, and not skin tone.\n"
    "- Faces cut out of photographs are easier than photographs; this is not how a camera fares in a street.\n"
)
OF_DRAWINGS = (
    "- These faces are drawn, so every label is exact, and nobody's own: what holds among them need not hold among "
    "people.\n"
)


@error_boundary
def audit_page() -> None:
    """The page."""
    st.title("Is it fairer?", anchor=False)
    st.markdown(
        "Detectors with and without debiasing, trained side by side over paired seeds, compared by the group they "
        "serve worst, at a threshold that gives all of them the same share of false alarms."
    )
    under_way()
    there = {audit.name: audit for audit in audits()}
    if not there:
        first_audit()
        return
    notes = open_plan(list(there))
    choose(there, notes)
    new_audit()
    write_link(plan().to_query(), LINK)


def first_audit() -> None:
    """What an audit is, and one button."""
    st.markdown(
        "An audit trains three arms: **A** the detector alone, **B** the same network with the VAE's loss and faces "
        "drawn uniformly, **C** the DB-VAE that draws rare faces more often. Whatever C gains over A but not over B is "
        "not owed to the resampling. Held-out faces are then scored by group, and a rule written beforehand says "
        "improved, worse, no evidence or too few data."
    )
    if not st.session_state.get(OPEN):
        if st.button("Set up the first audit", type="primary", icon=":material/balance:", key="audit.first"):
            st.session_state[OPEN] = True
            st.rerun()
        return
    launch_form()


def choose(there: dict[str, Audit], notes: list[str]) -> None:
    """Which audit, by its name, and what of it."""
    columns = st.columns([2, 1, 2, 2], vertical_alignment="bottom")
    key = show_in("audit.audit", plan().audit)
    columns[0].selectbox("Audit", list(there), key=key, on_change=sets("audit", key))
    audit = there[plan().audit]
    if not has_scores(audit):
        told(notes)
        now = "" if audit.status.is_alive else " Nobody is at work on it: **Resume**, above, goes on."
        st.info(
            "No seed is trained and scored under every arm yet; findings appear with the first, and become firm with "
            f"the sixth.{now}",
            icon=":material/hourglass_top:",
        )
        return
    splits = [name for name in ("test", "val") if name in audit.splits]
    known = list(dict.fromkeys([*group_columns(audit.pictures(splits[0], "faces")), *audit.experiment.columns]))
    rates, primary = possible_rates(audit), audit.experiment.fpr
    fitted, more = fit_plan(plan(), splits, known, rates, primary)
    keep_plan(fitted)
    told([*notes, *more])
    key = show_in("audit.split", plan().split)
    columns[1].segmented_control("Split", splits, required=True, key=key, on_change=sets("split", key))
    key = show_in("audit.columns", list(plan().columns or audit.experiment.columns))
    columns[2].multiselect(
        "Groups by", known, key=key, on_change=sets("columns", key), help="Several labels are crossed: intersections."
    )
    key = show_in("audit.fpr", plan().fpr or primary)
    columns[3].segmented_control(
        "False positives", rates, format_func=rate_name, required=True, key=key, on_change=sets("fpr", key),
        help=f"Verdicts are given at {rate_name(primary)}, which was chosen when the audit began.",
    )  # fmt: skip
    findings(audit, plan().columns or audit.experiment.columns)


def possible_rates(audit: Audit) -> list[float]:
    """Rates that the calibration negatives can set a threshold for, the primary one among them; one at least."""
    number = scores_of(audit, audit.splits[0]).calibration.shape[-1]
    rates = sorted({*FPRS, audit.experiment.fpr}, reverse=True)
    return [fpr for fpr in rates if number >= 10 / fpr] or [max(FPRS)]


@error_boundary
def findings(audit: Audit, columns: tuple[str, ...]) -> None:
    """Verdict first, then one part at a time."""
    with st.spinner("Resampling seeds and pictures"):
        found = findings_of(audit, plan().split, columns, plan().fpr or audit.experiment.fpr)
    about(audit, found)
    headline(found)
    key = show_in("audit.view", plan().view)
    st.segmented_control(
        "Show", list(VIEWS), format_func=VIEWS.__getitem__, required=True, key=key, on_change=sets("view", key),
        label_visibility="collapsed",
    )  # fmt: skip
    VIEW[plan().view](audit, found)
    limits(audit.experiment)


def about(audit: Audit, found: Findings) -> None:
    """What was compared, in two lines."""
    experiment = audit.experiment
    planted = "; ".join(
        f"training faces by {column}: " + ", ".join(f"{group} {100 * share:.3g} %" for group, share in shares.items())
        for column, shares in experiment.shares.items()
    )
    st.markdown(" · ".join(f"**{arm}**: {experiment.arm_in_words(arm)}" for arm in found.arms))
    data = experiment.base.data
    few = f" · at most {data.max_faces:,} training faces" if data.max_faces else ""
    done = f"{len(found.seeds)} of {len(experiment.seeds)} paired seeds"
    ruled = f"verdicts at {rate_name(experiment.fpr)} false positives"
    st.caption(
        f"{done} · {ruled} · {experiment.base.optim.num_images:,} images per network · "
        f"{', '.join(data.datasets)}{few}{f' · {planted}' if planted else ''}"
        + (" · validation faces: for choosing, not for reporting" if plan().split == "val" else "")
    )


def limits(experiment: Experiment) -> None:
    """What no number on this page says."""
    drawn = are_drawn(experiment.face_datasets, Path(experiment.base.data.data_dir))
    with st.expander("What this cannot say", icon=":material/info:"):
        st.markdown(
            (OF_DRAWINGS if drawn else OF_PHOTOS)
            + "- Equal recall is one idea of fairness. Whether a face detector should be used is another question.\n"
            "- An interval is about new seeds and new pictures of the same kind, not about another data set.\n"
            "- Looking at many groupings and rates until one says improved is no test: decide on them before."
        )


def told(notes: list[str]) -> None:
    """Sentences about a link that could not be followed to the letter."""
    if notes:
        st.info("  \n".join(notes), icon=":material/link_off:")


def new_audit() -> None:
    """The form, closed until somebody wants it: it reads data sets."""
    st.space("small")
    if not st.toggle("New audit", key="audit.new", help="Arms, seeds, data and planted shares."):
        return
    with st.container(border=True):
        launch_form()


audit_page()
