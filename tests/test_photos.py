"""Photos as visitors have them: turned, grey, huge, faceless, or none at all. Faces are drawn by a shipped model."""

from __future__ import annotations

import functools
import importlib.util
import io
import math
import tomllib

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.readme.places import ROOT
from vaelab import photos
from vaelab.inference import FaceModel
from vaelab.photos import (
    LONGEST_SIDE,
    MAX_PHOTO_BYTES,
    MIN_SIDE,
    FaceBox,
    PhotoError,
    crop_face,
    find_faces,
    read_photo,
)
from vaelab.runs.store import find_run

has_dlib = all(importlib.util.find_spec(name) for name in ("dlib", "face_recognition_models"))
needs_dlib = pytest.mark.skipif(not has_dlib, reason="dlib-bin or face_recognition_models is not installed")
needs_face = pytest.mark.skipif(
    not (has_dlib and (ROOT / "checkpoints" / "face-vae").is_dir()), reason="the model face-vae is not here"
)
KEPT_FACE = 4
"""A frontal face among the stored ones, which the older detector is sure of."""
GREY = (120, 140, 130)


@functools.cache
def drawn_face() -> Image.Image:
    """A face of 64 pixels, framed as the training crops are."""
    model = FaceModel.load(find_run("face-vae", ROOT / "checkpoints"))
    assert model.latents is not None
    return Image.fromarray(model.decode(model.latents.mu[KEPT_FACE][None])[0])


def photo_with_face(
    size: tuple[int, int], centre: tuple[float, float], side: int, angle: float = 0.0, onto: Image.Image | None = None
) -> Image.Image:
    """The face on an even ground (or on `onto`), leaning clockwise by `angle` degrees."""
    face = drawn_face().resize((side, side), Image.Resampling.BICUBIC).convert("RGBA")
    face = face.rotate(-angle, Image.Resampling.BICUBIC, expand=True)
    picture = Image.new("RGB", size, GREY) if onto is None else onto
    picture.paste(face, (round(centre[0] - face.width / 2), round(centre[1] - face.height / 2)), face)
    return picture


def encoded(picture: Image.Image, format: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def assert_at(box: FaceBox, centre: tuple[float, float], side: float, angle: float = 0.0) -> None:
    assert math.hypot(box.x - centre[0], box.y - centre[1]) < 0.08 * side
    assert 0.88 < box.side / side < 1.12
    assert abs((box.angle - angle + 180) % 360 - 180) < 5


@needs_face
@pytest.mark.parametrize("centre", [(150, 150), (750, 150), (450, 350), (150, 550), (750, 550)])
def test_a_face_is_found_where_it_is(centre: tuple[int, int]) -> None:
    (box,) = find_faces(np.asarray(photo_with_face((900, 700), centre, 260)))
    assert_at(box, centre, 260)


@needs_face
@pytest.mark.parametrize("angle", [-20, 12, 20])
def test_a_leaning_face_is_turned_upright(angle: int) -> None:
    photo = np.asarray(photo_with_face((900, 700), (450, 350), 300, angle))
    box = find_faces(photo)[0]
    assert_at(box, (450, 350), 300, angle)
    wanted = np.asarray(drawn_face()).astype(float)
    assert np.abs(crop_face(photo, box, 64) - wanted)[8:-8, 8:-8].mean() < 12


@needs_face
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side_gives_the_same_crop(quarters: int) -> None:
    upright = np.asarray(photo_with_face((640, 480), (400, 200), 240))
    lying = np.ascontiguousarray(np.rot90(upright, quarters))
    (there,), (box,) = find_faces(upright), find_faces(lying)
    assert abs(box.angle - there.angle) > 80
    difference = crop_face(lying, box, 64).astype(float) - crop_face(upright, there, 64)
    assert np.abs(difference).mean() < 6


@needs_face
def test_several_faces_come_with_the_most_prominent_first() -> None:
    photo = photo_with_face((1200, 700), (950, 350), 170)
    boxes = find_faces(np.asarray(photo_with_face((1200, 700), (350, 350), 420, onto=photo)))
    assert len(boxes) == 2
    assert_at(boxes[0], (350, 350), 420)
    assert_at(boxes[1], (950, 350), 170)


@needs_face
def test_a_small_face_in_a_small_photo_is_found() -> None:
    (box,) = find_faces(np.asarray(photo_with_face((320, 240), (200, 110), 90)))
    assert_at(box, (200, 110), 90)


@needs_face
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_exif_turns_the_photo_before_the_search(orientation: int) -> None:
    upright = photo_with_face((900, 700), (600, 300), 260)
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    photo = read_photo(encoded(stored, exif=exif, quality=92))
    assert photo.shape == (700, 900, 3)
    assert_at(find_faces(photo)[0], (600, 300), 260)


@needs_face
@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printers_colours(mode: str) -> None:
    photo = read_photo(encoded(photo_with_face((900, 700), (450, 350), 260).convert(mode), quality=92))
    assert photo.shape == (700, 900, 3)
    assert_at(find_faces(photo)[0], (450, 350), 260)


@needs_face
def test_thirty_megapixels_are_read_at_a_fraction() -> None:
    large = photo_with_face((900, 675), (600, 300), 260).resize((6320, 4740), Image.Resampling.BILINEAR)
    photo = read_photo(encoded(large, quality=85))
    assert photo.shape == (1200, LONGEST_SIDE, 3)
    scale = LONGEST_SIDE / 900
    assert_at(find_faces(photo)[0], (600 * scale, 300 * scale), 260 * scale)


@needs_face
def test_of_an_animation_the_first_frame_counts() -> None:
    first = photo_with_face((480, 360), (240, 180), 240)
    data = encoded(first, "GIF", save_all=True, append_images=[Image.new("RGB", first.size)], duration=50)
    assert_at(find_faces(read_photo(data))[0], (240, 180), 240)


@needs_dlib
def test_no_face_gives_no_box() -> None:
    across = np.linspace(0, 255, 400).astype(np.uint8)
    assert find_faces(np.stack([np.tile(across, (300, 1))] * 3, axis=-1)) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"no picture at all" * 20, "it is not recognised as a picture. Take a JPEG, PNG or WebP file.$"),
    ],
)
def test_what_is_no_photo_is_called_by_its_name(data: bytes, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        read_photo(data)


def test_browsers_are_told_the_limit_that_the_server_keeps() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["maxUploadSize"] * 2**20 == MAX_PHOTO_BYTES


def test_a_truncated_photo_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise))
    with pytest.raises(PhotoError, match="truncated"):
        read_photo(data[: len(data) // 2])


@pytest.mark.parametrize(("size", "millions"), [((12_000, 9_000), "108"), ((30_000, 30_000), "900")])
def test_more_than_a_hundred_megapixels_are_refused(size: tuple[int, int], millions: str) -> None:
    data = encoded(Image.new("1", size), "PNG")
    with pytest.raises(PhotoError, match=f"^This photo has too many pixels: {millions} million, and up to 100 million"):
        read_photo(data)


@needs_dlib
def test_the_crop_is_the_square_turned_upright() -> None:
    """Four corners of different colours, on a square that leans by 30 degrees."""
    square = Image.new("RGB", (2, 2))
    square.putdata([(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)])
    tile = square.resize((200, 200), Image.Resampling.NEAREST).convert("RGBA")
    turned = tile.rotate(-30, Image.Resampling.BICUBIC, expand=True)
    photo = Image.new("RGB", (500, 400), GREY)
    photo.paste(turned, (round(260 - turned.width / 2), round(190 - turned.height / 2)), turned)
    crop = crop_face(np.asarray(photo), FaceBox(260, 190, 200, 30), 64)
    difference = np.abs(crop.astype(float) - np.asarray(tile.convert("RGB").resize((64, 64))))
    assert np.median(difference) == 0
    assert difference[4:28, 4:28].max() < 12
    assert difference[36:60, 36:60].max() < 12


@needs_dlib
def test_outside_the_photo_it_is_black_as_in_training() -> None:
    photo = np.full((200, 200, 3), 200, np.uint8)
    crop = crop_face(photo, FaceBox(0, 100, 100), 64)
    assert crop[:, :28].max() < 8
    assert crop[:, 36:].min() > 192


@needs_dlib
def test_fine_stripes_do_not_become_coarse_ones() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = crop_face(stripes, FaceBox(512, 512, 1000), 64)
    assert crop[4:-4, 4:-4].std() < 6


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (FaceBox(50, 50, MIN_SIDE - 8), f"24 pixels wide, and {MIN_SIDE}"),
        (FaceBox(float("nan"), 50, 60), "finite"),
        (FaceBox(50, 50, float("inf")), "finite"),
        (FaceBox(-200, 50, 60), "outside"),
        (FaceBox(50, 50, 1e9), "outside"),
    ],
)
def test_a_box_that_cannot_be_cropped_is_explained(box: FaceBox, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        crop_face(np.zeros((100, 100, 3), np.uint8), box, 64)


def test_without_dlib_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "face_rec" in name else real(name))
    photos._load_models.cache_clear()
    with pytest.raises(PhotoError, match="pip install dlib-bin face_recognition_models"):
        find_faces(np.zeros((100, 100, 3), np.uint8))
    photos._load_models.cache_clear()
