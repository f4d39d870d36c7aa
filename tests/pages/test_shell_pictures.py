"""Files of faces: the pixels are the model's, and the metadata says that a model made them."""

import io
import json

import numpy as np
from PIL import Image

from pages.shell.pictures import keepsake, png, sheet
from vaelab.pictures import SYNTHETIC_MEDIA

FACE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def test_the_small_png_has_exactly_the_pixels() -> None:
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(FACE)))), FACE)


def test_a_keepsake_says_that_it_is_generated_and_from_what() -> None:
    image = Image.open(io.BytesIO(keepsake(FACE, {"seed": 7}, 16)))
    assert np.array_equal(np.asarray(image), FACE)
    assert "Not a photograph" in image.info["Description"]
    assert json.loads(image.info["vaelab"]) == {"seed": 7}
    assert SYNTHETIC_MEDIA in image.info["XML:com.adobe.xmp"]


def test_a_keepsake_can_be_larger() -> None:
    assert Image.open(io.BytesIO(keepsake(FACE, {}, 64))).size == (64, 64)


def test_a_sheet_puts_faces_side_by_side_in_order() -> None:
    faces = np.stack([np.full((16, 16, 3), value, np.uint8) for value in (0, 128, 255)])
    row = np.asarray(Image.open(io.BytesIO(sheet(faces))).convert("L"))
    assert row.shape == (16, 48)
    assert [round(float(row[:, start : start + 16].mean())) for start in (0, 16, 32)] == [0, 128, 255]
