"""The largest logit over windows: which squares are looked at, and that the best of them decides."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from tests.test_photos import drawn_face, needs_face
from vaelab.errors import ConfigError, DataError
from vaelab.inference import FaceModel
from vaelab.portraits.windows import Detector, Windows, num_windows, window_logits
from vaelab.runs.store import find_run


@dataclass(frozen=True)
class Brightness:
    """A detector whose logit is the mean level of a picture."""

    size: int = 8
    asked: list[int] = field(default_factory=list)

    def face_logit(self, pixels: np.ndarray) -> np.ndarray:
        assert pixels.shape[1:] == (self.size, self.size, 3)
        self.asked.append(len(pixels))
        return pixels.mean(axis=(1, 2, 3), dtype=np.float64).astype(np.float32)


def noise(count: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_windows_are_those_of_the_published_code() -> None:
    """Five sides from half to whole, steps of a fifth of the side: 36 + 16 + 4 + 1 + 1."""
    boxes = Windows().boxes(100)
    assert [sum(side == wanted for _, _, side in boxes) for wanted in (50, 62, 75, 87, 100)] == [36, 16, 4, 1, 1]
    assert num_windows(100) == 58
    assert boxes[0] == (0, 0, 50)
    assert boxes[1] == (10, 0, 50)
    assert boxes[-1] == (0, 0, 100)


@pytest.mark.parametrize("side", [1, 3, 17, 64, 256])
def test_every_window_lies_inside_and_none_comes_twice(side: int) -> None:
    boxes = Windows(smallest=0.3, num_sizes=7, stride=0.15).boxes(side)
    assert len(set(boxes)) == len(boxes)
    assert all(left >= 0 and top >= 0 and max(left, top) + window <= side for left, top, window in boxes)


def test_the_brightest_window_decides() -> None:
    picture = np.zeros((1, 32, 32, 3), np.uint8)
    picture[:, 9:, 9:] = 255  # the window at 15 and all that its resizing reads
    detector = Brightness()
    assert window_logits(detector, picture)[0] == pytest.approx(255, abs=1e-3)
    assert detector.asked == [num_windows(32)]
    whole = np.asarray(Image.fromarray(picture[0]).resize((8, 8), Image.Resampling.LANCZOS))
    assert detector.face_logit(whole[None])[0] < 140


def test_more_windows_never_lower_the_logit() -> None:
    """Why negatives have to be looked at in as many."""
    pictures = noise(6, 64)
    one = window_logits(Brightness(), pictures, Windows(smallest=1.0, num_sizes=1))
    many = window_logits(Brightness(), pictures)
    assert (many > one).all()


def test_a_picture_does_not_depend_on_its_company() -> None:
    pictures = noise(3, 32)
    np.testing.assert_array_equal(window_logits(Brightness(), pictures)[2:], window_logits(Brightness(), pictures[2:]))
    assert window_logits(Brightness(), pictures[:0]).shape == (0,)


def test_windows_smaller_than_the_model_are_refused() -> None:
    with pytest.raises(DataError, match="give windows of 32, and the model looks at 64; prepare them with --size 128"):
        window_logits(Brightness(size=64), noise(1, 64))


@pytest.mark.parametrize(
    "settings",
    [{"smallest": 0.0}, {"smallest": 0.9, "largest": 0.8}, {"largest": 1.1}, {"num_sizes": 0}, {"stride": 0}],
)
def test_windows_that_make_no_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="windows"):
        Windows(**settings)


@needs_face
def test_a_face_at_the_edge_is_found_by_a_shipped_detector() -> None:
    model = FaceModel.load(find_run("cnn"))
    assert isinstance(model, Detector)
    portrait = Image.new("RGB", (160, 160), (120, 140, 130))
    portrait.paste(drawn_face().resize((84, 84), Image.Resampling.BICUBIC), (72, 4))
    pixels = np.array(portrait)[None]
    whole = np.array(portrait.resize((64, 64), Image.Resampling.LANCZOS))[None]
    assert window_logits(model, pixels)[0] > model.face_logit(whole)[0]
