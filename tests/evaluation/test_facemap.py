"""The map goes both ways: faces to their own places and back, new ones between them, and empty places are told."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaelab.config import TrainConfig
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.facemap import BLENDED, FaceMap, blend, map_key
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings
from vaelab.rng import numpy_generator
from vaelab.runs.maps import map_path
from vaelab.runs.store import Run

FACES, LATENT = 150, 5
CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"


@pytest.fixture(scope="module")
def latents() -> StoredLatents:
    mu = numpy_generator(0, "facemap").standard_normal((FACES, LATENT)).astype(np.float32)
    mu[: FACES // 2, 0] += 8.0
    half = ["near"] * (FACES // 2) + ["far"] * (FACES - FACES // 2)
    labels = pd.DataFrame({"image_id": [f"f{row}" for row in range(FACES)], "split": "train", "side": half})
    return StoredLatents.fit(mu, np.full_like(mu, 0.5), labels, np.arange(FACES), "abc")


@pytest.fixture(scope="module")
def face_map(latents: StoredLatents) -> FaceMap:
    return FaceMap.of(latents, MapSettings("pca"))


def test_a_stored_face_lies_on_its_place_and_comes_back(latents: StoredLatents, face_map: FaceMap) -> None:
    assert np.array_equal(face_map.placed(latents.mu[:20], latents), face_map.places[:20])
    assert np.array_equal(face_map.inverse(face_map.places[:20], latents), latents.mu[:20])


def test_a_new_face_is_placed_the_same_alone_and_in_a_batch(latents: StoredLatents, face_map: FaceMap) -> None:
    new = numpy_generator(1, "facemap").standard_normal((30, LATENT)).astype(np.float32)
    together = face_map.placed(new, latents)
    alone = np.concatenate([face_map.placed(one[None], latents) for one in new])
    assert np.array_equal(together, alone)
    right = face_map.places[: FACES // 2, 0].mean() > 0
    assert ((together[:, 0] > 0) != right).all(), "they are like the second half"


def test_a_blend_changes_without_jumps(face_map: FaceMap, latents: StoredLatents) -> None:
    """What changes within a step shrinks with the steps; a jump would stay as it is."""
    start, end = face_map.places[3].astype(np.float64), face_map.places[100].astype(np.float64)

    def largest_change(steps: int) -> float:
        shares = np.linspace(0, 1, steps)[:, None]
        frames = face_map.inverse((start + shares * (end - start)).astype(np.float32), latents)
        assert np.array_equal(frames[0], latents.mu[3])
        return float(np.linalg.norm(np.diff(frames, axis=0), axis=1).max())

    assert largest_change(8001) < largest_change(1001) / 3


def test_weights_add_up_and_the_nearest_counts_most() -> None:
    known = numpy_generator(2, "facemap").standard_normal((40, 3)).astype(np.float32)
    rows, weights = blend(np.zeros(3, np.float32), known)
    assert weights.sum() == pytest.approx(1.0)
    assert (np.diff(weights) <= 0).all()
    assert np.array_equal(rows, np.argsort(np.linalg.norm(known, axis=1))[:BLENDED])
    _, even = blend(np.zeros(2, np.float32), np.tile([[1.0, 0.0], [-1.0, 0.0]], (9, 1)))
    assert np.allclose(even, 1 / BLENDED)
    with pytest.raises(ConfigError, match="more than 8"):
        blend(np.zeros(3, np.float32), known[:8])


def test_support_is_high_among_faces_and_nothing_far_from_them(face_map: FaceMap) -> None:
    densest = face_map.places[face_map.own_reaches.argmin()]
    support = face_map.support(np.stack([densest, np.array([9.0, 9.0], np.float32)]))
    assert support[0] > 0.95
    assert support[1] == 0.0
    of_faces = face_map.support(face_map.places)
    assert 0.4 < np.median(of_faces) < 0.7
    with pytest.raises(DataError, match="shape"):
        face_map.support(np.zeros((1, 3), np.float32))


def test_a_map_is_kept_by_what_it_was_made_from(latents: StoredLatents, face_map: FaceMap, tmp_path: Path) -> None:
    run = Run.create(TrainConfig(recipe="tiny"), tmp_path, "mapped")
    assert FaceMap.read(run, latents, face_map.settings) is None
    face_map.write(run)
    again = FaceMap.read(run, latents, face_map.settings)
    assert again is not None
    assert np.array_equal(again.places, face_map.places)
    assert again.quality == face_map.quality
    assert FaceMap.read(run, latents, MapSettings("pca", seed=1)) is None
    map_path(run, face_map.key).write_bytes(b"torn")
    assert FaceMap.read(run, latents, face_map.settings) is None


def test_the_key_changes_with_every_thing_that_changes_the_map(latents: StoredLatents) -> None:
    other = dataclasses.replace(latents, mu=latents.mu + np.float32(1e-3))
    keys = {
        map_key(latents, MapSettings()), map_key(latents, MapSettings("pca")), map_key(other, MapSettings()),
        map_key(latents, MapSettings(min_dist=0.2)), map_key(latents, MapSettings(seed=1)),
    }  # fmt: skip
    assert len(keys) == 5
    assert map_key(latents, MapSettings()) in keys


@pytest.mark.parametrize("name", ["face-vae", "dbvae"])
def test_models_that_ship_bring_their_map(name: str) -> None:
    """Else a first visitor would wait for UMAP; a change of latents, weights or settings asks for a new one."""
    run = Run.open(CHECKPOINTS / name)
    latents = StoredLatents.read(run)
    kept = FaceMap.read(run, latents, MapSettings())
    assert kept is not None, f"run `python -m vaelab map {name}`, and keep the new map alone"
    assert [path.name for path in run.dir.glob("map-*")] == [map_path(run, kept.key).name]
    assert kept.quality.trustworthiness.low > 0.8
