"""Figures on some of the faces: these are a sample of all data sets, not the first ones of the first."""

from collections.abc import Callable

import numpy as np
import pytest

from vaelab.data.collection import Collection
from vaelab.evaluation.disentanglement import Factor
from vaelab.evaluation.intervals import Estimate
from vaelab.inference import FaceModel
from vaelab.runs.store import Run
from vaelab.scorecard.disentanglement import disentanglement_section
from vaelab.scorecard.generation import generation_section
from vaelab.scorecard.likelihood import likelihood_section

NUM = 20
"""Fewer than either data set has."""


@pytest.fixture
def twice(tiny_data: Collection) -> Collection:
    """Two data sets."""
    return Collection(tiny_data.stores * 2)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Rows whose pictures were read, call by call."""
    calls: list[np.ndarray] = []
    pixels = Collection.pixels

    def kept(self: Collection, rows: np.ndarray) -> np.ndarray:
        calls.append(rows)
        return pixels(self, rows)

    monkeypatch.setattr(Collection, "pixels", kept)
    return calls


def is_of_both(rows: np.ndarray, twice: Collection) -> bool:
    return len(rows) == NUM and 0 < (rows < len(twice.labels) // 2).sum() < NUM


def test_faces_are_drawn_for_generation(
    trained: Callable[[str], Run], twice: Collection, read: list[np.ndarray]
) -> None:
    model = FaceModel.load(trained("vae"))
    read.clear()  # a training may have read some
    generation_section(model, twice, twice.rows("train", True), NUM, [], lambda _: None)
    assert [is_of_both(rows, twice) for rows in read] == [True, True], "those compared with, and other real ones"


def test_faces_are_drawn_for_likelihood(
    trained: Callable[[str], Run], twice: Collection, read: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaelab.scorecard.likelihood.NUM_SIGMA_FACES", NUM)
    model = FaceModel.load(trained("vae"))
    read.clear()
    likelihood_section(model, twice, twice.rows("train", True), NUM, 2, lambda _: None)
    assert [is_of_both(rows, twice) for rows in read] == [True, True], "those of the deviation, and those measured"


def test_faces_are_drawn_for_disentanglement(
    trained: Callable[[str], Run], twice: Collection, read: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "vaelab.scorecard.disentanglement."
    monkeypatch.setattr(where + "MIN_FACES", NUM)
    monkeypatch.setattr(where + "MAX_PCA_FACES", NUM)
    monkeypatch.setattr(
        where + "factors_of", lambda _, rows: (rows, [Factor("any", np.zeros(len(rows), np.int64), None)])
    )
    monkeypatch.setattr(where + "disentanglement", lambda z, _: Estimate(0.0, 0.0, 0.0, len(z)))
    model = FaceModel.load(trained("vae"))
    read.clear()
    disentanglement_section(model, twice, twice.rows("train", True), NUM, lambda _: None)
    assert len({rows.tobytes() for rows in read}) == 2, "those measured, and those of the principal components"
    assert all(is_of_both(rows, twice) for rows in read)
