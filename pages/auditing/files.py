"""An audit to take away: the report's files where they were made, findings and tables at once."""

from __future__ import annotations

import json

import streamlit as st

from pages.auditing.plan import plan
from pages.auditing.tables import arms_table, effects_table, groups_table
from vaelab.audit.store import Audit
from vaelab.evaluation.fairness.findings import Findings

MIMES = {"html": "text/html", "pdf": "application/pdf", "json": "application/json"}


def files(audit: Audit, found: Findings) -> None:
    """Buttons: the report of the whole audit, and what is on screen."""
    made = [path for suffix in MIMES if (path := audit.dir / f"report.{suffix}").is_file()]
    if made:
        st.markdown("**The report of this audit**: one file that stands alone, with fingerprints, settings and limits.")
        with st.container(horizontal=True):
            for path in made:
                suffix = path.suffix[1:]
                st.download_button(
                    f"Report ({suffix.upper()})", path.read_bytes, file_name=f"{audit.name}.{suffix}",
                    mime=MIMES[suffix], icon=":material/download:", on_click="ignore", key=f"audit.report.{suffix}",
                )  # fmt: skip
    else:
        st.caption("The report of this audit was not made yet.")
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
