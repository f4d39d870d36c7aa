"""Apparent lightness: colours whose Lab values are known, and what is taken for skin."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab

from vaelab.errors import DataError
from vaelab.evaluation.lightness import MIN_SHARE, THIRDS, is_skin, lightness, thirds, to_lab

LIGHT, TAN, DARK = (241, 194, 164), (172, 120, 86), (84, 52, 36)


def plain(*colours: tuple[int, int, int], size: int = 32) -> np.ndarray:
    """One picture of each colour."""
    return np.stack([np.broadcast_to(np.array(colour, np.uint8), (size, size, 3)) for colour in colours])


def angle(colour: tuple[int, int, int]) -> float:
    light, _, yellow = rgb2lab(np.array(colour, np.uint8)[None, None])[0, 0]
    return float(np.degrees(np.arctan2(light - 50, yellow)))


def test_lab_is_that_of_the_reference() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (40, 25, 3), dtype=np.uint8)
    np.testing.assert_allclose(to_lab(colours), rgb2lab(colours), atol=0.01)
    np.testing.assert_allclose(to_lab(np.array([[255, 255, 255], [0, 0, 0]], np.uint8))[:, 0], [100, 0], atol=1e-3)


def test_plain_skin_has_the_angle_of_its_colour() -> None:
    found = lightness(plain(LIGHT, TAN, DARK))
    np.testing.assert_allclose(found.ita, [angle(LIGHT), angle(TAN), angle(DARK)], atol=0.05)
    assert found.ita[0] > 41 > 28 > found.ita[1] > -30 > found.ita[2]  # the published classes' order
    assert found.num_skin.tolist() == [found.num_pixels] * 3


def test_less_light_lowers_the_angle_of_the_same_skin() -> None:
    """The caveat itself."""
    shades = [tuple(int(level * share) for level in LIGHT) for share in (1.0, 0.8, 0.6, 0.4)]
    ita = lightness(plain(*shades)).ita
    assert (np.diff(ita) < -10).all()


@pytest.mark.parametrize("colour", [(40, 90, 200), (30, 160, 60), (128, 128, 128), (255, 255, 255), (0, 0, 0)])
def test_what_is_no_skin_has_no_angle(colour: tuple[int, int, int]) -> None:
    found = lightness(plain(colour))
    assert np.isnan(found.ita).all()
    assert found.num_skin.tolist() == [0]


def test_skin_of_all_tones_is_seen() -> None:
    assert is_skin(np.array([LIGHT, TAN, DARK], np.uint8)).all()


def test_only_the_middle_counts_and_only_its_skin() -> None:
    picture = plain((30, 160, 60), size=64)
    picture = np.array(picture)
    picture[:, :10] = DARK  # outside the ellipse
    assert np.isnan(lightness(picture).ita).all()
    picture[:, 24:40, 24:40] = TAN
    picture[:, 30:33, 30:33] = LIGHT  # a glint, smaller than half of the skin
    np.testing.assert_allclose(lightness(picture).ita, angle(TAN), atol=0.05)


def test_too_little_skin_is_unknown_not_guessed() -> None:
    picture = np.array(plain((30, 160, 60), size=64))
    needed = int(np.ceil(MIN_SHARE * lightness(picture).num_pixels))
    middle = [(row, column) for row in range(22, 42) for column in range(26, 38)]
    for row, column in middle[: needed - 1]:
        picture[0, row, column] = TAN
    assert np.isnan(lightness(picture).ita[0])
    row, column = middle[needed - 1]
    picture[0, row, column] = TAN
    assert lightness(picture).ita[0] == pytest.approx(angle(TAN), abs=0.05)


def test_pictures_do_not_depend_on_their_batch() -> None:
    pixels = np.random.default_rng(1).integers(60, 220, (300, 16, 16, 3), dtype=np.uint8)
    pixels[..., 0] = np.maximum(pixels[..., 0], pixels[..., 2])
    together = lightness(pixels)
    alone = lightness(pixels[270:271])
    np.testing.assert_array_equal(together.ita[270], alone.ita[0])
    assert lightness(pixels[:0]).ita.shape == (0,)


def test_thirds_hold_equally_many_and_name_their_cuts() -> None:
    ita = np.array([*np.linspace(-60, 60, 300), np.nan])
    labels, (low, high) = thirds(ita)
    assert labels.isna().tolist() == [False] * 300 + [True]
    assert [labels.str.startswith(third).sum() for third in THIRDS] == [100, 100, 100]
    assert labels[0] == f"darker third (below {low:.1f}°)"
    assert labels[150] == f"middle third ({low:.1f}° to {high:.1f}°)"
    assert labels[299] == f"lighter third ({high:.1f}° and above)"


@pytest.mark.parametrize("ita", [[1.0, 2.0, np.nan], [], [5.0] * 30])
def test_what_cannot_be_cut_is_refused(ita: list[float]) -> None:
    with pytest.raises(DataError, match="apparent lightness"):
        thirds(np.array(ita, np.float64))
