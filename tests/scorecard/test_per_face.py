"""Measures of the stored faces: on the right pictures, kept with the run, and refused where the pictures are others."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vaelab.config import replace
from vaelab.data.collection import Collection
from vaelab.data.store import PIXELS_FILE
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.lightness import lightness
from vaelab.evaluation.reconstruction import rms_error
from vaelab.inference import FaceModel
from vaelab.jobs.measure_worker import measure_faces
from vaelab.once import Once
from vaelab.runs.maps import values_path
from vaelab.runs.store import Run
from vaelab.scorecard.encoding import encode_faces
from vaelab.scorecard.per_face import Measure, measured, read_values, values_key

KEPT = 30


@pytest.fixture
def encoded(trained: Callable[[str], Run], tiny_data: Collection) -> tuple[Run, FaceModel]:
    run = trained("residual")
    encode_faces(FaceModel.load(run, with_latents=False), run, tiny_data, "train", KEPT)
    return run, FaceModel.load(run)


@pytest.fixture
def pixels(encoded: tuple[Run, FaceModel], tiny_data: Collection) -> np.ndarray:
    """The stored faces' pictures, looked up one by one."""
    latents = encoded[1].latents
    assert latents is not None
    names = tiny_data.labels["image_id"].tolist()
    return tiny_data.pixels(np.array([names.index(name) for name in latents.labels["image_id"]]))


def test_each_measure_is_that_of_the_faces_own_picture(
    encoded: tuple[Run, FaceModel], pixels: np.ndarray, trained: Callable[[str], Run]
) -> None:
    run, model = encoded
    detector = FaceModel.load(trained("cnn"))
    assert model.latents is not None
    expected = rms_error(pixels, model.decode(model.latents.mu))
    assert np.allclose(measured(run, model, Measure("error")), expected, atol=1e-4)
    ita = measured(run, model, Measure("lightness"))
    assert np.array_equal(ita, lightness(pixels).ita, equal_nan=True)
    seen = measured(run, model, Measure("seen", detector.run_id), detector)
    assert np.allclose(seen, detector.face_logit(pixels), atol=1e-4)


def test_other_pictures_of_the_same_names_are_refused(
    encoded: tuple[Run, FaceModel], data_dir: Path, tmp_path: Path
) -> None:
    run, model = encoded
    name = run.config.data.datasets[0]
    shutil.copytree(data_dir / name, tmp_path / "data" / name)
    file = tmp_path / "data" / name / PIXELS_FILE
    turned = np.fromfile(file, np.uint8).reshape(-1, 16, 16, 3)[::-1]
    turned.tofile(file)
    elsewhere = _with_data(run, tmp_path / "data")
    with pytest.raises(DataError, match="not those that were encoded"):
        measured(elsewhere, model, Measure("error"))


def test_missing_pictures_are_told(encoded: tuple[Run, FaceModel], tmp_path: Path) -> None:
    run, model = encoded
    with pytest.raises(DataError, match=r"not on this machine.*prepare"):
        measured(_with_data(run, tmp_path), model, Measure("lightness"))
    assert model.latents is not None
    labels = model.latents.labels.assign(image_id=[f"other/{row}" for row in range(KEPT)])
    strange = dataclasses.replace(model, latents=dataclasses.replace(model.latents, read_labels=Once(lambda: labels)))
    with pytest.raises(DataError, match=f"{KEPT} of the {KEPT} stored faces have no picture"):
        measured(run, strange, Measure("error"))


def test_what_was_measured_is_kept_and_measured_again_where_damaged(
    encoded: tuple[Run, FaceModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, model = encoded
    assert model.latents is not None
    measure = Measure("error")
    first = measure_faces(run, measure)
    key = values_key(model.latents, measure)
    assert read_values(run, key, model.latents) is not None
    with monkeypatch.context() as patched:
        patched.setattr("vaelab.jobs.measure_worker.measured", lambda *_: pytest.fail("it is kept already"))
        assert np.array_equal(measure_faces(run, measure), first)
    values_path(run, key).write_bytes(b"torn")
    assert read_values(run, key, model.latents) is None
    assert np.array_equal(measure_faces(run, measure), first)


def test_keys_tell_measures_and_detectors_apart(encoded: tuple[Run, FaceModel]) -> None:
    latents = encoded[1].latents
    assert latents is not None
    seen = Measure("seen", "cnn")
    keys = {values_key(latents, Measure(kind)) for kind in ("error", "lightness")}
    keys |= {values_key(latents, seen, fingerprint) for fingerprint in ("a" * 16, "b" * 16)}
    assert len(keys) == 4


def test_what_cannot_be_measured_is_refused(encoded: tuple[Run, FaceModel], trained: Callable[[str], Run]) -> None:
    run, model = encoded
    with pytest.raises(ConfigError, match="choose one of"):
        Measure("beauty")
    with pytest.raises(ConfigError, match="only `seen` takes one"):
        Measure("error", "cnn")
    with pytest.raises(ConfigError, match="detector is none"):
        measured(run, model, Measure("seen", "cnn"))
    bare = FaceModel.load(trained("vae"), with_latents=False)
    with pytest.raises(ConfigError, match="stores no latents"):
        measured(run, bare, Measure("error"))


def _with_data(run: Run, data_dir: Path) -> Run:
    """The same run, as if its data sets were in another folder."""
    moved = Run.create(replace(run.config, data_dir=str(data_dir)), root=data_dir / "runs", name="moved")
    shutil.copy(run.weights_path, moved.weights_path)
    return moved
