"""Pictures for people: every picture stands on the sheet unchanged, and the file says that it was generated."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaelab.errors import DataError
from vaelab.pictures import (
    PARTLY_SYNTHETIC_MEDIA,
    SYNTHETIC_MEDIA,
    compared_png_bytes,
    contact_sheet,
    png_bytes,
    save_generated,
)
from vaelab.rng import numpy_generator


@pytest.fixture
def pixels() -> np.ndarray:
    return numpy_generator(0, "pixels").integers(0, 255, (7, 16, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("columns", [1, 3, 7, 20])
def test_every_picture_stands_on_the_sheet_row_by_row(pixels: np.ndarray, columns: int) -> None:
    gap = 2
    sheet = contact_sheet(pixels, columns, gap)
    used = min(columns, len(pixels))
    for index, picture in enumerate(pixels):
        top, left = (16 + gap) * (index // used), (16 + gap) * (index % used)
        assert np.array_equal(sheet[top : top + 16, left : left + 16], picture)
    rows = -(-len(pixels) // used)
    assert sheet.shape == (rows * 18 - gap, used * 18 - gap, 3)


def test_a_sheet_of_nothing_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least one"):
        contact_sheet(pixels[:0], 3)


def test_the_png_keeps_the_pixels_and_says_how_they_came_to_be(pixels: np.ndarray) -> None:
    image = Image.open(io.BytesIO(png_bytes(pixels[0], {"seed": 7})))
    assert np.array_equal(np.asarray(image), pixels[0])
    assert "no real person" in image.text["Description"]  # type: ignore[attr-defined]
    assert json.loads(image.text["vaelab"]) == {"seed": 7}  # type: ignore[attr-defined]


def test_a_sheet_with_originals_does_not_say_that_all_of_it_was_generated(pixels: np.ndarray) -> None:
    image = Image.open(io.BytesIO(compared_png_bytes(pixels[0], {"model": "tiny"})))
    assert np.array_equal(np.asarray(image), pixels[0])
    assert PARTLY_SYNTHETIC_MEDIA in image.info["XML:com.adobe.xmp"]
    assert SYNTHETIC_MEDIA not in image.info["XML:com.adobe.xmp"]
    assert "no real person" not in str(image.info)
    assert "may be a photograph" in image.info["Description"]
    assert json.loads(image.info["vaelab"]) == {"model": "tiny"}


def test_folders_are_made_for_a_picture(pixels: np.ndarray, tmp_path: Path) -> None:
    save_generated(pixels[0], tmp_path / "new" / "a.png", {})
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new" / "a.png")), pixels[0])


def test_a_place_that_cannot_be_written_is_named(pixels: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="choose another place"):
        save_generated(pixels[0], tmp_path / "file" / "a.png", {})
