"""Resampling by latents: uniform where nothing is rare, rarer is never drawn less, and the lab's loop is matched."""

from dataclasses import replace
from typing import get_type_hints

import numpy as np
import pytest

from vaelab.debiasing import FEW_EDGES, Histogram, Resampling, resampling
from vaelab.errors import TrainingDiverged
from vaelab.rng import numpy_generator
from vaelab.settings import DebiasConfig

AGGREGATIONS = ("max", "max5", "product", "gaussian", "tempered")
NO_FLOOR = DebiasConfig(min_effective_share=0.0, inactive_variance=0.0)


def latents(num_faces: int = 400, num_latents: int = 8) -> np.ndarray:
    return numpy_generator(0, "latents").standard_normal((num_faces, num_latents)).astype(np.float32)


def small_deviations(mu: np.ndarray) -> np.ndarray:
    return np.full_like(mu, 1e-4)


def lab_loop(mu: np.ndarray, bins: int, alpha: float) -> np.ndarray:
    """MIT 6.S191 lab 2, `get_training_sample_probabilities`, line by line."""
    probs = np.zeros(mu.shape[0])
    for latent in range(mu.shape[1]):
        values = mu[:, latent]
        density, edges = np.histogram(values, density=True, bins=bins)
        edges[0], edges[-1] = -np.inf, np.inf
        place = np.digitize(values, edges)
        smoothed = density + alpha
        smoothed = smoothed / np.sum(smoothed)
        weight = 1.0 / smoothed[place - 1]
        weight = weight / np.sum(weight)
        probs = np.maximum(probs, weight)
    return probs / np.sum(probs)


@pytest.mark.parametrize("alpha", [0.1, 0.001])
@pytest.mark.parametrize("bins", [10, 25, FEW_EDGES + 30])
def test_max_without_standardising_is_the_labs_loop(alpha: float, bins: int) -> None:
    mu = latents() * np.linspace(0.2, 3.0, 8, dtype=np.float32)
    config = replace(NO_FLOOR, aggregation="max", standardise=False, alpha=alpha, bins=bins)
    np.testing.assert_allclose(resampling(mu, config).sample_probs, lab_loop(mu, bins, alpha), rtol=1e-5)


@pytest.mark.parametrize("bins", [4, FEW_EDGES + 2])
def test_a_value_on_an_edge_is_in_the_bin_above_it_and_the_largest_in_the_last(bins: int) -> None:
    column = np.arange(bins + 1, dtype=np.float32)  # each value is an edge
    histogram = Histogram.of(column, replace(NO_FLOOR, bins=bins))
    np.testing.assert_array_equal(histogram.places, [*range(bins), bins - 1])


def test_empty_bins_add_nothing_to_the_sum_of_rarities() -> None:
    column = np.repeat(np.float32([0, 10]), [30, 10])
    histogram = Histogram.of(column, replace(NO_FLOOR, bins=10, alpha=1e-9, standardise=False))
    assert (histogram.counts == 0).sum() == 8
    np.testing.assert_allclose(np.exp(histogram.log_rarity_of_all), 30 / 0.75 + 10 / 0.25, rtol=1e-6)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("inactive_variance", [0.0, 0.01])
def test_equal_latents_are_drawn_uniformly(aggregation: str, inactive_variance: float) -> None:
    mu = np.full((50, 3), 0.7, np.float32)
    config = replace(NO_FLOOR, aggregation=aggregation, inactive_variance=inactive_variance)
    probs = resampling(mu, config, np.ones_like(mu)).sample_probs
    np.testing.assert_allclose(probs, 1 / 50, rtol=1e-9)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("standardise", [True, False])
def test_a_rarer_bin_is_never_drawn_less(aggregation: str, standardise: bool) -> None:
    mu = latents(1000, 1)
    config = replace(NO_FLOOR, aggregation=aggregation, standardise=standardise)
    probs = resampling(mu, config, small_deviations(mu)).sample_probs
    counts, edges = np.histogram(mu[:, 0], bins=config.bins)
    filled = counts[np.clip(np.digitize(mu[:, 0], edges) - 1, 0, config.bins - 1)]
    common_first = np.argsort(-filled, kind="stable")
    assert (np.diff(probs[common_first]) >= -1e-12).all()
    assert probs[common_first[-1]] > probs[common_first[0]]


@pytest.mark.parametrize("aggregation", ["none", *AGGREGATIONS])
def test_probabilities_sum_to_one_and_stay_finite_with_many_latents(aggregation: str) -> None:
    mu = latents(300, 200)
    result = resampling(mu, replace(NO_FLOOR, aggregation=aggregation, alpha=1e-6), np.ones_like(mu))
    assert result.sample_probs.shape == (300,)
    assert np.isfinite(result.sample_probs).all()
    assert (result.sample_probs >= 0).all()
    assert result.sample_probs.sum() == pytest.approx(1.0)
    assert 1.0 <= result.effective_sample_size <= 300 * (1 + 1e-9)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("num_latents", [2, 60])
def test_tempered_reaches_the_wanted_share_at_any_latent_size(share: float, num_latents: int) -> None:
    config = replace(NO_FLOOR, aggregation="tempered", effective_share=share)
    result = resampling(latents(2000, num_latents), config)
    assert result.effective_share == pytest.approx(share, rel=1e-3)


def test_tempered_with_a_share_of_one_is_uniform() -> None:
    result = resampling(latents(), replace(NO_FLOOR, aggregation="tempered", effective_share=1.0))
    assert result.effective_share == pytest.approx(1.0)


def test_ties_at_the_top_bound_what_tempering_can_reach() -> None:
    mu = np.repeat(np.array([[0.0], [10.0]], np.float32), [60, 40], axis=0)  # two bins, the rarer of 40 faces
    result = resampling(mu, replace(NO_FLOOR, aggregation="tempered", effective_share=0.05))
    assert result.effective_share == pytest.approx(0.4)


@pytest.mark.parametrize("aggregation", ["max", "max5", "product"])
def test_more_smoothing_debiases_less(aggregation: str) -> None:
    shares = [
        resampling(latents(), replace(NO_FLOOR, aggregation=aggregation, alpha=alpha)).effective_share
        for alpha in (1e-4, 1e-2, 1.0, 100.0)
    ]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_posteriors_without_width_make_gaussian_the_product() -> None:
    mu = latents()
    product = resampling(mu, replace(NO_FLOOR, aggregation="product")).sample_probs
    gaussian = resampling(mu, replace(NO_FLOOR, aggregation="gaussian"), np.full_like(mu, 1e-7)).sample_probs
    np.testing.assert_allclose(gaussian, product, rtol=1e-3)


def test_wide_posteriors_smooth_the_histogram() -> None:
    mu = latents()
    narrow, wide = (
        resampling(mu, replace(NO_FLOOR, aggregation="gaussian"), np.full_like(mu, std)) for std in (0.01, 0.5)
    )
    assert wide.effective_share > narrow.effective_share


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_standardised_latents_have_no_scale(aggregation: str) -> None:
    mu = latents()
    std = np.full_like(mu, 0.3)
    config = replace(NO_FLOOR, aggregation=aggregation)
    stretched = resampling(7.0 * mu + 3.0, config, 7.0 * std).sample_probs
    np.testing.assert_allclose(stretched, resampling(mu, config, std).sample_probs, rtol=1e-3)


def test_inactive_latents_take_no_part() -> None:
    mu = latents()
    config = replace(NO_FLOOR, aggregation="product", inactive_variance=0.01)
    idle = numpy_generator(0, "idle").normal(0.0, 0.05, (len(mu), 3)).astype(np.float32)
    with_idle = resampling(np.concatenate([idle, mu], axis=1), config)
    assert with_idle.num_active == mu.shape[1]
    np.testing.assert_allclose(with_idle.sample_probs, resampling(mu, config).sample_probs)


def test_the_floor_refuses_and_says_what_to_do() -> None:
    config = replace(NO_FLOOR, aggregation="product", min_effective_share=0.5)
    with pytest.raises(TrainingDiverged, match=r"min_effective_share 50.*raise alpha, or use aggregation tempered"):
        resampling(latents(), config)


def test_latents_that_are_not_finite_are_refused() -> None:
    mu = latents()
    mu[3, 2] = np.nan
    with pytest.raises(TrainingDiverged, match="finite"):
        resampling(mu, replace(NO_FLOOR, aggregation="max"))


def test_effective_sample_size_counts_equally_likely_faces() -> None:
    probs = np.array([0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0])
    assert Resampling(probs, 1).effective_sample_size == pytest.approx(4.0)
    assert Resampling(probs, 1).effective_share == pytest.approx(0.5)


def test_every_aggregation_of_the_config_is_tested_here() -> None:
    assert "aggregation" in get_type_hints(DebiasConfig)
    about = DebiasConfig.__dataclass_fields__["aggregation"].metadata["option"]
    assert set(about.choices) == {"none", *AGGREGATIONS}
