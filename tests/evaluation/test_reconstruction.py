"""Reconstruction measures: PSNR, sharpness, and PCA as the linear model to beat."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vaelab.data.collection import Collection
from vaelab.errors import DataError
from vaelab.evaluation.intervals import mean_with_interval
from vaelab.evaluation.reconstruction import PrincipalComponents, psnr, rms_error, sharpness, ssim
from vaelab.rng import numpy_generator


def test_psnr_follows_its_definition(faces: np.ndarray) -> None:
    noise = numpy_generator(0, "noise").integers(-9, 9, faces.shape)
    noisy = np.clip(faces.astype(int) + noise, 0, 255).astype(np.uint8)
    for found, one, other in zip(psnr(faces, noisy), faces, noisy, strict=True):
        error = ((one.astype(float) / 255 - other.astype(float) / 255) ** 2).mean()
        assert found == pytest.approx(-10 * np.log10(error), abs=1e-3)


def test_the_error_says_the_same_as_psnr_in_levels(faces: np.ndarray) -> None:
    assert np.allclose(rms_error(faces, faces), 0.0)
    assert np.allclose(rms_error(np.zeros_like(faces), np.full_like(faces, 255)), 255.0)
    darker = (faces // 2).astype(np.uint8)
    assert np.allclose(20 * np.log10(255.0 / rms_error(faces, darker)), psnr(faces, darker), atol=1e-3)


def test_psnr_is_one_finite_number_per_picture(faces: np.ndarray) -> None:
    assert psnr(faces, faces).shape == (len(faces),)
    assert np.allclose(psnr(faces, faces), 100.0)
    assert np.allclose(psnr(np.zeros_like(faces), np.full_like(faces, 255)), 0.0)


def test_a_blurred_picture_is_less_sharp_and_a_flat_one_not_at_all(faces: np.ndarray) -> None:
    wide = faces.astype(np.uint16)
    blurred = (
        (wide + np.roll(wide, 1, axis=1) + np.roll(wide, 1, axis=2) + np.roll(wide, (1, 1), (1, 2))) // 4
    ).astype(np.uint8)
    assert (sharpness(blurred) < sharpness(faces)).all()
    assert np.allclose(sharpness(np.full_like(faces, 90)), 0.0, atol=1e-6)


def test_the_interval_holds_the_mean_and_narrows_with_more_pictures() -> None:
    values = numpy_generator(0, "values").normal(20.0, 3.0, 4000).astype(np.float32)
    few, many = mean_with_interval(values[:100]), mean_with_interval(values)
    for found in (few, many):
        assert found.low < found.mean < found.high
    assert many.high - many.low < few.high - few.low
    assert many.n == 4000
    # width of a 95 % interval of a mean: 2 * 1.96 * deviation / sqrt(n)
    assert many.high - many.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(4000), rel=0.15)


def test_principal_components_are_those_of_scikit_learn(tiny_data: Collection, faces: np.ndarray) -> None:
    training = tiny_data.pixels(tiny_data.rows("train", is_face=True))
    ours = PrincipalComponents.fit(training, 12)
    exact = PCA(12, svd_solver="full").fit(training.reshape(len(training), -1) / 255.0)
    theirs = exact.inverse_transform(exact.transform(faces.reshape(len(faces), -1) / 255.0))
    expected = np.rint(theirs.clip(0, 1) * 255).reshape(faces.shape)
    assert np.abs(ours.reconstruct(faces).astype(int) - expected).max() <= 1


def test_more_components_come_nearer(tiny_data: Collection) -> None:
    training = tiny_data.pixels(tiny_data.rows("train", is_face=True))
    quality = [psnr(training, PrincipalComponents.fit(training, n).reconstruct(training)).mean() for n in (1, 8, 40)]
    assert quality == sorted(quality)


def test_fitting_leaves_the_global_generator_alone_and_repeats(faces: np.ndarray) -> None:
    first, second = (PrincipalComponents.fit(faces, 3).components for _ in range(2))
    assert np.array_equal(first, second)


def test_components_need_more_pictures(faces: np.ndarray) -> None:
    with pytest.raises(DataError, match="need more pictures"):
        PrincipalComponents.fit(faces, len(faces))


def test_structural_similarity_is_that_of_scikit_image(faces: np.ndarray) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    noise = numpy_generator(0, "noise").integers(-30, 30, faces.shape)
    noisy = np.clip(faces.astype(int) + noise, 0, 255).astype(np.uint8)
    for found, one, other in zip(ssim(faces, noisy), faces, noisy, strict=True):
        expected = metrics.structural_similarity(
            one, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1
        )
        assert found == pytest.approx(expected, abs=1e-4)


def test_equal_pictures_are_alike_and_inverted_ones_are_not(faces: np.ndarray) -> None:
    assert ssim(faces, faces) == pytest.approx(1.0)
    assert (ssim(faces, 255 - faces) < 0.5).all()
    with pytest.raises(DataError, match="11 pixels"):
        ssim(faces[:, :8, :8], faces[:, :8, :8])
