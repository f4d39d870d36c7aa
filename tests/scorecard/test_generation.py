"""The ways of making a face, and what is measured of each: figures that one gets by hand."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vaelab.data.collection import Collection
from vaelab.errors import CheckpointError, ConfigError, DataError
from vaelab.evaluation.generation import frechet_with_interval
from vaelab.evaluation.intervals import bootstrapped_both
from vaelab.evaluation.reconstruction import sharpness
from vaelab.inference import FaceModel
from vaelab.passes import drawn, encoded
from vaelab.priors import fit_priors
from vaelab.rng import numpy_generator
from vaelab.runs.store import Run
from vaelab.scorecard.encoding import encode_faces
from vaelab.scorecard.extractors import Extractor, detector_features, inception_features
from vaelab.scorecard.generation import check_extractors, generation_section
from vaelab.scorecard.ways import midpoints, ways_of

FIGURES = ("fd_cnn", "precision", "recall", "density", "coverage", "sharpness_ratio")


@pytest.fixture
def extractor(trained: Callable[[str], Run]) -> Extractor:
    return detector_features(FaceModel.load(trained("cnn")))


@pytest.fixture
def rows(tiny_data: Collection) -> np.ndarray:
    return tiny_data.rows("train", is_face=True, limit=60)  # there are few test faces


def test_every_way_is_measured_against_real_faces(
    trained: Callable[[str], Run], tiny_data: Collection, rows: np.ndarray, extractor: Extractor
) -> None:
    run = trained("residual")
    stored = encode_faces(FaceModel.load(run), run, tiny_data, "train", 150)
    model = FaceModel.load(run)
    told: list[str] = []
    found = generation_section(model, tiny_data, rows, 5000, [extractor], told.append)
    assert {"reconstruct", "prior_standard", "prior_fitted", "interpolate", "real_faces"} <= set(found["ways"])
    assert found["extractors"] == [extractor.about]
    known = set(tiny_data.table(rows)["image_id"])
    others = sum(name not in known for name in stored.labels["image_id"])
    assert found["ways"]["prior_fitted"]["words"] == f"latents from a Gaussian fitted to {others} other faces"
    faces = tiny_data.pixels(rows)
    recon = model.reconstruct(faces)
    by_hand = frechet_with_interval(extractor.features(faces), extractor.features(recon), paired=True)
    assert found["ways"]["reconstruct"]["fd_cnn"] == pytest.approx(asdict(by_hand), rel=1e-3, abs=1e-6)
    ratio = bootstrapped_both(
        lambda real, drawn: float(np.median(drawn) / np.median(real)), sharpness(faces), sharpness(recon), paired=True
    )
    assert found["ways"]["reconstruct"]["sharpness_ratio"] == pytest.approx(asdict(ratio), rel=1e-3)
    for way in found["ways"].values():
        for name in FIGURES:
            assert way[name]["low"] <= way[name]["value"] <= way[name]["high"]
            assert way[name]["n"] == found["n"] == len(faces)
    assert len(told) == len(found["ways"])


def test_what_cannot_be_measured_is_said(
    trained: Callable[[str], Run], tiny_data: Collection, rows: np.ndarray
) -> None:
    model = FaceModel.load(trained("vae"))
    found = generation_section(model, tiny_data, rows, 16, [], lambda _: None)
    assert set(found["ways"]["prior_standard"]) == {"words", "sharpness_ratio"}
    assert "encode" in found["not_measured"]["fitted"]
    few = generation_section(model, tiny_data, rows[:5], 16, [], lambda _: None)
    assert few == {"refused": "needs 16 faces, there are 5"}


def test_no_prior_is_compared_with_the_faces_it_was_fitted_to(
    trained: Callable[[str], Run], tiny_data: Collection, rows: np.ndarray
) -> None:
    run = trained("residual")
    stored = encode_faces(FaceModel.load(run), run, tiny_data, "train", 150)
    model = FaceModel.load(run)
    mu, compared = np.zeros((4000, 4), np.float32), tiny_data.table(rows)
    fitted = {way.name: way for way in ways_of(model, mu, compared, 0)[0]}["prior_fitted"].latents
    others = stored.mu[~stored.labels["image_id"].isin(compared["image_id"])]
    assert fitted.mean(axis=0) == pytest.approx(others.mean(axis=0), abs=0.1)
    spread = np.cov(others.T) + np.diag(stored.posterior_std**2)
    assert np.cov(fitted.T) == pytest.approx(spread, abs=0.1)
    elsewhere = ways_of(model, mu, compared.assign(split="test"), 0)[0]
    all_faces = {way.name: way for way in elsewhere}["prior_fitted"]
    assert f"fitted to {stored.num_encoded} other" in all_faces.words
    assert np.array_equal(all_faces.latents, model.sample_latents(4000, 0, "fitted"))
    missing = ways_of(model, mu, tiny_data.table(tiny_data.rows("train", is_face=True)), 0)[1]
    assert "0 are others than those compared with, and a Gaussian over 4 latents takes 40" in missing["fitted"]


def test_priors_fitted_to_the_split_that_is_measured_are_left_out(
    trained: Callable[[str], Run], tiny_data: Collection, rows: np.ndarray
) -> None:
    run = trained("residual")
    fit_priors(FaceModel.load(run), tiny_data, "train").write(run)
    model, mu, compared = FaceModel.load(run), np.zeros((20, 4), np.float32), tiny_data.table(rows)
    assert "fitted to split train" in ways_of(model, mu, compared, 0)[1]["mixture"]
    assert not {"mixture", "second-stage"} & set(ways_of(model, mu, compared.assign(split="test"), 0)[1])


def test_features_are_what_the_detector_decides_by(
    trained: Callable[[str], Run], faces: np.ndarray, extractor: Extractor
) -> None:
    detector = FaceModel.load(trained("cnn"))
    features = extractor.features(faces)
    assert features.shape == (len(faces), 512)
    last = detector.network.trunk[-1]
    logit = torch.from_numpy(features) @ last.weight[0] + last.bias[0]
    assert logit.numpy() == pytest.approx(detector.face_logit(faces), abs=1e-4)
    assert extractor.about["weights"] == detector.weights_fingerprint


def test_larger_pictures_are_made_smaller_for_it_and_reports_say_so(faces: np.ndarray, extractor: Extractor) -> None:
    larger = faces.repeat(2, axis=1).repeat(2, axis=2)
    assert extractor.features(larger) == pytest.approx(extractor.features(faces), abs=1e-5)
    assert extractor.about_at(32)["pictures"] == "of 32 pixels, made smaller to 16"
    assert extractor.about_at(16) == extractor.about


def test_an_extractor_that_does_not_fit_is_refused(trained: Callable[[str], Run], extractor: Extractor) -> None:
    with pytest.raises(ConfigError, match="is a vae; features"):
        detector_features(FaceModel.load(trained("vae")))
    with pytest.raises(DataError, match="16 pixels or a multiple, these have 40"):
        check_extractors([extractor], 40)
    with pytest.raises(DataError, match="these have 8"):
        extractor.features(np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(ConfigError, match="same name"):
        check_extractors([extractor, replace(extractor, size=0)], 16)


def test_midpoints_lie_on_the_sphere_of_their_ends() -> None:
    mu = numpy_generator(0, "mu").normal(size=(40, 64)).astype(np.float32)
    mu /= np.linalg.norm(mu, axis=1, keepdims=True) / 8
    middle = midpoints(mu, 0)
    assert np.linalg.norm(middle, axis=1) == pytest.approx(8.0, rel=1e-4)
    order = numpy_generator(0, "pairs").permutation(40)
    ends = mu[order], mu[np.roll(order, 1)]
    angles = [np.arccos((middle * end).sum(1) / 64) for end in ends]
    assert angles[0] == pytest.approx(angles[1], abs=1e-3)
    opposite = midpoints(np.stack([mu[0], -mu[0]]), 0)
    assert np.isfinite(opposite).all()


def test_drawing_on_several_threads_changes_no_picture(trained: Callable[[str], Run]) -> None:
    model = FaceModel.load(trained("residual"))
    z = model.sample_latents(150, 0)
    pixels = model.decode(z)
    assert np.array_equal(drawn(model, z), pixels)
    for found, expected in zip(encoded(model, pixels), model.encode(pixels), strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


def test_inception_weights_that_are_not_there_or_not_weights_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch_fidelity")
    with pytest.raises(ConfigError, match="there are no Inception weights"):
        inception_features(tmp_path / "missing.safetensors")
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, other)
    with pytest.raises(CheckpointError, match="holds no Inception weights"):
        inception_features(other)
    other.write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="holds no Inception weights"):
        inception_features(other)
