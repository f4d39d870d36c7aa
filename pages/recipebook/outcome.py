"""What came of a recipe on this machine: the model that ships, or the latest run, with its results."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.live.words import UNDER_WAY, look
from pages.results.panel import result_panel
from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.loaders import find
from vaelab.errors import VaelabError
from vaelab.runs.store import RUNS_DIR, Run, list_runs

WATCH_SECONDS = 3.0


def runs_by_recipe() -> dict[str, list[Run]]:
    """The runs of each recipe, the newest first, one that ships last; damaged ones are passed over."""
    found: dict[str, list[Run]] = {}
    for run in sorted(list_runs(RUNS_DIR), key=lambda run: run.is_shipped):
        with contextlib.suppress(VaelabError):
            _ = run.status
            found.setdefault(run.config.recipe, []).append(run)
    return found


def best_of(runs: Sequence[Run]) -> Run | None:
    """The run whose results are shown first: the newest that is done, else the newest; None of none."""
    done = [run for run in runs if run.status.state == "done"]
    return next(iter(done or runs), None)


def origin_of(runs: Sequence[Run]) -> str:
    """How far a recipe with these runs has come here, in a few words."""
    if any(run.status.state in UNDER_WAY for run in runs):
        return "trains now"
    if any(run.status.state == "done" and not run.is_shipped for run in runs):
        return "trained here"
    return "ships with vaelab" if any(run.is_shipped for run in runs) else "not trained yet"


def outcome(recipe: str, runs: list[Run], train_page: Path) -> None:
    """Results of the recipe's runs; looks again while one trains."""
    st.subheader("What came of it", anchor=False)
    if not runs:
        st.markdown("Nobody has trained it on this machine yet. Its pictures and curves will stand here.")
        return
    under_way = [run for run in runs if run.status.state in UNDER_WAY]
    if under_way:
        st.fragment(_under_way, run_every=WATCH_SECONDS)(under_way[0].id, train_page)
    best = best_of(runs)
    assert best is not None
    names = [run.id for run in runs]
    chosen = names[0]
    if len(names) > 1:
        chosen = st.selectbox("Run", names, index=names.index(best.id), key=f"recipes.run.{recipe}", width=420)
    run = find(chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{run.id}**", width="content")
        state = look(run.status.state)
        st.badge("ships with vaelab" if run.is_shipped else run.status.state, icon=state.icon, color=state.color)
        st.page_link(train_page, label="Curves and control", icon=":material/show_chart:", query_params={"run": run.id})
    cautions(run.config)
    result_panel(run, f"recipes.{recipe}")


@error_boundary
def _under_way(run_id: str, train_page: Path) -> None:
    """How far the training is; the page is drawn anew when it ends."""
    run = find(run_id)
    status = run.status
    if status.state not in UNDER_WAY:
        st.rerun(scope="app")
    total = run.config.optim.num_images
    st.progress(min(status.images_seen / total, 1.0), text=f"{run_id}: {status.images_seen:,} of {total:,} images")
    st.page_link(train_page, label="Watch it", icon=":material/show_chart:", query_params={"run": run_id})
