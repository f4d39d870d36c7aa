"""Notes on recipes: none is missing, none is hollow, and what they say of settings is so."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from vaelab.cli import build_parser
from vaelab.debiasing import resampling
from vaelab.recipe_notes import (
    ORIGINS,
    PREPARING,
    RECIPE_NOTES,
    RecipeNote,
    how_it_works,
    origin_line,
    preparing_command,
    resampling_words,
)
from vaelab.recipes import LAB_BETA, RECIPES
from vaelab.rng import numpy_generator
from vaelab.settings import DebiasConfig

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


def test_preparing_commands_are_those_of_the_readme() -> None:
    """But for lists and tables that a reader has to make first, and for photos that need no such list."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    lines = {line.split("  #")[0].strip() for line in readme.splitlines() if "vaelab data prepare" in line}
    own = {re.sub(r" --(leave-out|mined) \S+", "", line) for line in lines}
    known = {line.replace("~/photos ", "~/photos-without-faces ") for line in own}
    for name in set(PREPARING) - {"synthetic-64"}:  # which is built in
        assert {PREPARING[name], PREPARING[name].removesuffix(f" --name {name}")} & known, name


@pytest.mark.parametrize("name", [*PREPARING, "my-own-64"])
def test_preparing_commands_are_ones(name: str) -> None:
    words = shlex.split(preparing_command(name))
    assert words[:3] == ["python", "-m", "vaelab"]
    parsed = build_parser().parse_args(words[3:])
    assert parsed.name in (name, None)


def test_the_numbers_that_notes_give_follow_from_the_recipes() -> None:
    assert f"{RECIPES['mit-cnn'].optim.num_images:,} images" in RECIPE_NOTES["mit-cnn"].words
    values = 3 * 64 * 64
    assert f"{values**0.5:.0f} times smaller" in " ".join(RECIPE_NOTES["vgg19-transfer"].weight.split())
    assert f"{RECIPES['vgg19-transfer'].loss.beta / values**0.5:.5f}" in RECIPE_NOTES["vgg19-transfer"].weight
    assert f"beta {RECIPES['anime'].loss.beta:g} " in RECIPE_NOTES["anime"].weight


@pytest.mark.parametrize("name", list(RECIPES))
def test_how_it_works_is_told_of_what_the_recipe_has(name: str) -> None:
    config, told = RECIPES[name], " ".join(how_it_works(RECIPES[name]))
    assert ("Gaussian $q(z" in told) == config.has_decoder
    assert ("Why a KL" in told) == config.has_decoder
    assert ("Resampling" in told) == (config.debias.aggregation != "none")
    assert told.count("$") % 2 == 0


def test_resampling_is_told_with_its_own_formula_and_pace() -> None:
    lab = resampling_words(RECIPES["mit-dbvae"].debias)
    assert "After each pass over the faces" in lab
    assert r"\max_j" in lab
    assert "After every 2 passes" in resampling_words(RECIPES["dbvae"].debias)
    tempered = resampling_words(DebiasConfig(aggregation="tempered", refresh_every=5_000))
    assert "After every 5,000 images" in tempered
    assert "$t$ keeps the wished share" in tempered


@pytest.mark.parametrize("aggregation", ["max", "max5", "product", "gaussian", "tempered"])
def test_every_aggregation_has_its_formula(aggregation: str) -> None:
    assert "p_i" in resampling_words(DebiasConfig(aggregation=aggregation))


def test_the_formula_of_the_lab_is_what_resampling_computes() -> None:
    """The largest, over the latents, of 1 / (density + alpha), scaled to sum to 1 over the faces."""
    mu = numpy_generator(0, "latents").standard_normal((400, 3)) * [1.0, 2.0, 0.5]
    config = RECIPES["mit-dbvae"].debias
    weights = []
    for column in mu.T:
        density, edges = np.histogram(column, bins=config.bins, density=True)
        places = np.digitize(column, edges[1:-1])
        rarity = 1 / (density[places] + config.alpha)
        weights.append(rarity / rarity.sum())
    expected = np.max(weights, axis=0)
    np.testing.assert_allclose(resampling(mu, config).sample_probs, expected / expected.sum(), rtol=1e-6)
