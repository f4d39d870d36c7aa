"""What is learned of a model whose decoder ignores half of the latents: sliders and holds count what is drawn."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from vaelab.editing.effects import side_effects
from vaelab.editing.learning import SELECTED, learn_from_stored, learn_selection
from vaelab.editing.recipe import FaceRecipe
from vaelab.editing.sliders import find_slider, step_vector
from vaelab.errors import DataError
from vaelab.evaluation.attributes import METHODS
from vaelab.evaluation.directions import Directions
from vaelab.evaluation.latents import StoredLatents
from vaelab.inference import FaceModel
from vaelab.rng import numpy_generator

NUM, LATENT, DRAWN = 3000, 8, 4
SMILE = np.array([1, 1, 0, 0, 6, 0, 3, 0], np.float32)
BEARD = np.array([0, 1, 1, 0, 6, 3, 0, 0], np.float32)
RECIPE = FaceRecipe("tiny", start="stored", face="i0")


def _decode(self: FaceModel, z: np.ndarray) -> np.ndarray:
    """Pictures that hold the first latents alone, to 1/2000."""
    codes = np.round((np.asarray(z, np.float64)[:, :DRAWN] + 16) * 2000).astype(int)
    pixels = np.zeros((len(z), self.size, self.size, 3), np.uint8)
    pixels[:, 0, :DRAWN, 0], pixels[:, 0, :DRAWN, 1] = codes // 256, codes % 256
    return pixels


def _encode(self: FaceModel, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mu = np.zeros((len(pixels), LATENT), np.float32)
    mu[:, :DRAWN] = (pixels[:, 0, :DRAWN, 0].astype(int) * 256 + pixels[:, 0, :DRAWN, 1]) / 2000 - 16
    return mu, np.ones_like(mu)


@pytest.fixture
def half(model: FaceModel, monkeypatch: pytest.MonkeyPatch) -> FaceModel:
    """Photographs' posterior means tell attributes by latents that no picture shows, a little each."""
    monkeypatch.setattr(FaceModel, "decode", _decode)
    monkeypatch.setattr(FaceModel, "encode", _encode)
    random = numpy_generator(0, "half")
    mu = random.standard_normal((NUM, LATENT)).astype(np.float32)
    mu[:, DRAWN:] *= 0.2
    std = np.where(np.arange(LATENT) < DRAWN, 0.1, 0.98) * np.ones((NUM, 1))
    answers = mu @ np.stack([SMILE, BEARD], axis=1) + random.logistic(size=(NUM, 2)) > 0
    labels = pd.DataFrame({"image_id": [f"i{n}" for n in range(NUM)], "split": "test"})
    labels["smile"], labels["beard"] = np.where(answers, "yes", "no").T
    stored = StoredLatents.fit(mu, std.astype(np.float32), labels, np.arange(NUM), model.weights_fingerprint)
    model = dataclasses.replace(model, latents=stored, directions=None)
    return dataclasses.replace(model, directions=learn_from_stored(model))


def moved(model: FaceModel, recipe: FaceRecipe, method: str) -> dict[str, float]:
    """What one step of the smile does to the drawn face, by attribute."""
    assert model.latents is not None
    start = model.latents.mu[0]
    step = step_vector(model, dataclasses.replace(recipe, method=method), find_slider(model, method, "a.smile"))
    return {effect.key: effect.moved for effect in side_effects(model, start, start + step)}


@pytest.mark.parametrize("method", METHODS)
def test_a_step_moves_the_drawn_face_as_far_as_it_says(half: FaceModel, method: str) -> None:
    assert moved(half, RECIPE, method)["smile"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_held_stays_in_the_drawn_face(half: FaceModel, method: str) -> None:
    assert abs(moved(half, RECIPE, method)["beard"]) > 0.2
    kept = moved(half, RECIPE.held(["beard"]), method)
    assert abs(kept["beard"]) < 0.02
    assert kept["smile"] > 0.5


def test_a_step_along_the_regression_moves_nothing_that_is_not_drawn(half: FaceModel) -> None:
    vector = find_slider(half, "logistic", "a.smile").vector
    assert np.abs(vector[DRAWN:]).max() < 0.05 * np.abs(vector).max()


def test_the_probe_reads_photographs_by_all_latents(half: FaceModel) -> None:
    """What was learned without a response: probes and areas are its own, steps count what no picture shows."""
    assert half.latents is not None
    assert half.directions is not None
    blind = Directions.fit(half.latents.mu, half.latents.labels, half.weights_fingerprint)
    assert blind.learned == half.directions.learned
    np.testing.assert_array_equal(blind.probe_weight, half.directions.probe_weight)
    np.testing.assert_array_equal(blind.drawn_weight, blind.probe_weight)
    assert moved(dataclasses.replace(half, directions=blind), RECIPE, "logistic")["smile"] < 0.3


def test_a_selection_becomes_a_slider_of_what_is_drawn(half: FaceModel) -> None:
    assert half.latents is not None
    rows = np.flatnonzero(half.latents.mu[:, 0] + 5 * half.latents.mu[:, 7] > 0.5)
    learned = learn_selection(half, "few", rows)
    vector = learned.attributes["logistic"][learned.keys.index(f"{SELECTED}few")]
    assert np.argmax(np.abs(vector)) == 0
    assert np.abs(vector[DRAWN:]).max() < 0.05 * vector[0]


def test_nothing_is_drawn_for_a_selection_that_is_refused(half: FaceModel) -> None:
    def drawn(_: FaceModel) -> np.ndarray:
        pytest.fail("pictures were drawn")

    with pytest.raises(DataError, match="too few"):
        learn_selection(half, "few", np.arange(3), drawn)
