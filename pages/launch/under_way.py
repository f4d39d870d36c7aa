"""Which runs train, pause or wait now."""

from __future__ import annotations

from pages.live.words import UNDER_WAY
from vaelab.errors import VaelabError
from vaelab.runs.store import RUNS_DIR, Run, RunStatus, list_runs


def under_way() -> list[tuple[Run, RunStatus]]:
    """Runs that train, pause or wait, oldest first; damaged ones and those of another version are passed over.

    The Runs page names them.
    """
    found = []
    for run in list_runs(RUNS_DIR):
        try:
            status = run.status
            _ = run.config  # whoever shows it reads this too
        except VaelabError:
            continue
        if status.state in UNDER_WAY:
            found.append((run, status))
    return sorted(found, key=lambda pair: pair[0].id)
