"""A map over training: one place per face and frame, faces near their places, kept by what it was made from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaelab.config import TrainConfig
from vaelab.errors import ConfigError
from vaelab.evaluation.alignment import displacements
from vaelab.evaluation.film import Film, film_key
from vaelab.evaluation.frames import TrainingFrames
from vaelab.evaluation.projection import MapSettings
from vaelab.rng import numpy_generator
from vaelab.runs.maps import film_path, films_of
from vaelab.runs.store import Run

FRAMES, FACES, LATENT = 5, 60, 6
PCA = MapSettings("pca")


def growing() -> TrainingFrames:
    """Faces whose latents grow out of noise, faster and faster; the sides are told apart ever better."""
    random = numpy_generator(0, "film")
    goal = random.standard_normal((FACES, LATENT)) * np.linspace(4, 0.2, LATENT)
    shares = np.linspace(0, 1, FRAMES)[:, None, None] ** 2
    mu = shares * goal + (1 - shares) * 0.3 * random.standard_normal((FRAMES, FACES, LATENT))
    std = np.sqrt(1 - 0.9 * shares[:, 0]).repeat(LATENT, axis=1)
    labels = pd.DataFrame({"image_id": [f"f{row}" for row in range(FACES)]})
    return TrainingFrames(np.arange(1, FRAMES + 1) * 100, mu.astype(np.float32), std.astype(np.float32), labels)


@pytest.fixture
def run(tiny_config: Callable[..., TrainConfig], tmp_path: Path) -> Run:
    return Run.create(tiny_config(model="vae"), tmp_path, "filmed")


def test_every_moment_has_its_places_and_its_numbers() -> None:
    frames = growing()
    film = Film.of(frames, PCA)
    assert film.places.shape == (FRAMES, FACES, 2)
    assert [moment.images_seen for moment in film.moments] == frames.clocks.tolist()
    first, *later = film.moments
    assert first.kept_since is None
    assert first.moved is None
    assert [moment.moved for moment in later] == pytest.approx(displacements(film.places.astype(float)), rel=1e-4)
    preserved = [moment.quality.preserved.mean for moment in film.moments]
    assert preserved[-1] > preserved[0], "noise has no two widest axes"
    assert later[-1].kept_since.mean > later[0].kept_since.mean, "neighbourhoods settle"
    assert np.quantile(np.abs(film.places), 0.99) <= 1.0


def test_a_latent_space_turned_between_frames_makes_no_move() -> None:
    """The last frame again, its latents turned by chance: neighbours are the same, so nobody may move."""
    frames = growing()
    turn = np.linalg.qr(numpy_generator(1, "film").standard_normal((LATENT, LATENT)))[0]
    one = np.ones((2, LATENT), np.float32)
    mu = np.stack([frames.mu[-1], frames.mu[-1] @ turn.astype(np.float32)])
    film = Film.of(replace(frames, clocks=frames.clocks[:2], mu=mu, posterior_std=one), PCA)
    assert film.moments[1].moved == pytest.approx(0.0, abs=1e-3)
    assert film.moments[1].kept_since is not None
    assert film.moments[1].kept_since.mean > 0.99


def test_a_film_is_kept_by_its_content(run: Run) -> None:
    frames = growing()
    film = Film.of(frames, PCA)
    film.write(run)
    read = Film.read(run, frames, PCA)
    assert read is not None
    assert np.array_equal(read.places, film.places)
    assert read.moments == film.moments
    assert Film.read(run, frames, MapSettings()) is None, "another way to lay out"
    assert np.array_equal(Film.of(growing(), PCA).places, film.places), "the same again from the same frames"
    film_path(run, film.key).write_bytes(b"torn")
    assert Film.read(run, frames, PCA) is None


def test_a_longer_film_takes_the_place_of_the_shorter(run: Run) -> None:
    frames = growing()
    fewer = replace(frames, clocks=frames.clocks[:3], mu=frames.mu[:3], posterior_std=frames.posterior_std[:3])
    other = MapSettings("pca", neighbours=10)
    for settings in (PCA, other):
        Film.of(fewer, settings).write(run)
    Film.of(frames, PCA).write(run)
    assert films_of(run) == sorted([film_path(run, film_key(frames, PCA)), film_path(run, film_key(fewer, other))])


def test_what_makes_no_film_is_said() -> None:
    frames = growing()
    with pytest.raises(ConfigError, match="take 2"):
        Film.of(frames, MapSettings("pca", 3))
    alone = replace(frames, clocks=frames.clocks[:1], mu=frames.mu[:1], posterior_std=frames.posterior_std[:1])
    with pytest.raises(ConfigError, match="a film takes 2 or more"):
        Film.of(alone, PCA)
