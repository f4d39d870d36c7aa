"""FaceModel: numpy in, numpy out, the same numbers from any thread and any batch."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from vaelab.data.collection import Collection
from vaelab.errors import CheckpointError, ConfigError, DataError
from vaelab.inference import FaceModel
from vaelab.models import build_model
from vaelab.rng import numpy_generator
from vaelab.runs.checkpoints import read_checkpoint, write_checkpoint
from vaelab.runs.store import Run
from vaelab.scorecard.encoding import encode_faces
from vaelab.training.pixels import images_on


@pytest.fixture(params=["vae", "dbvae", "residual"])
def model(request: pytest.FixtureRequest, trained: Callable[[str], Run]) -> FaceModel:
    return FaceModel.load(trained(request.param))


@pytest.fixture
def encoded(trained: Callable[[str], Run], tiny_data: Collection) -> FaceModel:
    """A model with stored latents of the training faces."""
    run = trained("residual")
    encode_faces(FaceModel.load(run), run, tiny_data, "train", 100)
    return FaceModel.load(run)


def latents(model: FaceModel, count: int) -> np.ndarray:
    return numpy_generator(0, "z").standard_normal((count, model.latent_size)).astype(np.float32)


def test_the_network_is_the_saved_one(model: FaceModel, trained: Callable[[str], Run], faces: np.ndarray) -> None:
    run = trained(model.config.model.model)
    network = build_model(run.config)
    network.load_state_dict(read_checkpoint(run.weights_path).tensors)
    posterior = network.eval().encode(images_on(faces, torch.device("cpu"))).posterior
    assert posterior is not None
    mu, std = model.encode(faces)
    np.testing.assert_allclose(mu, posterior.mu.detach().numpy(), atol=1e-4)
    np.testing.assert_allclose(std, posterior.std.detach().numpy(), rtol=1e-4)


def test_a_picture_does_not_depend_on_its_batch(model: FaceModel, faces: np.ndarray) -> None:
    z = latents(model, 300)  # more than one batch inside
    together = model.decode(z).astype(int)
    alone = np.concatenate([model.decode(z[index : index + 1]) for index in (0, 17, 255, 256, 299)]).astype(int)
    assert np.abs(alone - together[[0, 17, 255, 256, 299]]).max() <= 1
    mu, _ = model.encode(faces)
    np.testing.assert_allclose(model.encode(faces[3:4])[0], mu[3:4], atol=1e-4)


def test_several_threads_decode_what_one_does(model: FaceModel, faces: np.ndarray) -> None:
    z = latents(model, 8)
    expected, means = model.decode(z), model.encode(faces)[0]
    with ThreadPoolExecutor(4) as pool:
        decoded = list(pool.map(model.decode, [z] * 16))
        encoded = list(pool.map(lambda _: model.encode(faces)[0], range(8)))
    assert all(np.abs(found.astype(int) - expected).max() <= 1 for found in decoded)
    assert all(np.allclose(found, means, atol=1e-4) for found in encoded)


def test_decoding_leaves_the_number_of_threads_as_it_was(model: FaceModel) -> None:
    """A training may run in the same process: it must not be slowed for good by somebody who looks at faces."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(model.decode, [latents(model, 2)] * 64))
        seen = [torch.get_num_threads()]
        other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        other.start()
        other.join()
        assert seen == [2, 2]
    finally:
        torch.set_num_threads(before)


def test_reconstruction_goes_through_the_mean(model: FaceModel, faces: np.ndarray) -> None:
    recon = model.reconstruct(faces)
    assert recon.dtype == np.uint8
    assert recon.shape == faces.shape
    assert np.array_equal(recon, model.decode(model.encode(faces)[0]))


def test_nothing_in_gives_nothing_out(model: FaceModel) -> None:
    empty = np.empty((0, 16, 16, 3), np.uint8)
    assert model.decode(np.empty((0, model.latent_size), np.float32)).shape == (0, 16, 16, 3)
    assert model.encode(empty)[0].shape == (0, model.latent_size)
    assert model.reconstruct(empty).shape == (0, 16, 16, 3)


def test_wrong_pictures_and_latents_are_refused_with_what_was_met(model: FaceModel) -> None:
    with pytest.raises(DataError, match=r"\(1, 8, 8, 3\)"):
        model.encode(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(DataError, match=r"\(2, 3\)"):
        model.decode(np.zeros((2, 3), np.float32))
    broken = latents(model, 1)
    broken[0, 0] = np.nan
    with pytest.raises(DataError, match="finite"):
        model.decode(broken)


# --- detecting


def test_probabilities_are_those_of_the_logits(
    trained: Callable[[str], Run], faces: np.ndarray, nonfaces: np.ndarray
) -> None:
    for kind in ("cnn", "dbvae"):
        model = FaceModel.load(trained(kind))
        pixels = np.concatenate([faces, nonfaces])
        logits, probs = model.face_logit(pixels), model.face_prob(pixels)
        assert logits.shape == probs.shape == (len(pixels),)
        expected = torch.from_numpy(logits).sigmoid().numpy()
        np.testing.assert_allclose(probs, expected, atol=1e-6)
        assert model.face_prob(faces).mean() > model.face_prob(nonfaces).mean()
        assert model.face_logit(faces[:0]).shape == (0,)


def test_a_model_says_what_it_cannot_do(trained: Callable[[str], Run], faces: np.ndarray) -> None:
    classifier, vae = FaceModel.load(trained("cnn")), FaceModel.load(trained("vae"))
    assert classifier.latent_size == 0
    for call in (lambda: classifier.encode(faces), lambda: classifier.decode(np.zeros((1, 4), np.float32))):
        with pytest.raises(ConfigError, match="no decoder"):
            call()
    with pytest.raises(ConfigError, match="no decoder"):
        classifier.sample_latents(1, 0)
    with pytest.raises(ConfigError, match="does not detect"):
        vae.face_logit(faces)


# --- latents


def test_samples_follow_from_the_seed(model: FaceModel) -> None:
    first, second, other = (model.sample_latents(5, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(model.sample_latents(5, 1, temperature=0.5), 0.5 * first, rtol=1e-6)


def test_the_standard_prior_is_standard_normal(model: FaceModel) -> None:
    z = model.sample_latents(20_000, 0)
    assert np.abs(z.mean(axis=0)).max() < 0.05
    np.testing.assert_allclose(np.cov(z, rowvar=False), np.eye(model.latent_size), atol=0.05)


def test_the_fitted_prior_has_the_moments_of_the_encoded_faces(encoded: FaceModel, tiny_data: Collection) -> None:
    mu, std = encoded.encode(tiny_data.pixels(tiny_data.rows("train", is_face=True)))
    covariance = np.cov(mu, rowvar=False) + np.diag(np.square(std).mean(axis=0))
    z = encoded.sample_latents(60_000, 0, prior="fitted")
    np.testing.assert_allclose(z.mean(axis=0), mu.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(np.cov(z, rowvar=False), covariance, atol=0.05)
    at_zero = encoded.sample_latents(2, 0, prior="fitted", temperature=0.0)
    np.testing.assert_allclose(at_zero, np.tile(mu.mean(axis=0), (2, 1)), atol=1e-5)


def test_priors_that_are_not_there_are_refused(model: FaceModel) -> None:
    with pytest.raises(ConfigError, match="encode"):
        model.sample_latents(1, 0, prior="fitted")
    with pytest.raises(ConfigError, match="choose one of: standard, fitted"):
        model.sample_latents(1, 0, prior="uniform")


def test_the_most_informative_latents_come_first(encoded: FaceModel, model: FaceModel) -> None:
    assert encoded.latents is not None
    kl = encoded.latents.kl_per_dim[encoded.dims_by_information]
    assert (np.diff(kl) <= 0).all()
    assert sorted(encoded.dims_by_information) == list(range(encoded.latent_size))
    assert model.dims_by_information.tolist() == list(range(model.latent_size))


def test_a_slider_spans_99_percent_of_the_prior(model: FaceModel) -> None:
    low, high = model.slider_range(0)
    normal = torch.distributions.Normal(0.0, 1.0)
    assert float(normal.cdf(torch.tensor(high)) - normal.cdf(torch.tensor(low))) == pytest.approx(0.99, abs=1e-5)
    with pytest.raises(DataError, match="no latent 4"):
        model.slider_range(4)


def test_stored_latents_keep_labels_and_no_empty_column(encoded: FaceModel) -> None:
    assert encoded.latents is not None
    labels = encoded.latents.labels
    assert len(labels) == 100
    assert "glasses" in labels
    assert labels.notna().any().all()


# --- loading


def test_weights_of_another_network_are_refused_by_name(trained: Callable[[str], Run]) -> None:
    run = trained("vae")
    run.weights_path.write_bytes(trained("residual").weights_path.read_bytes())
    with pytest.raises(CheckpointError, match=r"tensor '[a-z0-9_.]+'"):
        FaceModel.load(run)


def test_missing_weights_say_what_to_do(trained: Callable[[str], Run]) -> None:
    run = trained("vae")
    run.weights_path.unlink()
    with pytest.raises(CheckpointError, match="train or resume"):
        FaceModel.load(run)


def test_latents_of_other_weights_are_refused(encoded: FaceModel, trained: Callable[[str], Run]) -> None:
    run = trained("residual")
    weights = read_checkpoint(run.weights_path)
    changed = {name: tensor * 1.01 for name, tensor in weights.tensors.items()}
    write_checkpoint(run, run.weights_path, changed, weights.record)
    with pytest.raises(CheckpointError, match="encode"):
        FaceModel.load(run)
    assert FaceModel.load(run, with_latents=False).latents is None


def test_half_precision_weights_load(trained: Callable[[str], Run], faces: np.ndarray) -> None:
    run = trained("residual")
    full = FaceModel.load(run).reconstruct(faces).astype(int)
    weights = read_checkpoint(run.weights_path)
    write_checkpoint(run, run.weights_path, {n: t.half() for n, t in weights.tensors.items()}, weights.record)
    assert np.abs(FaceModel.load(run).reconstruct(faces) - full).mean() < 1.0


def test_a_model_is_known_by_run_and_weights(model: FaceModel, trained: Callable[[str], Run]) -> None:
    about = model.about()
    assert about["model"] == model.run_id == trained(model.config.model.model).id
    assert len(about["weights"]) == 16
    assert (about["size"], about["latent"]) == (16, 4)
