"""Layouts: the same again, framed, exact in their neighbours, and measured as scikit-learn measures them."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.projection import MapSettings, exact_neighbours, framed, inside, layout, quality
from vaelab.rng import numpy_generator

PCA = MapSettings("pca")


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    """200 faces of 6 features, the first two of which tell most."""
    spread = np.array([4, 3, 1, 0.5, 0.5, 0.2])
    return (numpy_generator(0, "map").standard_normal((200, 6)) * spread).astype(np.float32)


def test_principal_components_are_the_widest_axes_and_the_same_again(features: np.ndarray) -> None:
    places = layout(features, PCA)
    assert places.shape == (200, 2)
    assert np.array_equal(places, layout(features.copy(), PCA))
    for axis in (0, 1):
        assert abs(np.corrcoef(places[:, axis], features[:, axis])[0, 1]) > 0.9
    shifted = layout(features + np.float32(3), PCA)
    assert np.allclose(places, shifted, atol=1e-4)
    assert layout(features, MapSettings("pca", dims=3)).shape == (200, 3)


def test_a_frame_holds_all_but_strays_and_keeps_the_shape(features: np.ndarray) -> None:
    places = framed(features[:, :2])
    assert np.abs(np.quantile(places, [0.01, 0.99], axis=0)).max() <= 1.0
    assert np.abs(places).max() > 0.9
    ratio = np.ptp(features[:, 0]) / np.ptp(features[:, 1])
    assert np.ptp(places[:, 0]) / np.ptp(places[:, 1]) == pytest.approx(ratio, rel=1e-4)


def test_neighbours_are_exact_and_begin_with_the_face_itself(features: np.ndarray) -> None:
    rows, distances = exact_neighbours(features, 9)
    true_distances, true_rows = NearestNeighbors(n_neighbors=9).fit(features).kneighbors(features)
    assert np.array_equal(rows[:, 0], np.arange(200))
    assert np.array_equal(rows, true_rows)
    assert np.allclose(distances, true_distances, atol=1e-5)


def test_doubles_stay_their_own_first_neighbours() -> None:
    doubled = np.repeat(numpy_generator(1, "map").standard_normal((40, 3)).astype(np.float32), 2, axis=0)
    rows, distances = exact_neighbours(doubled, 4)
    assert np.array_equal(rows[:, 0], np.arange(80))
    assert np.array_equal(distances[:, :2], np.zeros((80, 2)))


def test_trustworthiness_of_all_faces_is_that_of_scikit_learn(features: np.ndarray) -> None:
    places = layout(features, PCA)
    found = quality(features, places, 7)
    assert found.trustworthiness.n == 200
    assert found.trustworthiness.mean == pytest.approx(trustworthiness(features, places, n_neighbors=7), abs=1e-9)
    assert found.trustworthiness.low <= found.trustworthiness.mean <= found.trustworthiness.high
    assert quality(features[:, :2], features[:, :2], 7).preserved.mean == 1.0


def test_a_map_by_chance_is_told(features: np.ndarray) -> None:
    chance = numpy_generator(2, "map").standard_normal((200, 2)).astype(np.float32)
    found = quality(features, chance, 7)
    assert found.trustworthiness.mean == pytest.approx(0.5, abs=0.06)
    assert found.preserved.mean == pytest.approx(7 / 199, abs=0.02)


def test_inside_follows_the_even_odd_rule() -> None:
    line = np.array([[0.5, 0.5], [1.5, 0.5], [2.5, 0.5], [-0.5, 0.5]], np.float32)
    comb = np.array([[0, 0], [3, 0], [3, 1], [2, 1], [2, 0.2], [1, 0.2], [1, 1], [0, 1]], np.float64)
    assert inside(line, comb).tolist() == [0, 2]
    assert inside(line, comb[:2]).tolist() == []
    assert inside(line, np.empty((0, 2))).tolist() == []


def test_what_cannot_be_laid_out_is_refused(features: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least 40 faces"):
        layout(features[:39], PCA)
    with pytest.raises(DataError, match="a map of 1 face with 1 latent; it takes"):
        layout(features[:1, :1], PCA)
    with pytest.raises(DataError, match="not all finite"):
        layout(np.full((50, 3), np.nan, np.float32), PCA)
    with pytest.raises(DataError, match="fewer than half"):
        quality(features, layout(features, PCA), 100)
    for wrong in ({"method": "tsne"}, {"dims": 4}, {"neighbours": 1}, {"min_dist": -0.1}):
        with pytest.raises(ConfigError):
            MapSettings(**wrong)  # type: ignore[arg-type]
