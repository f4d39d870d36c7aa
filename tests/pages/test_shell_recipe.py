"""A face's recipe survives its link, and garbage in a link costs a sentence, not a page."""

import pytest

from pages.shell.recipe import MAX_SEED, FaceRecipe, read_query

DEFAULT = FaceRecipe(model="face-vae")


@pytest.mark.parametrize(
    "recipe",
    [
        DEFAULT,
        FaceRecipe(model="a run", start="prior", seed=MAX_SEED, temperature=1.5),
        FaceRecipe(model="m", start="stored", face="train/17", edits=((0, -2.55), (17, 1.0))),
        DEFAULT.edited(3, 0.123456).edited(1, -1e-9),
    ],
)
def test_a_link_reopens_the_same_face(recipe: FaceRecipe) -> None:
    opened, notes = read_query(recipe.to_query(), FaceRecipe(model=recipe.model, seed=recipe.seed))
    assert notes == []
    assert opened.to_query() == recipe.to_query()
    assert opened.edits == recipe.edits


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"seed": "abc"}, "abc"),
        ({"seed": "-1"}, "-1"),
        ({"seed": str(MAX_SEED + 1)}, "seed"),
        ({"seed": "9" * 5000}, "seed"),
        ({"seed": "٣"}, "seed"),  # a digit, though not ours
        ({"t": "nan"}, "nan"),
        ({"t": "99"}, "99"),
        ({"from": "mars"}, "mars"),
        ({"dims": "x_1"}, "x_1"),
        ({"dims": "3_inf"}, "3_inf"),
        ({"dims": "3_1e9"}, "3_1e9"),
        ({"dims": "-1_1"}, "-1_1"),
    ],
)
def test_garbage_is_named_and_the_default_kept(query: dict[str, str], word: str) -> None:
    opened, notes = read_query(query, DEFAULT)
    assert opened == DEFAULT
    assert len(notes) == 1
    assert word in notes[0]


def test_the_usable_part_of_a_link_is_used() -> None:
    opened, notes = read_query({"dims": "4_1.25~oops~2_-0.5", "seed": "12"}, DEFAULT)
    assert opened.edits == ((2, -0.5), (4, 1.25))
    assert opened.seed == 12
    assert len(notes) == 1


def test_markup_in_a_link_is_not_shown_as_markup() -> None:
    _, notes = read_query({"seed": "**[x](http://y)**<script>"}, DEFAULT)
    assert not set("[]()<>*") & set(notes[0])


def test_another_start_drops_the_edits() -> None:
    assert DEFAULT.edited(1, 0.5).started(seed=8).edits == ()


def test_resetting_one_dimension_keeps_the_others() -> None:
    assert DEFAULT.edited(1, 0.5).edited(2, 1.0).reset(1).edits == ((2, 1.0),)
