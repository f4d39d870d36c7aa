"""A face's recipe survives its link and its file, and garbage in a link costs a sentence, not a page."""

import dataclasses
import json

import numpy as np
import pytest

from vaelab.editing.recipe import (
    MAX_SEED,
    FaceRecipe,
    fit_to_model,
    kept_latent,
    other_weights,
    pack_latent,
    read_query,
    read_record,
    to_record,
    unpack_latent,
)
from vaelab.editing.sliders import edited_latent
from vaelab.errors import DataError
from vaelab.inference import FaceModel
from vaelab.rng import numpy_generator

DEFAULT = FaceRecipe(model="face-vae")
ODD_KEYS = ("a.smile", "a.race-black", "p0", "p23", "d0", "d127", "d9999")


def random_recipe(seed: int) -> FaceRecipe:
    """Any recipe that the pages or the command line can make."""
    random = numpy_generator(seed, "recipe")
    recipe = FaceRecipe(
        model=str(random.choice(["face-vae", "20260101-120000-tiny-ab12", "a run"])),
        start=str(random.choice(["fitted", "prior", "stored", "latent"])),
        seed=int(random.integers(0, MAX_SEED, endpoint=True)),
        temperature=round(float(random.uniform(0.1, 1.5)), 2),
        face="val/ä 1&=~_%.jpg",
        z=pack_latent(random.standard_normal(8)),
        method=str(random.choice(["logistic", "mean"])),
    )
    for key in random.choice(ODD_KEYS, size=random.integers(0, len(ODD_KEYS)), replace=False):
        recipe = recipe.edited(str(key), float(random.uniform(-19, 19)))
    return recipe.held([str(key) for key in random.choice(["age", "smile", "race-black"], size=2)])


@pytest.mark.parametrize("seed", range(30))
def test_a_link_reopens_the_same_face(seed: int) -> None:
    recipe = random_recipe(seed)
    opened, notes = read_query(recipe.to_query(), FaceRecipe(model="another"))
    assert notes == []
    assert opened.to_query() == recipe.to_query()
    unused = {"seed", "temperature", "face", "z"} - {
        "stored": {"face"}, "latent": {"z"}, "fitted": {"seed", "temperature"}, "prior": {"seed", "temperature"},
    }[recipe.start]  # fmt: skip
    for field in dataclasses.fields(FaceRecipe):
        if field.name not in unused:
            assert getattr(opened, field.name) == getattr(recipe, field.name), field.name


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
        ({"e": "x_1"}, "x_1"),
        ({"e": "d3_inf"}, "d3_inf"),
        ({"e": "d3_1e9"}, "d3_1e9"),
        ({"e": "d-1_1"}, "d-1_1"),
        ({"e": "a._1"}, "a._1"),
        ({"e": "d03_1"}, "d03_1"),
        ({"e": "a.Smile_1"}, "a.Smile_1"),
    ],
)
def test_garbage_is_named_and_the_default_kept(query: dict[str, str], word: str) -> None:
    opened, notes = read_query(query, DEFAULT)
    assert opened == DEFAULT
    assert len(notes) == 1
    assert word in notes[0]


def test_the_usable_part_of_a_link_is_used() -> None:
    opened, notes = read_query({"e": "p4_1.25~oops~a.smile_-0.5", "seed": "12"}, DEFAULT)
    assert opened.edits == (("a.smile", -0.5), ("p4", 1.25))
    assert opened.seed == 12
    assert len(notes) == 1


def test_a_seed_one_digit_too_long_is_refused_not_cut() -> None:
    opened, notes = read_query({"seed": "1234567890129"}, DEFAULT)
    assert opened.seed == DEFAULT.seed
    assert notes


def test_markup_in_a_link_is_not_shown_as_markup() -> None:
    _, notes = read_query({"seed": "**[x](http://y)**<script>"}, DEFAULT)
    assert not set("[]()<>*") & set(notes[0])


def test_another_start_drops_the_edits_and_keeps_what_is_held() -> None:
    recipe = DEFAULT.edited("d1", 0.5).held(["age"]).started(seed=8)
    assert (recipe.edits, recipe.hold, recipe.seed) == ((), ("age",), 8)


def test_a_slider_at_rest_is_no_edit() -> None:
    moved = DEFAULT.edited("d1", 0.5).edited("p2", 1.0)
    assert moved.edited("d1", 0.004).edits == (("p2", 1.0),)
    assert moved.edited("d1", -0.126).edits == (("d1", -0.13), ("p2", 1.0))


def test_a_latent_travels_as_half_floats() -> None:
    z = numpy_generator(0, "z").standard_normal(128).astype(np.float32)
    packed = pack_latent(z)
    assert set(packed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    np.testing.assert_array_equal(unpack_latent(packed), z.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    "text", ["", "A", "AA", "!!!!", "ä", "AHz-", pack_latent(np.array([np.inf]))]
)  # AHz-: one and a half numbers
def test_what_is_no_packed_latent_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="no packed latent"):
        unpack_latent(text)


def test_what_a_model_lacks_is_dropped_with_a_sentence(model: FaceModel) -> None:
    recipe = FaceRecipe("tiny", edits=(("a.nothing", 1.0), ("d3", 1.0), ("d8", 1.0), ("p99", 1.0)), hold=("nobody",))
    fitted, notes = fit_to_model(recipe, model)
    assert fitted.edits == (("d3", 1.0),)
    assert fitted.hold == ()
    assert len(notes) == 1
    assert "a.nothing" in notes[0]


@pytest.mark.parametrize("z", ["", "garbage!", pack_latent(np.zeros(5))])
def test_a_latent_of_another_length_starts_anew(model: FaceModel, z: str) -> None:
    fitted, notes = fit_to_model(FaceRecipe("tiny", start="latent", z=z), model)
    assert (fitted.start, fitted.z) == ("fitted", "")
    assert "takes 8" in notes[0]


def test_a_start_that_needs_stored_faces_falls_back(model: FaceModel) -> None:
    bare = dataclasses.replace(model, latents=None, directions=None)
    for start in ("fitted", "stored"):
        fitted, notes = fit_to_model(FaceRecipe("tiny", start=start), bare)
        assert fitted.start == "prior"
        assert len(notes) == 1
    fitted, notes = fit_to_model(FaceRecipe("tiny", start="stored", face="nobody"), model)
    assert fitted.face == "train/0"
    assert "nobody" in notes[0]
    assert fit_to_model(FaceRecipe("tiny", start="stored", face="train/7"), model)[1] == []


def test_a_file_gives_back_the_recipe_and_every_bit_of_the_latent(model: FaceModel) -> None:
    recipe = FaceRecipe("tiny", seed=5).edited("d3", 1.37).edited("p0", -0.11)
    z = edited_latent(model, recipe)
    opened, record = read_record(json.dumps(to_record(model, recipe, z)))
    assert opened == recipe
    assert record["weights_fingerprint"] == model.weights_fingerprint
    np.testing.assert_array_equal(kept_latent(record), z)


def test_a_file_of_other_weights_is_told(model: FaceModel) -> None:
    record = to_record(model, FaceRecipe("tiny"), edited_latent(model, FaceRecipe("tiny")))
    assert other_weights(record, model, "a.json") == ""
    told = other_weights({**record, "weights_fingerprint": "00aa"}, model, "a.json")
    assert told.startswith("a.json was kept from tiny with weights 00aa, tiny has ")
    assert "markup<b>" not in other_weights({"model": "markup<b>"}, model, "a.json")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"", "no JSON"),
        (b"%PDF-1.4", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[1, 2]", "list"),
        (b"{}", "None"),
        (b'{"format": "vaelab-face-1", "link": {}}', "vaelab-face-1"),
        (b'{"format": "vaelab-face-2", "link": 3}', "vaelab-face-2"),
        (b'{"format": "vaelab-face-2", "link": {"seed": "x"}}', "recipe's seed"),
    ],
)
def test_what_is_no_recipe_is_refused(text: bytes, word: str) -> None:
    with pytest.raises(DataError, match=word):
        read_record(text)


@pytest.mark.parametrize("z", [None, [], "0.5", [1, "2"], [float("nan")], [1e30], [True], [0.0] * 5000])
def test_a_file_without_a_latent_is_refused(z: object) -> None:
    with pytest.raises(DataError, match="`z`"):
        kept_latent({"z": z})
