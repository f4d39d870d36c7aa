"""Recipes: each has its name, says its weight of the KL, and builds a network that fits its losses."""

import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.losses import LIKELIHOODS
from vaelab.models import build_model
from vaelab.recipes import LAB_BETA, LAB_CLASSIFIER_WEIGHT, RECIPES, SQUARED_ERROR_BETA

EACH = pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
LAB_VALUES = 3 * 64 * 64


def test_recipes_stand_under_their_own_names() -> None:
    assert all(recipe.recipe == name for name, recipe in RECIPES.items())


@EACH
def test_every_recipe_states_its_effective_beta(recipe: TrainConfig) -> None:
    assert f"{recipe.loss.beta:g}" in recipe.loss.effective_beta


@EACH
def test_every_recipe_builds_a_network_for_its_data(recipe: TrainConfig) -> None:
    with torch.device("meta"):
        network = build_model(recipe)
        images = torch.empty(2, 3, recipe.data.size, recipe.data.size)
        encoding = network.encode(images)
    assert network.has_decoder == recipe.has_decoder
    assert network.has_detector == recipe.needs_nonfaces
    assert (encoding.face_logit is not None) == recipe.needs_nonfaces
    if encoding.posterior is not None:
        assert network.decode(encoding.posterior.mu).shape == images.shape


@EACH
def test_every_recipe_reports_validates_and_saves_before_its_end(recipe: TrainConfig) -> None:
    for every in (recipe.run.report_every, recipe.run.validate_every, recipe.run.checkpoint_every):
        assert every <= recipe.optim.num_images


def test_the_lab_in_nats_per_image_follows_from_the_likelihoods_scale() -> None:
    scale = LIKELIHOODS["laplace"].pixel_mean_scale(LAB_VALUES)
    assert pytest.approx(scale) == LAB_CLASSIFIER_WEIGHT
    assert pytest.approx(0.0005 * scale) == LAB_BETA
    for name in ("dbvae", "mit-dbvae"):
        assert RECIPES[name].loss.beta == LAB_BETA
        assert RECIPES[name].loss.classifier_weight == LAB_CLASSIFIER_WEIGHT


def test_squared_error_and_kl_in_nats_per_image_follow_from_the_likelihoods_scale() -> None:
    """Their sum is the mean over values times their number."""
    assert pytest.approx(LIKELIHOODS["gaussian"].pixel_mean_scale(LAB_VALUES) / LAB_VALUES) == SQUARED_ERROR_BETA
    assert RECIPES["anime"].loss.beta == SQUARED_ERROR_BETA
