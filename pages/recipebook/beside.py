"""Any two recipes or runs beside each other: pictures, curves, settings, measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from pages.recipebook.outcome import best_of
from pages.runlist.comparison import comparison
from vaelab.recipes import RECIPES
from vaelab.runs.store import Run


def beside(recipe: str, runs: Mapping[str, Sequence[Run]], runs_page: Path) -> None:
    """The choice of two, and what they show."""
    st.subheader("Two beside each other", anchor=False)
    choices = choices_by_recipe(runs)
    if len(choices) < 2:
        st.markdown("It takes two runs, of two recipes or of one with other settings. Train another one above.")
        return
    mine = best_of(runs.get(recipe, []))
    ids = list(choices)
    first = ids.index(mine.id) if mine is not None and mine.id in choices else 0
    left, right = st.columns(2)
    one = left.selectbox("This", ids, index=first, format_func=choices.__getitem__, key=f"recipes.one.{recipe}")
    others = [name for name in ids if name != one]
    other = right.selectbox("Beside", others, format_func=choices.__getitem__, key=f"recipes.other.{one}")
    comparison((one, other))
    st.page_link(runs_page, label="Compare more than two on Runs", icon=":material/table_rows:")


def choices_by_recipe(runs: Mapping[str, Sequence[Run]]) -> dict[str, str]:
    """Names of all runs of a known recipe, in the recipes' order, the best of each first: `recipe · run` by run id."""
    found: dict[str, str] = {}
    for recipe in RECIPES:
        best = best_of(runs.get(recipe, []))
        for run in sorted(runs.get(recipe, []), key=lambda run: best is not None and run.id != best.id):
            found[run.id] = recipe if run.id == recipe else f"{recipe} · {run.id}"
    return found
