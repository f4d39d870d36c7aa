"""Fitting priors to a trained model, and drawing from them everywhere a prior can be named."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import vaelab
from vaelab import config as settings
from vaelab.data.collection import Collection
from vaelab.editing.recipe import FaceRecipe, fit_to_model, prior_starts
from vaelab.editing.sliders import start_latent
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.fitted_priors import FittedPriors
from vaelab.inference import FaceModel
from vaelab.priors import fit_mixture, fit_priors
from vaelab.rng import numpy_generator
from vaelab.runs.store import Run
from vaelab.scorecard.encoding import encode_faces

__all__ = ["vaelab"]
Trained = Callable[[str], Run]


@pytest.fixture
def fitted(trained: Trained, tiny_data: Collection) -> Run:
    """A run with stored latents of the test faces and priors fitted to its training faces."""
    run = trained("residual")
    encode_faces(FaceModel.load(run), run, tiny_data, "test", 100)
    fit_priors(FaceModel.load(run), tiny_data).write(run)
    return run


def test_every_prior_is_measured_on_faces_that_nothing_was_fitted_to(fitted: Run, tiny_data: Collection) -> None:
    found = FittedPriors.read(fitted)
    model = FaceModel.load(fitted)
    assert list(found.likelihoods) == model.priors == ["standard", "fitted", "mixture", "second-stage"]
    assert (found.split, found.held_out) == ("train", "val")
    num_train, num_val, num_test = (len(tiny_data.rows(split, is_face=True)) for split in ("train", "val", "test"))
    assert [one.num_fitted for one in found.likelihoods.values()] == [0, num_test, num_train, num_train]
    for one in found.likelihoods.values():
        assert one.log_density.n == num_val
        assert one.log_density.low <= one.log_density.mean <= one.log_density.high
    standard = found.likelihoods["standard"]
    assert standard.over_standard.mean == 0
    gain = found.likelihoods["mixture"].log_density.mean - standard.log_density.mean
    assert found.likelihoods["mixture"].over_standard.mean == pytest.approx(gain, abs=1e-4)
    assert model.best_prior == found.best


def test_clusters_of_latents_become_components() -> None:
    random = numpy_generator(0, "clusters")
    middles = np.array([[-4, 0], [4, 0], [0, 5]])
    which = random.integers(0, 3, 3000)
    z = (middles[which] + 0.5 * random.standard_normal((3000, 2))).astype(np.float32)
    mixture = fit_mixture(z)
    drawn = mixture.draw(random.standard_normal((3000, 2)), 0, 1.0)
    nearest = np.linalg.norm(drawn[:, None] - middles, axis=2)
    assert nearest.min(axis=1).max() < 2.5
    shares = np.bincount(nearest.argmin(axis=1), minlength=3) / 3000
    np.testing.assert_allclose(shares, np.bincount(which) / 3000, atol=0.04)


def test_few_faces_get_few_components() -> None:
    z = numpy_generator(0, "few").standard_normal((60, 4)).astype(np.float32)
    assert len(fit_mixture(z).weights) == 3
    assert len(fit_mixture(z[:10]).weights) == 1


def test_held_out_faces_are_not_those_of_the_stored_latents(trained: Trained, tiny_data: Collection) -> None:
    run = trained("vae")
    encode_faces(FaceModel.load(run), run, tiny_data, "val", 100)
    model = FaceModel.load(run)
    assert fit_priors(model, tiny_data).held_out == "test"
    with pytest.raises(DataError, match="no split is left to measure on"):
        fit_priors(model, tiny_data, "test")


def test_a_training_on_some_faces_has_the_priors_of_those(trained: Trained, tiny_data: Collection) -> None:
    model = FaceModel.load(trained("vae"))
    some = replace(model, config=settings.replace(model.config, max_faces=30))
    told: list[str] = []
    fit_priors(some, tiny_data, tell=told.append)
    assert "a mixture for 30 faces" in told


def test_what_cannot_be_fitted_is_said(trained: Trained, tiny_data: Collection) -> None:
    with pytest.raises(ConfigError, match="no decoder"):
        fit_priors(FaceModel.load(trained("cnn")), tiny_data)
    with pytest.raises(DataError, match="split calibration has 0 faces"):
        fit_priors(FaceModel.load(trained("vae")), tiny_data, "calibration")


# --- drawing


def test_a_seed_draws_the_same_face_from_a_prior_wherever_it_is_asked(fitted: Run) -> None:
    model = FaceModel.load(fitted)
    assert prior_starts(model) == ["fitted", "mixture", "second-stage", "prior"]
    for start in ("mixture", "second-stage"):
        recipe, notes = fit_to_model(FaceRecipe(model.run_id, start=start, seed=11, temperature=0.8), model)
        assert (recipe.start, notes) == (start, [])
        assert np.array_equal(start_latent(model, recipe), model.sample_latents(1, 11, start, 0.8)[0])


def test_priors_of_other_weights_are_refused_in_words(fitted: Run) -> None:
    replace(FittedPriors.read(fitted), weights_fingerprint="0" * 16).write(fitted)
    model = FaceModel.load(fitted)
    assert model.priors == ["standard", "fitted"]
    assert model.best_prior == "fitted"
    with pytest.raises(ConfigError, match="fitted to other weights; `python -m vaelab priors residual`"):
        model.sample_latents(1, 0, "mixture")
    recipe, notes = fit_to_model(FaceRecipe(model.run_id, start="mixture"), model)
    assert recipe.start == "fitted"
    assert "has no mixture prior for its weights" in notes[0]


def test_a_model_without_any_falls_back_to_the_standard_prior(trained: Trained) -> None:
    model = FaceModel.load(trained("residual"))
    assert model.priors == ["standard"]
    recipe, notes = fit_to_model(FaceRecipe(model.run_id, start="second-stage"), model)
    assert recipe.start == "prior"
    assert len(notes) == 2
    with pytest.raises(ConfigError, match="has no second-stage prior"):
        model.sample_latents(1, 0, "second-stage")


def test_the_command_fits_shows_and_samples(vaelab: Callable[..., Any], trained: Trained, tmp_path: Any) -> None:
    run, out = trained("residual"), tmp_path / "out.png"
    assert "has no fitted priors yet" in vaelab("priors", run.dir, "--show").err
    assert "has no mixture prior" in vaelab("sample", run.dir, "--prior", "mixture", "--out", out).err
    answer = vaelab("priors", run.dir, "--json")
    assert answer.code == 0, answer.err
    record = json.loads(answer.out)
    assert set(record["likelihoods"]) == {"standard", "mixture", "second-stage"}, "it has no stored latents"
    assert record == json.loads(vaelab("priors", run.dir, "--show", "--json").out)
    lines = vaelab("priors", run.dir, "--show").out
    assert f"* {record['best']}" in lines
    assert vaelab("sample", run.dir, "--prior", "mixture", "--count", 4, "--out", out).code == 0
    assert out.is_file()
    answer = vaelab("edit", run.dir, "--prior", "second-stage", "--seed", 3, "--out", tmp_path / "face.png")
    assert answer.code == 0, answer.err
    assert json.loads((tmp_path / "face.json").read_text())["link"]["from"] == "second-stage"
