"""Notes on recipes: none is missing, none is hollow, and what they say of settings is so."""

import re
import shlex

import pytest

from vaelab.cli import build_parser
from vaelab.recipe_notes import ORIGINS, PREPARING, RECIPE_NOTES, RecipeNote, origin_line, preparing_command
from vaelab.recipes import LAB_BETA, RECIPES

EACH = pytest.mark.parametrize("note", RECIPE_NOTES.values(), ids=list(RECIPE_NOTES))


def test_every_recipe_is_explained() -> None:
    assert set(RECIPES) <= set(RECIPE_NOTES)


@EACH
def test_a_note_says_something_everywhere(note: RecipeNote) -> None:
    assert 10 <= len(note.title) <= 60
    assert not note.title.endswith(".")
    assert len(note.words) > 120
    for sentence in (note.origin, note.words, note.data):
        assert sentence.endswith(".") or sentence.startswith("MIT")


@EACH
def test_formulas_close_what_they_open(note: RecipeNote) -> None:
    assert note.formula.count("{") == note.formula.count("}")
    assert len(re.findall(r"\\(?:B|b)ig(?![a-z])", note.formula)) % 2 == 0
    assert note.formula.isascii()


@pytest.mark.parametrize("name", list(RECIPES))
def test_the_weight_of_the_kl_is_explained_where_there_is_one(name: str) -> None:
    config, note = RECIPES[name], RECIPE_NOTES[name]
    assert bool(note.weight) == config.has_decoder
    assert (r"\mathrm{KL}" in note.formula) == config.has_decoder


def test_the_labs_weight_is_the_one_it_trains_with() -> None:
    assert f"{LAB_BETA:g}" in RECIPE_NOTES["dbvae"].weight


@pytest.mark.parametrize("name", sorted({name for config in RECIPES.values() for name in config.data.datasets}))
def test_every_data_set_of_a_recipe_has_a_command_that_prepares_it(name: str) -> None:
    assert name in PREPARING


@pytest.mark.parametrize("name", list(PREPARING))
def test_everything_that_can_be_prepared_says_where_it_comes_from(name: str) -> None:
    assert origin_line(name)
    if ORIGINS[name].home:
        assert "http" in ORIGINS[name].home
        assert ORIGINS[name].licence in origin_line(name) != ""


def test_the_published_projects_own_data_can_be_prepared() -> None:
    assert {name for note in RECIPE_NOTES.values() for row in note.labs_own for name in row} <= set(PREPARING)


@pytest.mark.parametrize("name", [*PREPARING, "my-own-64"])
def test_preparing_commands_are_ones(name: str) -> None:
    words = shlex.split(preparing_command(name))
    assert words[:3] == ["python", "-m", "vaelab"]
    parsed = build_parser().parse_args(words[3:])
    assert parsed.name in (name, None)
