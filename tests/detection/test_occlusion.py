"""The occlusion map finds the one place that a detector looks at."""

import numpy as np
import pytest

from vaelab.detection.occlusion import occlusion_map, shaded
from vaelab.errors import DataError


class Corner:
    """A detector that goes by the brightness of one corner alone."""

    size = 64

    def face_logit(self, pixels: np.ndarray) -> np.ndarray:
        return pixels[:, 4:16, 4:16].mean(axis=(1, 2, 3)).astype(np.float32)


def test_only_the_part_that_counts_lights_up() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[4:16, 4:16] = 200
    values = occlusion_map(Corner(), picture)
    assert values.shape == (64, 64)
    top, left = np.unravel_index(values.argmax(), values.shape)
    assert top < 20
    assert left < 20
    assert values[40:, 40:].max() == 0.0
    assert values[8, 8] > 50


def test_what_speaks_against_a_face_is_negative_and_blue() -> None:
    picture = np.full((64, 64, 3), 200, np.uint8)
    picture[4:16, 4:16] = 0
    values = occlusion_map(Corner(), picture)
    assert values.min() < -50
    red, _, blue = shaded(picture, values)[8, 8].tolist()
    assert blue > red


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match=r"\(64, 64, 3\) was expected"):
        occlusion_map(Corner(), np.zeros((32, 32, 3), np.uint8))
