"""The dense form is the network itself where it can be, and says where not; strips change nothing."""

from collections.abc import Callable

import numpy as np
import pytest

from vaelab.detection import dense
from vaelab.detection.dense import DenseDetector
from vaelab.errors import ConfigError
from vaelab.inference import FaceModel
from vaelab.runs.store import Run

Make = Callable[..., FaceModel]


@pytest.mark.parametrize("model", ["cnn", "dbvae"])
def test_one_window_alone_is_what_the_network_makes_of_it(detector: Make, photo: np.ndarray, model: str) -> None:
    """A picture of one window has the zeros around it that the network puts there: the two must agree."""
    face_model = detector(model)
    window = np.ascontiguousarray(photo[:64, :64])
    dense_logit = DenseDetector.of(face_model).logits(window)
    assert dense_logit.shape == (1, 1)
    np.testing.assert_allclose(dense_logit[0], face_model.face_logit(window[None]), rtol=1e-4, atol=1e-4)


def test_there_is_a_logit_at_every_stride(detector: Make, photo: np.ndarray) -> None:
    dense_detector = DenseDetector.of(detector("cnn"))
    assert (dense_detector.size, dense_detector.stride) == (64, 16)
    assert dense_detector.logits(photo).shape == (9, 13)
    assert dense_detector.logits(photo[:63]).shape == (0, 0)


def test_windows_inside_differ_by_their_surroundings_only(detector: Make) -> None:
    """On black ground the neighbours of a window are its zeros, up to what the trunk's biases make of them."""
    face_model = detector("cnn")
    for module in face_model.network.modules():
        if (bias := getattr(module, "bias", None)) is not None:
            bias.zero_()
    window = np.random.default_rng(1).integers(0, 256, (1, 64, 64, 3), np.uint8)
    ground = np.zeros((64 * 3, 64 * 3, 3), np.uint8)
    ground[64:128, 64:128] = window[0]
    inside = DenseDetector.of(face_model).logits(ground)[4, 4]
    alone = face_model.face_logit(window)[0]
    assert inside != alone, "the trunk sees beyond the window, as the module's first lines say"


def test_strips_change_nothing(detector: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tall = np.random.default_rng(2).integers(0, 256, (16 * 23 + 5, 100, 3), np.uint8)
    dense_detector = DenseDetector.of(detector("cnn"))
    whole = dense_detector.logits(tall)
    for units in (1, 4, 7):
        monkeypatch.setattr(dense, "STRIP_UNITS", units)
        np.testing.assert_allclose(dense_detector.logits(tall), whole, rtol=1e-4, atol=1e-5)


def test_what_does_not_detect_is_refused(trained: Callable[[str], Run]) -> None:
    with pytest.raises(ConfigError, match="does not detect; take a cnn or a dbvae"):
        DenseDetector.of(FaceModel.load(trained("residual"), with_latents=False))
