"""Columns of labels become questions with a yes and a no, and an unknown that is neither."""

import numpy as np
import pandas as pd
import pytest

from vaelab.editing.recipe import SLIDER_KEY
from vaelab.evaluation.attributes import MIN_FACES, Attribute, attributes_of, held_out_by_id, not_learned
from vaelab.rng import numpy_generator

NUM = 400


def of(**columns: object) -> dict[str, Attribute]:
    """The attributes of a table with these columns, by key."""
    table = pd.DataFrame({"image_id": [f"i{n}" for n in range(NUM)], "split": "train", **columns})
    return {attribute.key: attribute for attribute in attributes_of(table)}


def cycle(*values: object) -> list[object]:
    return [values[n % len(values)] for n in range(NUM)]


@pytest.mark.parametrize(
    "values", [("yes", "no"), ("True", "False"), (True, False), (1, 0), (1, -1), ("1", "-1"), ("YES", "No")]
)
def test_yes_or_no_in_all_its_spellings(values: tuple[object, object]) -> None:
    found = of(smile=cycle(*values))["smile"]
    assert (found.name, found.positive, found.negative) == ("Smile", "yes", "no")
    np.testing.assert_array_equal(found.answers[:4], [1, 0, 1, 0])
    assert found.answers.dtype == np.float32


@pytest.mark.parametrize("unknown", [None, np.nan, pd.NA])
def test_unknown_is_neither(unknown: object) -> None:
    found = of(smile=cycle("yes", "no", unknown, "yes"))["smile"]
    np.testing.assert_array_equal(found.answers[:4], [1, 0, np.nan, 1])
    assert found.counts == (200, 100)


def test_two_words_are_one_question() -> None:
    found = of(gender=cycle("Female", "Male"))
    assert list(found) == ["gender-male"]
    assert (found["gender-male"].name, found["gender-male"].negative) == ("Gender: Male", "Female")
    np.testing.assert_array_equal(found["gender-male"].answers[:2], [0, 1])


def test_several_words_are_one_against_the_rest() -> None:
    found = of(race=cycle("Black", "White", "East_Asian", None))
    assert set(found) == {"race-black", "race-white", "race-east-asian"}
    np.testing.assert_array_equal(found["race-east-asian"].answers[:4], [0, 0, 1, np.nan])
    assert found["race-east-asian"].name == "Race: East Asian"
    known = np.stack([attribute.answers for attribute in found.values()])[:, :3]
    np.testing.assert_array_equal(known.sum(axis=0), 1)


def test_whole_numbers_are_quantities_where_there_are_many() -> None:
    found = of(
        age=cycle(*range(1, 91)), height=pd.array(cycle(*range(1501, 1540), None), "Int64"), stars=cycle(1, 2, 3)
    )
    assert (found["age"].name, found["age"].positive) == ("Age", "above 40.5")
    np.testing.assert_array_equal(found["age"].answers[38:42], [0, 0, 1, 1])
    assert found["height"].negative == "1520 or below"
    assert np.isnan(found["height"].answers[39])
    assert list(found) == ["age", "height", "stars"], "a few numbers are ranges"


def test_ranges_are_cut_where_the_halves_are_most_equal() -> None:
    ages = ["0-2"] * 40 + ["10-19"] * 100 + ["3-9"] * 50 + ["20-29"] * 110 + ["more than 70"] * 100
    found = of(age=ages)
    assert list(found) == ["age"]
    about = found["age"]
    assert (about.positive, about.negative) == ("20-29 and above", "10-19 and below")
    assert about.counts == (210, 190)
    np.testing.assert_array_equal(about.answers[[0, 60, 150, 200, 399]], [0, 0, 0, 1, 1])


def test_quantities_are_cut_at_their_median() -> None:
    light = numpy_generator(0, "light").random(NUM)
    light[:10] = np.nan
    about = of(light=light)["light"]
    assert np.isnan(about.answers[:10]).all()
    np.testing.assert_array_equal(about.answers[10:], light[10:] > np.nanmedian(light))


def test_what_cannot_be_asked_is_left_out() -> None:
    rare = ["yes"] * (MIN_FACES - 1) + ["no"] * (NUM - MIN_FACES + 1)
    found = of(
        dataset="fairface", is_face=True, name=[f"n{n}" for n in range(NUM)], same=cycle("a"), rare=rare,
        object_class=cycle("cat", "dog"), empty=cycle(None),
    )  # fmt: skip
    assert found == {}
    enough = ["yes"] * MIN_FACES + ["no"] * (NUM - MIN_FACES)
    assert list(of(rare=enough)) == ["rare"]


def test_every_key_is_safe_in_a_link() -> None:
    found = of(**{"Größe / cm": cycle("yes", "no"), "race": cycle("Latino_Hispanic", "Middle Eastern", "x")})
    for key in found:
        assert SLIDER_KEY.fullmatch(f"a.{key}"), key


def test_keys_are_unique_and_short_whatever_the_labels_are_called() -> None:
    long = "a very long question about a face that nobody would ever think of asking"
    table = pd.DataFrame(
        {
            "blood": cycle("A+", "A-", "0+"),
            "race": cycle("Black", "White", "Asian"),
            "race_black": cycle("yes", "no"),
            "blood a": cycle("2", "yes", "no"),
            "性别": cycle("男", "女"),
            "笑容": cycle("yes", "no"),
            long: cycle("yes", "no"),
            f"{long} again": cycle("yes", "no"),
        }
    )
    keys = [attribute.key for attribute in attributes_of(table)]
    assert len(keys) == 14
    assert len(set(keys)) == len(keys)
    assert all(SLIDER_KEY.fullmatch(f"a.{key}") for key in keys), keys
    assert {"blood-a", "blood-a-2", "race-black", "race-black-2"} <= set(keys)
    assert keys == [attribute.key for attribute in attributes_of(table.iloc[::-1])]


def test_whatever_is_not_learned_has_its_reason() -> None:
    table = pd.DataFrame(
        {
            "image_id": [f"i{n}" for n in range(NUM)],
            "smile": cycle("yes", "no"),
            "name": [f"n{n}" for n in range(NUM)],
            "same": cycle("a"),
            "empty": cycle(None),
            "hat": ["top hat"] * 5 + ["cap"] * 195 + ["none"] * 200,
        }
    )
    learned = [attribute.key for attribute in attributes_of(table)]
    assert not_learned(table, learned) == [
        "name: 400 different words, and more than 12 do not sort faces",
        "same: all faces whose value is known have the same",
        "Hat: top hat: 5 faces against 395 are too few",
    ]


def test_held_out_faces_are_the_same_in_every_table() -> None:
    ids = pd.Series([f"val/{n}.jpg" for n in range(5000)])
    held = held_out_by_id(ids, 0.3)
    assert abs(held.mean() - 0.3) < 0.02
    order = numpy_generator(1, "order").permutation(5000)
    np.testing.assert_array_equal(held_out_by_id(ids.iloc[order], 0.3), held[order])
    assert (held_out_by_id(ids, 0.5) >= held).all(), "a larger share holds the same faces out, and more"
