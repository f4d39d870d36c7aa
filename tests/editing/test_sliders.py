"""Sliders: every family adds its steps to the starting latent, and held attributes stay where they are."""

import dataclasses

import numpy as np
import pytest

from tests.editing.conftest import LEARNED
from vaelab.editing.recipe import FaceRecipe, pack_latent
from vaelab.editing.sliders import (
    REACH,
    STEP,
    edited_latent,
    find_slider,
    reach,
    sliders,
    start_latent,
    step_vector,
    step_vectors,
)
from vaelab.errors import DataError
from vaelab.inference import FaceModel

RECIPE = FaceRecipe("tiny", start="prior", seed=3, temperature=1.0)


def test_families_come_in_order_and_dead_latents_last(taught: FaceModel) -> None:
    found = sliders(taught, "logistic")
    assert [slider.family for slider in found] == ["attribute"] * len(LEARNED) + ["principal"] * 8 + ["raw"] * 8
    assert {slider.key for slider in found[: len(LEARNED)]} == {f"a.{key}" for key in LEARNED}
    assert found[len(LEARNED) - 1].key == "a.gender-male", "questions of yes or no come first"
    assert taught.latents is not None
    raw = [slider for slider in found if slider.family == "raw"]
    assert raw[0].key == "d5"
    assert [slider.key for slider in raw if slider.is_dead] == ["d2"]
    carried = [taught.latents.kl_per_dim[int(slider.key[1:])] for slider in raw]
    assert carried == sorted(carried, reverse=True)


def test_latents_without_posteriors_go_by_their_variance(certain: FaceModel) -> None:
    raw = [slider for slider in sliders(certain, "logistic") if slider.family == "raw"]
    assert raw[0].key == "d5"
    assert [slider.key for slider in raw if slider.is_dead] == ["d2"]
    shares = [float(slider.detail.removesuffix("% of the variance")) for slider in raw]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_an_attribute_tells_its_area_and_a_name_that_was_given_wins(taught: FaceModel) -> None:
    about = taught.directions.learned[0]  # type: ignore[union-attr]
    first = sliders(taught, "mean", {f"a.{about.key}": "Grin"})[0]
    assert first.name == "Grin"
    assert f"AUC {about.auc['mean'].value:.2f}" in first.detail
    assert sliders(taught, "mean")[0].name == about.name


def test_a_model_without_stored_faces_has_its_raw_latents(taught: FaceModel) -> None:
    bare = dataclasses.replace(taught, latents=None, directions=None)
    assert [slider.key for slider in sliders(bare, "logistic")] == [f"d{dim}" for dim in range(8)]
    assert not any(slider.is_dead for slider in sliders(bare, "logistic"))


@pytest.mark.parametrize("key", ["d3", "p1", f"a.{LEARNED[0]}"])
def test_a_move_adds_its_steps(taught: FaceModel, key: str) -> None:
    slider = find_slider(taught, "logistic", key)
    moved = edited_latent(taught, RECIPE.edited(key, 1.5))
    expected = start_latent(taught, RECIPE) + 1.5 * slider.vector
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    assert moved.dtype == np.float32


def test_moves_add_up_in_any_order(taught: FaceModel) -> None:
    forth = RECIPE.edited("d3", 1.0).edited("p0", -2.0).edited("a.smile", 0.5)
    back = RECIPE.edited("a.smile", 0.5).edited("p0", -2.0).edited("d3", 1.0)
    np.testing.assert_array_equal(edited_latent(taught, forth), edited_latent(taught, back))


def test_a_recipe_without_edits_is_its_start(taught: FaceModel) -> None:
    assert taught.latents is not None
    z = np.linspace(-1, 1, 8, dtype=np.float16).astype(np.float32)
    for recipe, expected in [
        (FaceRecipe("tiny", start="latent", z=pack_latent(z)), z),
        (FaceRecipe("tiny", start="stored", face="train/9"), taught.latents.mu[9]),
        (FaceRecipe("tiny", start="fitted", seed=4), taught.sample_latents(1, 4, "fitted", 0.8)[0]),
    ]:
        np.testing.assert_array_equal(edited_latent(taught, recipe), expected)


@pytest.mark.parametrize("key", ["p0", "d5", "a.smile"])
def test_what_is_held_keeps_its_log_odds(taught: FaceModel, key: str) -> None:
    assert taught.directions is not None
    held = [name for name in LEARNED if f"a.{name}" != key]
    recipe = RECIPE.held(held)
    before, after = (edited_latent(taught, recipe.edited(key, steps)) for steps in (0.0, 3.0))
    odds = taught.directions.log_odds(np.stack([before, after]))
    rows = [taught.directions.keys.index(name) for name in held]
    np.testing.assert_allclose(odds[0, rows], odds[1, rows], atol=1e-4)
    assert np.linalg.norm(after - before) > 0.1


def test_the_slider_of_what_is_held_still_moves_it(taught: FaceModel) -> None:
    slider = find_slider(taught, "logistic", "a.smile")
    np.testing.assert_array_equal(step_vector(taught, RECIPE.held(["smile"]), slider), slider.vector)


def test_steps_of_many_sliders_are_bit_for_bit_those_of_each(taught: FaceModel) -> None:
    recipe, known = RECIPE.held(["smile", "beard"]), sliders(taught, "logistic")
    for slider, vector in zip(known, step_vectors(taught, recipe, known), strict=True):
        np.testing.assert_array_equal(vector, step_vector(taught, recipe, slider))


def test_a_slider_that_is_not_there_is_named(taught: FaceModel) -> None:
    for key in ("a.nothing", "p99", "d8"):
        with pytest.raises(DataError, match=key):
            edited_latent(taught, RECIPE.edited(key, 1.0))
        with pytest.raises(DataError, match=key):
            find_slider(taught, "logistic", key)


def test_a_raw_slider_reaches_over_the_prior_wherever_it_starts(taught: FaceModel) -> None:
    raw, attribute = find_slider(taught, "logistic", "d3"), find_slider(taught, "logistic", "a.smile")
    for begin in (-4.0, -1.0, 0.0, 0.37, 5.0):
        start = np.full(8, begin, np.float32)
        low, high = reach(raw, start)
        assert low <= 0 <= high
        assert begin + low == pytest.approx(min(raw.low, begin), abs=STEP)
        assert begin + high == pytest.approx(max(raw.high, begin), abs=STEP)
        assert reach(attribute, start) == (-REACH, REACH)
