"""Maps in the background: one process for whoever asks, its map in the run's folder, its failure in words."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.pages.tiny_runs import make_run, write_frames
from vaelab.errors import DataError
from vaelab.evaluation.facemap import FaceMap, features, map_key
from vaelab.evaluation.film import Film, film_key
from vaelab.evaluation.frames import TrainingFrames
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings, exact_neighbours
from vaelab.jobs.mapping import Standing, begin_film, begin_map, begin_measure, forget, standing, stop_maps
from vaelab.runs.store import Run
from vaelab.scorecard.per_face import Measure

PATIENCE_SECONDS = 280.0


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    stop_maps()


def over(run: Run, key: str) -> Standing:
    """How it ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = standing(run, key)
        assert found is not None
        if found.is_over:
            return found
        time.sleep(0.2)
    pytest.fail("the map is not made")


@pytest.mark.thorough
def test_umap_is_made_beside_and_keeps_neighbours_together(tmp_path: Path) -> None:
    run = make_run(tmp_path, "mapped")
    latents, settings = StoredLatents.read(run), MapSettings()
    key = map_key(latents, settings)
    assert standing(run, key) is None
    begin_map(run, settings, key)
    begin_map(run, settings, key)
    assert over(run, key).error == ""
    made = FaceMap.read(run, latents, settings)
    assert made is not None
    assert made.places.shape == (len(latents.mu), 2)
    assert np.isfinite(made.places).all()
    principal = FaceMap.of(latents, MapSettings("pca"))
    assert made.quality.preserved.low > principal.quality.preserved.mean
    nearest = exact_neighbours(features(latents.mu, latents), 4)[0][:, 1]
    apart = np.linalg.norm(made.places - made.places[nearest], axis=1).mean()
    assert apart < 0.6 * np.linalg.norm(made.places - made.places[::-1], axis=1).mean()


def test_a_failure_is_told_and_can_be_tried_again(tmp_path: Path) -> None:
    run = make_run(tmp_path, "torn")
    run.latents_path.write_bytes(b"torn")
    begin_map(run, MapSettings("pca"), "0" * 16)
    assert "is damaged" in over(run, "0" * 16).error
    forget(run, "0" * 16)
    assert standing(run, "0" * 16) is None


def test_a_measure_without_its_pictures_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path, "alone")
    begin_measure(run, Measure("error"), "1" * 16)
    assert "are not on this machine" in over(run, "1" * 16).error


def test_a_film_is_made_by_the_same_process(tmp_path: Path) -> None:
    run = make_run(tmp_path, "filmed")
    write_frames(run)
    frames = TrainingFrames.read(run)
    key = film_key(frames, MapSettings("pca"))
    begin_film(run, MapSettings("pca"), key)
    assert over(run, key).error == ""
    film = Film.read(run, frames, MapSettings("pca"))
    assert film is not None
    assert len(film.moments) == len(frames.clocks)


def test_a_worker_refuses_too_few_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vaelab.jobs.map_worker import make

    monkeypatch.setattr("tests.pages.tiny_runs.STORED", 28)
    with pytest.raises(DataError, match="at least 40 faces"):
        make(make_run(tmp_path, "few"), MapSettings("pca"), over_training=False)


def test_a_kept_map_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, told = make_run(tmp_path, "kept"), list[str]()
    latents = StoredLatents.read(run)
    first = FaceMap.of_run(run, latents, MapSettings("pca"), told.append)
    making: Callable[..., None] = lambda *_: pytest.fail("it is kept already")  # noqa: E731
    monkeypatch.setattr("vaelab.evaluation.facemap.layout", making)
    assert np.array_equal(FaceMap.of_run(run, latents, MapSettings("pca"), told.append).places, first.places)
    assert told == [f"laying out {len(latents.mu)} faces"]
