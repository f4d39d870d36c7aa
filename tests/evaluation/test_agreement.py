"""Agreement of two maps: whole where they are the same or turned, chance where one is shuffled."""

import numpy as np
import pytest

from vaelab.errors import DataError
from vaelab.evaluation.agreement import agreement
from vaelab.rng import numpy_generator

FACES, NEIGHBOURS = 600, 10


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    return numpy_generator(0, "agreement").uniform(-1, 1, (FACES, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def corner(places: np.ndarray) -> np.ndarray:
    return np.flatnonzero((places > 0.2).all(axis=1))


def test_a_turned_map_keeps_every_neighbourhood(places: np.ndarray, corner: np.ndarray) -> None:
    turned = 3.0 * places[:, ::-1] * np.array([1, -1], np.float32)
    found = agreement(places, turned, corner, NEIGHBOURS)
    assert found.kept.mean == 1.0
    assert found.together_here == found.together_there
    assert found.together_here.mean > 0.7 > found.chance
    assert found.kept.n == len(corner)


def test_a_shuffled_map_keeps_what_chance_keeps(places: np.ndarray, corner: np.ndarray) -> None:
    shuffled = numpy_generator(1, "agreement").permutation(places)
    found = agreement(places, shuffled, corner, NEIGHBOURS)
    assert found.together_there.low - 0.03 < found.chance < found.together_there.high + 0.03
    assert found.kept.mean == pytest.approx(found.chance_kept, abs=0.02)


def test_a_map_of_other_axes_can_be_the_second(places: np.ndarray, corner: np.ndarray) -> None:
    deep = np.column_stack([places, np.zeros(FACES, np.float32)])
    assert agreement(places, deep, corner, NEIGHBOURS).kept.mean == 1.0


def test_faces_on_one_place_are_no_neighbours_of_themselves() -> None:
    same = np.zeros((40, 2), np.float32)
    found = agreement(same, same, np.arange(5), 10)
    assert 0.0 <= found.together_here.mean <= 4 / 10


@pytest.mark.parametrize(("count", "chosen", "near"), [(FACES - 1, 5, 10), (FACES, 1, 10), (FACES, 5, FACES)])
def test_what_cannot_be_compared_is_refused(places: np.ndarray, count: int, chosen: int, near: int) -> None:
    with pytest.raises(DataError, match=r"expected|select"):
        agreement(places, places[:count], np.arange(chosen), near)
