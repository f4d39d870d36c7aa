"""Curves as a picture: one panel per reported part, and a line that falls where the loss does."""

import numpy as np

from vaelab.curves import HEIGHT, WIDTH, curves_picture

TEAL = (15, 107, 102)


def rows(values: list[float], part: str = "loss") -> list[dict[str, object]]:
    return [{"kind": "train", "images_seen": 100 * place, part: value} for place, value in enumerate(values, 1)]


def teal_heights(picture: np.ndarray) -> tuple[float, float]:
    """Mean height of the training line in the left and in the right third, pixels from the top."""
    line = np.all(picture[60:-60] == TEAL, axis=2)
    thirds = (line[:, : WIDTH // 3], line[:, 2 * WIDTH // 3 :])
    return tuple(float(np.nonzero(third)[0].mean()) for third in thirds)  # type: ignore[return-value]


def test_nothing_reported_is_no_picture() -> None:
    assert curves_picture([]) is None
    assert curves_picture(rows([1.0])) is None, "one point is no curve"


def test_each_reported_part_has_its_panel() -> None:
    picture = curves_picture(rows([3.0, 2.0, 1.0]) + rows([0.1, 0.2, 0.2], "kl"))
    assert picture is not None
    assert picture.shape == (HEIGHT, 2 * WIDTH, 3)


def test_a_falling_loss_falls_on_the_picture() -> None:
    picture = curves_picture(rows([100.0 - step for step in range(40)]))
    assert picture is not None
    left, right = teal_heights(picture)
    assert right > left + 40


def test_a_steep_beginning_does_not_flatten_the_rest() -> None:
    picture = curves_picture(rows([1e9] + [10.0 - step / 10 for step in range(60)]))
    assert picture is not None
    left, right = teal_heights(picture)
    assert right > left + 40


def test_equal_values_are_drawn() -> None:
    assert curves_picture(rows([2.0, 2.0, 2.0])) is not None
