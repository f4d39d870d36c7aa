"""Ways between faces: exact at the faces, even in between, defined where geometry is not."""

from dataclasses import replace

import numpy as np
import pytest

from vaelab.editing.paths import (
    LUMINANCE,
    PATHS,
    arithmetic,
    grid_positions,
    linear_path,
    nearest,
    path_through,
    pixel_uncertainty,
    posterior_samples,
    spherical_path,
    traversal_grid,
)
from vaelab.editing.recipe import FaceRecipe, pack_latent
from vaelab.editing.sliders import edited_latent, find_slider, sliders
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.priors import whitened
from vaelab.inference import SLIDER_QUANTILE, FaceModel
from vaelab.rng import numpy_generator


def whitened_by(stored: StoredLatents, z: np.ndarray) -> np.ndarray:
    return whitened(z, stored.prior_mean, stored.prior_factor)


each_kind = pytest.mark.parametrize("kind", PATHS)


@pytest.fixture
def points(model: FaceModel) -> np.ndarray:
    return model.sample_latents(4, seed=1, temperature=2.0)


@each_kind
@pytest.mark.parametrize("loop", [False, True])
def test_a_path_meets_every_face_exactly(model: FaceModel, points: np.ndarray, kind: str, loop: bool) -> None:
    way = path_through(model, points, kind, 7, loop)
    assert way.dtype == np.float32
    assert way.shape == ((28, 8) if loop else (22, 8))
    assert np.array_equal(way[::7], points)


@each_kind
def test_a_loop_goes_on_where_it_began(model: FaceModel, points: np.ndarray, kind: str) -> None:
    """The last row is one step before the first: the film has no jump and no frame twice."""
    way = path_through(model, points, kind, 6, loop=True)
    closed = path_through(model, np.concatenate([points, points[:1]]), kind, 6)
    np.testing.assert_array_equal(way, closed[:-1])


@each_kind
def test_a_way_back_is_the_same_way(model: FaceModel, points: np.ndarray, kind: str) -> None:
    forth = path_through(model, points, kind, 9)
    np.testing.assert_allclose(path_through(model, points[::-1], kind, 9)[::-1], forth, atol=1e-5)


def test_a_straight_line_is_straight(points: np.ndarray) -> None:
    way = linear_path(points[:2], 10)
    np.testing.assert_allclose(np.diff(way, axis=0), np.tile((points[1] - points[0]) / 10, (10, 1)), atol=1e-6)


def test_an_arc_turns_evenly_and_its_length_changes_evenly(points: np.ndarray) -> None:
    way = spherical_path(points[:2], 12).astype(np.float64)
    lengths = np.linalg.norm(way, axis=1)
    np.testing.assert_allclose(np.diff(lengths), (lengths[-1] - lengths[0]) / 12, atol=1e-5)
    directions = way / lengths[:, None]
    turns = np.arccos((directions[1:] * directions[:-1]).sum(axis=1))
    np.testing.assert_allclose(turns, turns.sum() / 12, atol=1e-4)
    whole = np.arccos(directions[0] @ directions[-1])
    assert turns.sum() == pytest.approx(whole, abs=1e-4), "the short way round"


def test_the_way_through_the_prior_is_an_arc_where_the_prior_is_standard(model: FaceModel, points: np.ndarray) -> None:
    assert model.latents is not None
    way = whitened_by(model.latents, path_through(model, points[:2], "prior", 10))
    np.testing.assert_allclose(way, spherical_path(whitened_by(model.latents, points[:2]), 10), atol=1e-4)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([1, 2, 3], [2, 4, 6]),
        ([1, 2, 3], [-1, -2, -3]),
        ([1, 2, 3], [-1, -2, -3.00001]),
        ([1, 2, 3], [1.0000001, 2, 3]),
        ([0, 0, 0], [1, 2, 3]),
        ([1, 2, 3], [0, 0, 0]),
        ([0, 0, 0], [0, 0, 0]),
        ([1e-20, 0, 0], [0, 1e20, 0]),
    ],
)
def test_where_an_arc_is_not_defined_the_path_is(a: list[float], b: list[float]) -> None:
    ends = np.array([a, b], np.float32)
    way = spherical_path(ends, 8)
    assert np.isfinite(way).all()
    np.testing.assert_array_equal(way[[0, -1]], ends)
    lengths = np.linalg.norm(way.astype(np.float64), axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 9), rtol=1e-4, atol=1e-6)


def test_opposite_faces_are_joined_by_half_a_circle() -> None:
    way = spherical_path(np.array([[2, 0, 0], [-2, 0, 0]], np.float32), 2)
    assert way[1] @ way[0] == pytest.approx(0, abs=1e-6)
    assert np.linalg.norm(way[1]) == pytest.approx(2)


def test_a_single_latent_is_walked_straight() -> None:
    way = spherical_path(np.array([[2], [-1]], np.float32), 3)
    assert way.ravel().tolist() == [2, 1, 0, -1]


@pytest.mark.parametrize(("count", "frames", "value"), [(1, 5, 0.0), (2, 0, 0.0), (2, 5, np.nan)])
def test_what_is_no_path_is_refused(model: FaceModel, count: int, frames: int, value: float) -> None:
    for kind in PATHS:
        with pytest.raises(DataError, match="two or more points"):
            path_through(model, np.full((count, 8), value, np.float32), kind, frames)


def test_an_unknown_way_and_a_missing_prior_are_named(model: FaceModel, points: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="linear, spherical, prior"):
        path_through(model, points, "scenic", 5)
    bare = replace(model, latents=None)
    with pytest.raises(ConfigError, match="encode tiny"):
        path_through(bare, points, "prior", 5)
    assert len(path_through(bare, points, "spherical", 5)) == 16


def test_face_arithmetic(points: np.ndarray) -> None:
    a, b, c = points[:3]
    np.testing.assert_allclose(arithmetic(a, b, c), a - b + c, atol=1e-6)
    np.testing.assert_array_equal(arithmetic(a, b, c, 0.0), a)
    np.testing.assert_allclose(arithmetic(a, a, c), c, atol=1e-6)
    np.testing.assert_array_equal(arithmetic(a, b, b), a)


def test_each_cell_of_a_grid_is_the_face_of_its_recipe(model: FaceModel) -> None:
    by_key = {slider.key: slider for slider in sliders(model, "logistic")}
    recipe = FaceRecipe("tiny", edits=(("d0", 0.5), ("p1", 1.0)))
    cells, recipes = traversal_grid(model, recipe, by_key["p1"], by_key["p0"], 5)
    assert cells.shape == (5, 5, 8)
    assert dict(recipes[0][4].edits) == {"d0": 0.5, "p1": 3.0, "p0": -3.0}
    for row, column in [(0, 0), (1, 3), (4, 2)]:
        np.testing.assert_array_equal(cells[row, column], edited_latent(model, recipes[row][column]))
    assert dict(recipes[2][2].edits) == {"d0": 0.5}, "the middle of a grid is the face with both sliders at rest"


def test_positions_of_a_grid_fit_a_slider(model: FaceModel) -> None:
    for slider in sliders(model, "logistic"):
        positions = grid_positions(slider, np.zeros(8, np.float32), 7)
        assert positions == [-position + 0.0 for position in reversed(positions)]
        assert slider.low <= positions[0] < positions[-1] <= slider.high


@pytest.mark.parametrize("count", [2, 3, 6, 7, 9])
@pytest.mark.parametrize("begin", [-2.5, 0.0, 0.4, 2.3, 4.0])
def test_a_grid_stays_where_the_prior_goes_and_holds_the_start(model: FaceModel, begin: float, count: int) -> None:
    start = np.full(8, begin, np.float32)
    recipe = FaceRecipe("tiny", start="latent", z=pack_latent(start))
    across, down = (find_slider(model, "logistic", key) for key in ("d1", "d3"))
    cells, _ = traversal_grid(model, recipe, across, down, count)
    assert np.abs(cells).max() <= max(SLIDER_QUANTILE, begin) + 1e-6
    assert np.ptp(cells[0, :, 1]) > 2.5
    assert (np.diff(cells[0, :, 1]) > 0).all()
    assert np.isclose(cells, edited_latent(model, recipe)).all(axis=-1).sum() == 1


def test_a_grid_of_one_slider_is_refused(model: FaceModel) -> None:
    first, second, *_ = sliders(model, "logistic")
    with pytest.raises(DataError, match="two different sliders"):
        traversal_grid(model, FaceRecipe("tiny"), first, first, 5)
    with pytest.raises(DataError, match="at least 2"):
        traversal_grid(model, FaceRecipe("tiny"), first, second, 1)


def test_posterior_samples_have_the_posteriors_moments(model: FaceModel) -> None:
    mu, std = model.sample_latents(1, 0)[0], np.linspace(0.1, 2, 8, dtype=np.float32)
    drawn = posterior_samples(model, mu, std, 20_000, seed=3)
    np.testing.assert_allclose(drawn.mean(axis=0), mu, atol=0.06)
    np.testing.assert_allclose(drawn.std(axis=0), std, rtol=0.03)
    np.testing.assert_array_equal(drawn[:5], posterior_samples(model, mu, std, 20_000, seed=3)[:5])
    with pytest.raises(DataError, match="8 latents"):
        posterior_samples(model, mu[:3], std[:3], 2, 0)


def test_uncertainty_is_the_deviation_of_what_is_drawn(model: FaceModel) -> None:
    mu, std = model.sample_latents(1, 0)[0], np.full(8, 1.0, np.float32)
    found = pixel_uncertainty(model, mu, std, 32, seed=1)
    pictures = model.decode(posterior_samples(model, mu, std, 32, seed=1)).astype(float)
    np.testing.assert_allclose(found, (pictures @ LUMINANCE).std(axis=0, ddof=1), rtol=1e-3)
    assert found.shape == (32, 32)
    assert not pixel_uncertainty(model, mu, np.zeros(8, np.float32), 4, seed=1).any()
    with pytest.raises(DataError, match="at least 2"):
        pixel_uncertainty(model, mu, std, 1, seed=1)


def test_the_nearest_faces_are_those_the_encoder_can_tell_least(model: FaceModel) -> None:
    assert model.latents is not None
    z = model.sample_latents(1, 5, prior="fitted")[0]
    found = nearest(model, z, 6)
    expected = np.sqrt((((model.latents.mu - z) / model.latents.posterior_std) ** 2).sum(axis=1))
    np.testing.assert_array_equal(found.rows, np.argsort(expected)[:6])
    np.testing.assert_allclose(found.distances, np.sort(expected)[:6], rtol=1e-3)


def test_without_posteriors_distances_are_those_of_the_latents(certain: FaceModel) -> None:
    assert certain.latents is not None
    found = nearest(certain, certain.latents.mu[3], 4)
    expected = np.linalg.norm(certain.latents.mu - certain.latents.mu[3], axis=1)
    np.testing.assert_allclose(found.distances, np.sort(expected)[:4], rtol=1e-3, atol=1e-6)


def test_the_usual_distance_is_that_between_stored_faces(model: FaceModel) -> None:
    assert model.latents is not None
    own = [nearest(model, face, 2).distances[1] for face in model.latents.mu]
    assert nearest(model, model.latents.mu[0], 1).usual == pytest.approx(np.median(own), rel=1e-3)


def test_nearness_is_told_in_words(model: FaceModel) -> None:
    assert model.latents is not None
    face = model.latents.mu[7]
    assert nearest(model, face, 1).in_words(0) == "the same face"
    usual = nearest(model, face, 1).usual
    step = np.eye(8, dtype=np.float32)[0] * model.latents.posterior_std * np.float32(usual * 0.1)
    assert nearest(model, face + step, 1).in_words(0).startswith("almost the same face (10%")
    far = nearest(model, face + 1000 * step, 1)
    assert "times the usual distance" in far.in_words(0)
    with pytest.raises(ConfigError, match="encode"):
        nearest(replace(model, latents=None), face, 3)


def test_whitened_draws_of_the_fitted_prior_are_standard(model: FaceModel) -> None:
    assert model.latents is not None
    drawn = whitened_by(model.latents, model.sample_latents(500, 2, prior="fitted"))
    noise = numpy_generator(2, "sample").standard_normal((500, 8))
    np.testing.assert_allclose(drawn, noise, atol=1e-3)
