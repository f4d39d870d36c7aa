"""The result panel's sheets: the same faces and noise for every model, with and without the data set."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.drawn import draw
from vaelab.data.collection import Collection
from vaelab.errors import ConfigError
from vaelab.inference import FaceModel
from vaelab.pictures import SYNTHETIC_MEDIA
from vaelab.results import (
    KINDS,
    NUM_FACES,
    NUM_WAYS,
    held_out_faces,
    held_out_ids,
    may_pass_on,
    picture_name,
    results,
    write_pictures,
)
from vaelab.runs.store import Run
from vaelab.scorecard.encoding import encode_faces

Trained = Callable[[str], Run]


def test_every_sheet_is_the_models_own(trained: Trained, tiny_data: Collection) -> None:
    model = FaceModel.load(trained("residual"))
    made = results(model, tiny_data)
    assert made.originals is not None
    assert made.reconstructions is not None
    held_out = tiny_data.pixels(tiny_data.rows("test", is_face=True))
    assert all((held_out == face).all((1, 2, 3)).any() for face in made.originals)
    np.testing.assert_array_equal(made.reconstructions, model.reconstruct(made.originals))
    np.testing.assert_array_equal(made.samples, model.decode(model.sample_latents(NUM_FACES, 0)))
    assert made.interpolations.shape == (NUM_WAYS * NUM_FACES, 16, 16, 3)
    ways = made.interpolations.reshape(NUM_WAYS, NUM_FACES, 16, 16, 3).astype(int)
    for way in range(NUM_WAYS):
        assert np.abs(ways[way, 0] - made.reconstructions[2 * way]).max() <= 1
        assert np.abs(ways[way, -1] - made.reconstructions[2 * way + 1]).max() <= 1
    assert {made.sheet(kind).shape for kind in KINDS} == {(16, 128, 3), (48, 128, 3)}  # type: ignore[union-attr]


def test_two_models_of_one_data_set_show_the_same_faces(trained: Trained, tiny_data: Collection) -> None:
    first, second = (results(FaceModel.load(trained(kind)), tiny_data) for kind in ("vae", "dbvae"))
    assert first.originals is not None
    np.testing.assert_array_equal(first.originals, second.originals)


def test_the_same_faces_are_known_at_another_size(tiny_data: Collection, tmp_path: Path) -> None:
    def prepared(name: str, size: int, num_faces: int) -> Collection:
        draw(tmp_path / name, num_faces, 20, size)
        return Collection.open((name,), tmp_path, size)

    larger, fewer = prepared("larger-32", 32, 300), prepared("fewer-16", 16, 100)
    assert len(held_out_ids(tiny_data)) == len(set(held_out_ids(tiny_data))) == NUM_FACES
    assert held_out_ids(larger) == held_out_ids(tiny_data)
    assert held_out_ids(fewer) != held_out_ids(tiny_data)


def test_without_the_data_set_stored_faces_stand_in(trained: Trained, tiny_data: Collection) -> None:
    run = trained("vae")
    bare = results(FaceModel.load(run), None)
    assert bare.originals is None
    assert bare.reconstructions is None
    assert bare.sheet("reconstructions") is None
    assert len(bare.interpolations) == NUM_WAYS * NUM_FACES
    encode_faces(FaceModel.load(run), run, tiny_data, "test", 20)
    model = FaceModel.load(run)
    assert model.latents is not None
    stored = results(model, None)
    assert stored.reconstructions is not None
    np.testing.assert_array_equal(stored.reconstructions[0], model.decode(model.latents.mu[:1].astype(np.float32))[0])


def test_a_detector_has_no_sheets(trained: Trained, tiny_data: Collection) -> None:
    with pytest.raises(ConfigError, match="no decoder"):
        results(FaceModel.load(trained("cnn")), tiny_data)


def test_held_out_faces_are_spread_over_the_split(tiny_data: Collection) -> None:
    rows = tiny_data.rows("test", is_face=True)
    shown = held_out_faces(tiny_data)
    assert shown is not None
    assert len(shown) == NUM_FACES
    np.testing.assert_array_equal(shown[[0, -1]], tiny_data.pixels(rows[[0, -1]]))


def test_photographs_are_not_passed_on(
    trained: Trained, tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("residual")
    assert may_pass_on(tiny_data)
    monkeypatch.setattr("vaelab.results.may_pass_on", lambda data: False)
    (run.dir / picture_name("originals")).unlink(missing_ok=True)
    write_pictures(run, FaceModel.load(run), tiny_data)
    assert not (run.dir / picture_name("originals")).exists()
    assert (run.dir / picture_name("reconstructions")).is_file()


def test_only_drawn_faces_may_be_passed_on(tiny_data: Collection) -> None:
    store = tiny_data.stores[0]
    photographs = copy.copy(store)
    object.__setattr__(photographs, "manifest", dataclasses.replace(store.manifest, source="fairface"))
    both = copy.copy(tiny_data)
    object.__setattr__(both, "stores", (store, photographs))
    assert not may_pass_on(both)


@pytest.mark.parametrize("kind", ["residual", "cnn"])
def test_pictures_are_written_and_only_generated_ones_say_so(
    trained: Trained, tiny_data: Collection, kind: str
) -> None:
    run = trained(kind)
    model = FaceModel.load(run)
    write_pictures(run, model, tiny_data)
    written = {path.name for path in run.dir.glob("results-*.png")}
    expected = {"curves", *KINDS} if model.has_decoder else {"curves"}
    assert written == {picture_name(name) for name in expected}
    for name in expected:
        with Image.open(run.dir / picture_name(name)) as picture:
            is_marked = SYNTHETIC_MEDIA in str(picture.info)
        assert is_marked == (name not in ("originals", "curves")), name
