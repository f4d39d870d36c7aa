"""Alignment: what was only moved, scaled, turned or mirrored comes back; what really moved does not."""

import numpy as np
import pytest

from vaelab.errors import DataError
from vaelab.evaluation.alignment import aligned, displacements, standardised, turned
from vaelab.rng import numpy_generator

FACES = 80


def cloud(name: str) -> np.ndarray:
    """A long cloud with more faces at one end: no turn or mirroring leaves it as it is."""
    random = numpy_generator(0, "alignment", name)
    return (random.gamma(2.0, size=(FACES, 2)) * [3.0, 1.0]).astype(np.float32)


def rotation(degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize("mirror", [[1.0, 1.0], [-1.0, 1.0]])
def test_a_turned_mirrored_moved_and_scaled_copy_comes_back(mirror: list[float]) -> None:
    first = cloud("first")
    frames = aligned([first, 7.0 * (first * mirror) @ rotation(130) + [40.0, -3.0]])
    assert np.allclose(frames[0], frames[1], atol=1e-5)
    assert displacements(frames) == pytest.approx([0.0], abs=1e-5)


def test_shuffled_faces_do_not_come_back() -> None:
    first = cloud("first")
    shuffled = first[numpy_generator(1, "alignment").permutation(FACES)]
    moved = displacements(aligned([first, shuffled]))[0]
    apart = np.linalg.norm(standardised(first)[:, None] - standardised(first)[None], axis=2).mean()
    assert moved > 0.7 * apart, "two faces by chance lie hardly farther from each other"


def test_nothing_is_bent_and_no_other_turn_fits_better() -> None:
    first, second = standardised(cloud("first")), standardised(cloud("second"))
    found = turned(second, first)
    assert np.allclose(np.linalg.norm(found, axis=1), np.linalg.norm(second, axis=1))
    misfit = np.square(found - first).sum()
    others = [np.square(second * mirror @ rotation(a) - first).sum() for mirror in (1, [1, -1]) for a in range(360)]
    assert misfit <= min(others) + 1e-9


def test_each_frame_follows_the_one_before() -> None:
    """Ten frames of a cloud that drifts slowly and is turned at random: the drift alone stays."""
    random = numpy_generator(2, "alignment")
    first, drift = cloud("first"), random.normal(0, 0.05, (9, FACES, 2)).cumsum(axis=0)
    true = [first, *(first + step for step in drift)]
    frames = aligned([places @ rotation(random.uniform(0, 360)) for places in true])
    unaligned = np.stack([standardised(places @ rotation(random.uniform(0, 360))) for places in true])
    assert displacements(frames).max() < 0.1
    assert displacements(unaligned).mean() > 5 * displacements(frames).mean()


def test_maps_of_other_faces_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be laid one on another"):
        aligned([cloud("first"), cloud("first")[:-1]])
    with pytest.raises(DataError, match="cannot be laid one on another"):
        aligned([])
