"""Recipes: each training with a name, explained, started with one click, and shown with what came of it."""

from __future__ import annotations

import streamlit as st

from pages.recipebook.beside import beside
from pages.recipebook.explained import explained
from pages.recipebook.making import making
from pages.recipebook.outcome import origin_of, outcome, runs_by_recipe
from pages.shell.boundary import error_boundary
from pages.shell.places import file_of
from pages.tour.state import begin
from vaelab.recipe_notes import RECIPE_NOTES
from vaelab.recipes import RECIPES

TRAIN_PAGE = file_of("train")
RUNS_PAGE = file_of("runs")


@error_boundary
def recipes() -> None:
    """The page."""
    words, tour = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    words.title("Recipes", anchor=False)
    words.markdown("Trainings with a name: what each learns, what it minimises, what it needs, what came of it.")
    tour.button(
        "VAE in ten minutes",
        icon=":material/tour:",
        key="recipes.tour",
        on_click=begin,
        help="A tour that trains the first recipe and uses every page once.",
    )
    wanted = st.query_params.get("recipe")
    names, detail = st.columns([1, 3], gap="large")
    runs = runs_by_recipe()
    captions = [f"{RECIPE_NOTES[name].title} · {origin_of(runs.get(name, []))}" for name in RECIPES]
    name = names.radio("Recipe", list(RECIPES), captions=captions, key="recipe", bind="query-params")
    with detail:
        if wanted and wanted not in RECIPES:
            st.info("The link names a recipe that this version does not have.", icon=":material/link_off:")
        explained(name)
        making(name, TRAIN_PAGE)
        outcome(name, runs.get(name, []), TRAIN_PAGE)
    st.divider()
    beside(name, runs, RUNS_PAGE)


recipes()
