"""An audit to take away: the report's files where they were made, findings and tables at once."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import streamlit as st

from pages.auditing.plan import plan
from pages.auditing.tables import arms_table, effects_table, groups_table
from vaelab.audit.store import Audit, split_ending
from vaelab.evaluation.fairness.findings import Findings
from vaelab.wording import rate_name

MIMES = {"html": "text/html", "pdf": "application/pdf", "json": "application/json"}
DRAWING = threading.Lock()
"""The drawing library's style belongs to the whole process, so reports are drawn one after the other."""


def files(audit: Audit, found: Findings) -> None:
    """Buttons: the report of the whole audit, and what is on screen."""
    _report(audit, found)
    _on_screen(audit, found)


def _report(audit: Audit, found: Findings) -> None:
    """The report's files, and a button to make what is not there or has fallen behind the scores."""
    split = plan().split
    made = [path for kind in MIMES if (path := audit.report_path(kind, split)).is_file()]
    if made:
        st.markdown("**The report of this audit**: one file that stands alone, with fingerprints, settings and limits.")
        with st.container(horizontal=True):
            for path in made:
                kind = path.suffix[1:]
                st.download_button(
                    f"Report ({kind.upper()})", path.read_bytes, file_name=f"{audit.name}{split_ending(split)}.{kind}",
                    mime=MIMES[kind], icon=":material/download:", on_click="ignore", key=f"audit.report.{kind}",
                )  # fmt: skip
    why = lacking(audit.report_path("json", split), found)
    if not why:
        return
    st.caption(why)
    if st.button("Make the report", icon=":material/description:", key="audit.report.make"):
        from vaelab.audit.report.writing import write_report  # drawing libraries take a second

        with st.spinner(f"Writing it at {rate_name(found.fpr)} false positives"), DRAWING:
            write_report(audit, split, found.fpr, found.columns)
        st.rerun()


def lacking(path: Path, found: Findings) -> str:
    """Why a report should be made: there is none, or not of what is scored by now. Empty where nothing lacks."""
    if not path.is_file():
        return "The report of this audit was not made yet."
    try:
        written = json.loads(path.read_text(encoding="utf-8"))["findings"]
        seeds, arms = len(written["seeds"]), tuple(written["arms"])
    except (ValueError, KeyError, TypeError):
        return "The report's JSON file is damaged."
    if arms != found.arms or seeds != len(found.seeds):
        now = f"{len(found.arms)} and {len(found.seeds)}"
        return f"The report is of {len(arms)} arms and {seeds} paired seeds; there are {now} now."
    return ""


def _on_screen(audit: Audit, found: Findings) -> None:
    """Findings and tables of what the page shows."""
    st.markdown("**What is on this page**")
    name = f"{audit.name}-{plan().split}-fpr{100 * found.fpr:g}"
    record = {"audit": audit.name, "split": plan().split, "data": audit.data_fingerprints, **found.to_dict()}
    tables = {"arms": arms_table(found), "groups": groups_table(found), "differences": effects_table(found.effects)}
    with st.container(horizontal=True):
        st.download_button(
            "Findings (JSON)", json.dumps(record, indent=1, allow_nan=False), file_name=f"{name}.json",
            mime="application/json", icon=":material/download:", on_click="ignore", key="audit.findings.json",
        )  # fmt: skip
        for kind, table in tables.items():
            st.download_button(
                f"{kind.capitalize()} (CSV)", table.to_csv(index=False), file_name=f"{name}-{kind}.csv",
                mime="text/csv", icon=":material/download:", on_click="ignore", key=f"audit.csv.{kind}",
            )  # fmt: skip
