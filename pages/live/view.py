"""The live view of one run. It ticks only while the run is under way, in each open browser by itself."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from pages.live.controls import controls
from pages.live.curves import kl_heat, loss_curves, other_curves, region_curves
from pages.live.debias import debiasing, recall_by_group
from pages.live.filmstrip import filmstrip
from pages.live.history import event_words
from pages.live.reports import damaged_lines, reports, speed
from pages.live.words import UNDER_WAY, duration, look, progress_words
from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.loaders import find
from vaelab import jobs
from vaelab.recipe_notes import LOSSES_IN_SHORT
from vaelab.runs.store import Run, RunStatus
from vaelab.wording import counted

FASTEST_TICK_SECONDS, SLOWEST_TICK_SECONDS = 1.0, 4.0
LATEST_EVENTS = 30
MOST_LINES = 8
"""Damaged reports that are named."""


def live_view(run: Run) -> None:
    """Show the run, and go on showing it as it changes."""
    state, tick = run.status.state, tick_seconds(run, reports(run))
    st.fragment(_view, run_every=tick if state in UNDER_WAY else None)(run.id, state, tick)


def tick_seconds(run: Run, rows: list[dict[str, Any]]) -> float:
    """How long nothing needs to be drawn anew, in powers of 2: at most about the time between two reports.

    Each tick costs every browser that watches a tenth of a second of work, which a training on the same machine lacks.
    """
    images_per_second = speed(rows)
    if images_per_second is None:
        return FASTEST_TICK_SECONDS
    between_reports = run.config.run.report_every / images_per_second
    tick = FASTEST_TICK_SECONDS
    while 2 * tick <= min(between_reports, SLOWEST_TICK_SECONDS):
        tick *= 2
    return tick


@error_boundary
def _view(run_id: str, began_as: str, tick: float) -> None:
    run = find(run_id)
    status = run.status
    rows = reports(run)
    is_off = status.state in UNDER_WAY and not 0.25 < tick_seconds(run, rows) / tick < 4  # a small change is let be
    if status.state != began_as or is_off:
        st.rerun(scope="app")
    heading(run, status)
    standing(run, status, speed(rows))
    controls(run, status)
    told_damage(run)
    if not rows:
        _nothing_yet(status)
        return
    st.subheader("Loss, per image", anchor=False)
    loss_curves(rows, key=f"live.losses.{run.id}")
    if run.config.has_decoder and not run.config.loss.is_deterministic:
        st.caption(LOSSES_IN_SHORT)
    if run.config.has_decoder:
        st.subheader("The same faces, from the first validation to now", anchor=False)
        if not filmstrip(run, key=f"live.film.{run.id}"):
            st.caption(
                "This run has left no pictures" + (" yet; they come with each validation." if _goes(status) else ".")
            )
    debiasing(run, rows)
    recall_by_group(rows)
    st.subheader("Quality and settings", anchor=False)
    other_curves(rows, key=f"live.others.{run.id}")
    region_curves(rows, key=f"live.regions.{run.id}")
    if run.config.has_decoder:
        st.subheader("What each latent tells", anchor=False)
        kl_heat(rows, key=f"live.heat.{run.id}")
    record(rows)


def heading(run: Run, status: RunStatus) -> None:
    """Name and state."""
    about = look(status.state)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(run.id, anchor=False, width="content")
        st.badge(status.state, icon=about.icon, color=about.color)
        st.badge(run.config.recipe, color="gray")


def standing(run: Run, status: RunStatus, images_per_second: float | None) -> None:
    """How far it is and how it goes, or why it does not."""
    total = run.config.optim.num_images
    if status.state in ("failed", "lost"):
        st.error(status.message or look(status.state).meaning, icon=look(status.state).icon)
    elif status.state == "queued":
        place = jobs.position(run)
        where = "next in line" if place <= 1 else f"number {place} in line"
        st.info(f"Waiting, {where}. {look('queued').meaning}", icon=look("queued").icon)
    elif status.state == "paused":
        st.info(look("paused").meaning, icon=look("paused").icon)
    elif status.message:
        st.caption(status.message)
    cautions(run.config)
    st.progress(min(status.images_seen / total, 1.0), text=progress_words(run, status, images_per_second))
    if status.train_seconds:
        words = [f"{duration(status.train_seconds)} of training so far"]
        if status.updated and _goes(status):
            words.append(f"last sign of life {duration(time.time() - status.updated)} ago")
        words.append(run.config.loss.effective_beta if run.config.has_decoder else "a detector alone: no KL")
        st.caption(" · ".join(words))


def told_damage(run: Run) -> None:
    """Which reports the curves do without; nothing where all can be read."""
    damaged = damaged_lines(run)
    if damaged:
        shown = ", ".join(map(str, damaged[:MOST_LINES])) + (" and more" if len(damaged) > MOST_LINES else "")
        st.warning(
            f"metrics.jsonl has {counted(len(damaged), 'damaged line')} ({shown}), left out of "
            "the curves. Weights and saved state are not affected.",
            icon=":material/broken_image:",
        )


def record(rows: list[dict[str, object]]) -> None:
    """What was done to the run while it trained."""
    events = [row for row in rows if row.get("kind") == "event"]
    if events:
        st.subheader("What was done meanwhile", anchor=False)
        for event in reversed(events[-LATEST_EVENTS:]):
            st.markdown(f"- at {event['images_seen']:,} images: {event_words(event)}")


def _goes(status: RunStatus) -> bool:
    return status.state in UNDER_WAY


def _nothing_yet(status: RunStatus) -> None:
    """Before the first report."""
    if _goes(status):
        with st.container(height=220, border=True, vertical_alignment="center", horizontal_alignment="center"):
            st.markdown(
                ":material/show_chart: The first points appear here with the first report.",
                width="content",
                text_alignment="center",
            )
    else:
        st.caption("It ended before its first report, so there is no curve.")
