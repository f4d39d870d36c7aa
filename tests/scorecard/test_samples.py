"""Figures on some of the faces: a sample of all data sets, and what is learned is learned from the run's own."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from vaelab.config import replace
from vaelab.data.collection import Collection
from vaelab.evaluation.disentanglement import Factor
from vaelab.evaluation.intervals import Estimate
from vaelab.inference import FaceModel
from vaelab.runs.store import Run
from vaelab.scorecard.disentanglement import disentanglement_section
from vaelab.scorecard.generation import generation_section
from vaelab.scorecard.likelihood import likelihood_section
from vaelab.scorecard.reconstruction import reconstruction_section

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


def measured_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disentanglement of faces without labels, for the pictures that are read for it."""
    where = "vaelab.scorecard.disentanglement."
    monkeypatch.setattr(where + "MIN_FACES", NUM)
    monkeypatch.setattr(
        where + "factors_of", lambda _, rows: (rows, [Factor("any", np.zeros(len(rows), np.int64), None)])
    )
    monkeypatch.setattr(where + "disentanglement", lambda z, _: Estimate(0.0, 0.0, 0.0, len(z)))


def test_faces_are_drawn_for_disentanglement(
    trained: Callable[[str], Run], twice: Collection, read: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaelab.scorecard.disentanglement.MAX_PCA_FACES", NUM)
    measured_alone(monkeypatch)
    model = FaceModel.load(trained("vae"))
    read.clear()
    disentanglement_section(model, twice, twice.rows("train", True), NUM, lambda _: None)
    assert len({rows.tobytes() for rows in read}) == 2, "those measured, and those of the principal components"
    assert all(is_of_both(rows, twice) for rows in read)


def test_what_stands_beside_a_model_learns_from_the_faces_that_its_training_had(
    trained: Callable[[str], Run], tiny_data: Collection, read: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FaceModel.load(trained("vae"))
    read.clear()
    model = dataclasses.replace(whole, config=replace(whole.config, max_faces=NUM))
    given, faces = tiny_data.rows("train", True)[:NUM], tiny_data.rows("train", True)[NUM : 3 * NUM]
    found = reconstruction_section(model, tiny_data, faces, lambda _: None)
    assert found["pca_psnr_db"]["num_fitted"] == NUM
    found = likelihood_section(model, tiny_data, faces, 4, 2, lambda _: None)
    assert found["deviation_fitted_on"] == f"{NUM} training faces"
    found = generation_section(model, tiny_data, faces, NUM, [], lambda _: None)
    assert "real_faces" in found["ways"]
    found = generation_section(model, tiny_data, faces, NUM + 1, [], lambda _: None)
    assert found["not_measured"]["real_faces"] == f"needs {NUM + 1} training faces, the run was given {NUM}"
    measured_alone(monkeypatch)
    disentanglement_section(model, tiny_data, faces, NUM, lambda _: None)
    assert {*np.concatenate(read)} == {*given, *faces}
