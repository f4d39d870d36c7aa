"""Audits at work and those that stopped early: how far, stop, resume. It ticks only while one is at work."""

from __future__ import annotations

import contextlib

import streamlit as st

from pages.live.words import look
from pages.shell.boundary import error_boundary
from vaelab.audit.beginning import begin
from vaelab.audit.conductor import progress_of, start_audit, stop_audit
from vaelab.audit.store import AUDITS_DIR, Audit, list_audits
from vaelab.errors import VaelabError

TICK_SECONDS = 3.0
LOG_LINES = 12
WORDS = {"queued": "not started"}
"""States that mean something else of an audit: nobody starts it but who resumes it."""


def under_way() -> None:
    """Every audit that is not done, with what can be done about it; nothing where all are."""
    unfinished = _unfinished()
    if unfinished:
        is_alive = any(audit.status.is_alive for audit in unfinished)
        names = tuple(audit.name for audit in unfinished)
        st.fragment(_show, run_every=TICK_SECONDS if is_alive else None)(names, is_alive)


def _unfinished() -> list[Audit]:
    found = []
    for audit in list_audits(AUDITS_DIR):
        with contextlib.suppress(VaelabError):  # half written or damaged: nothing can be done about it here
            if audit.status.state != "done":
                audit.experiment  # noqa: B018 - raises where this version cannot read it
                found.append(audit)
    return found


@error_boundary
def _show(names: tuple[str, ...], was_alive: bool) -> None:
    now = _unfinished()
    if tuple(audit.name for audit in now) != names or any(audit.status.is_alive for audit in now) != was_alive:
        st.rerun(scope="app")
    for audit in now:
        with st.container(border=True):
            _one(audit)


def _one(audit: Audit) -> None:
    status, progress = audit.status, progress_of(audit)
    about = look(status.state)
    is_stopping = status.is_alive and audit.cancel_path.exists()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{audit.name}**", width="content")
        st.badge(
            "stopping" if is_stopping else WORDS.get(status.state, status.state), icon=about.icon, color=about.color
        )
        if status.is_alive:
            stop = st.button(
                "Stop", icon=":material/stop_circle:", disabled=is_stopping, key=f"audit.stop.{audit.name}"
            )
            if stop:
                stop_audit(audit)
                st.rerun(scope="app")
        elif st.button("Resume", icon=":material/play_arrow:", key=f"audit.resume.{audit.name}"):
            start_audit(begin(audit.experiment))
            st.rerun(scope="app")
    at_work = f", now {', '.join(progress.at_work)}" if progress.at_work else ""
    st.progress(
        min(progress.images_seen / max(progress.images, 1), 1.0),
        text=f"{progress.members_done} of {progress.members} networks trained and scored, {progress.images_seen:,} of "
        f"{progress.images:,} images{at_work}",
    )
    if is_stopping:
        st.caption("It saves the members at work and ends.")
    elif status.message and not progress.at_work:
        st.caption(status.message)
    with st.expander("Log", icon=":material/notes:"):
        st.code(_tail(audit), language=None)


def _tail(audit: Audit) -> str:
    path = audit.dir / "log.txt"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return "\n".join(lines[-LOG_LINES:]) or "Nothing is written yet."
