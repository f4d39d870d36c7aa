"""Runs: all trainings in one table; search, label, compare, export, import, and delete with a way back."""

from __future__ import annotations

import zlib

import pandas as pd
import streamlit as st

from pages.runlist.comparison import comparison
from pages.runlist.one import deleted_runs, import_run, one_run, undo_bar
from pages.runlist.table import matching, nats, runs_table
from pages.shell.boundary import error_boundary
from pages.shell.places import file_of
from vaelab.runs.store import RUNS_DIR, list_runs

TRAIN_PAGE = file_of("train")


@error_boundary
def runs() -> None:
    """The page."""
    st.title("Runs", anchor=False)
    undo_bar()
    there = list_runs(RUNS_DIR)
    if not there:
        st.markdown("There is no run yet. The first one takes about a minute, without any download:")
        st.page_link(TRAIN_PAGE, label="Start a training", icon=":material/play_arrow:")
        import_run()
        deleted_runs()
        return
    search = st.text_input(
        "Search", placeholder="name, state, recipe, network, tag or note", key="runs.search", icon=":material/search:"
    )
    table = matching(runs_table(there), search)
    chosen = [str(name) for name in table["Run"].iloc[selection(table)]] if len(table) else []
    if table.empty:
        st.info("No run holds all these words.", icon=":material/search_off:")
    elif not chosen:
        st.caption("Tick one run to label, export or delete it; tick several to compare them. A column's head sorts.")
    elif len(chosen) == 1:
        one_run(chosen[0], TRAIN_PAGE)
    else:
        st.subheader(f"{len(chosen)} runs compared", anchor=False)
        comparison(tuple(chosen))
    st.divider()
    import_run()
    deleted_runs()


def selection(table: pd.DataFrame) -> list[int]:
    """Show the table; returns the places of the rows that are ticked."""
    names = zlib.crc32("/".join(table["Run"]).encode())  # other rows are another table, with nothing ticked
    event = st.dataframe(
        table.style.format({"Held-out loss": nats}, na_rep="–"),  # the numbers stay numbers, so a head sorts them
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"runs.table.{names:08x}",
        column_config={
            "Run": st.column_config.TextColumn(pinned=True, width="medium"),
            "Progress": st.column_config.ProgressColumn(format="percent", width="small"),
            "Images seen": st.column_config.NumberColumn(format="localized"),
            "Training": st.column_config.NumberColumn("Training, min", format="localized"),
            "Held-out loss": st.column_config.NumberColumn("Held-out loss, nats"),
            "PSNR": st.column_config.NumberColumn("PSNR, dB", format="%.2f"),
            "Tags": st.column_config.TextColumn(width="small"),
            "Notes": st.column_config.TextColumn(width="medium"),
            "Made": st.column_config.DatetimeColumn("Made, UTC", format="YYYY-MM-DD HH:mm"),
        },
        placeholder="–",
        alt=f"{len(table)} runs with their state, progress and quality",
    )
    places: list[int] = event.selection.rows
    return [place for place in places if place < len(table)]


runs()
