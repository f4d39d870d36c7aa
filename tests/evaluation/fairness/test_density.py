"""Recall by latent density."""

import itertools

import numpy as np
import pytest

from vaelab.errors import DataError
from vaelab.evaluation.fairness.density import recall_by_density
from vaelab.rng import numpy_generator


def test_unusual_faces_come_first_and_every_face_once() -> None:
    density = numpy_generator(0, "density").standard_normal(103)
    hit = np.stack([density > np.quantile(density, 0.2), np.ones(103, bool)])
    bands = recall_by_density(hit, density, bands=5)
    assert sum(band.count for band in bands) == 103
    assert bands[0].by_seed[0].rate < 0.1
    assert [band.by_seed[0].rate for band in bands[1:]] == pytest.approx([1.0] * 4)
    assert all(band.by_seed[1].rate == 1.0 for band in bands)
    assert all(one.high < other.low for one, other in itertools.pairwise(bands))
    assert bands[0].standing == "greyed"


def test_a_density_for_each_face_or_none() -> None:
    with pytest.raises(DataError, match=r"each of 5 faces, met shape \(4,\)"):
        recall_by_density(np.ones((1, 5), bool), np.zeros(4))
    with pytest.raises(DataError, match="1 not finite"):
        recall_by_density(np.ones((1, 2), bool), np.array([0.0, np.inf]))
