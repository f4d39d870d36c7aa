from __future__ import annotations

import io
import pickle
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageOps

from vaelab.data import images
from vaelab.data.images import (
    BACKGROUND,
    Crop,
    PictureError,
    read_dimensions,
    read_picture,
    read_sized_picture,
    read_whole_picture,
    to_images,
    to_pixels,
)
from vaelab.errors import DataError


def mean_difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(float) - second.astype(float)).mean())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_honoured(scene, encode, orientation, format):
    upright = scene(3, 48, 48)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    quality = {"quality": 95} if format in ("JPEG", "WEBP") else {}
    result = read_picture(encode(stored, format, exif=exif, **quality), 48)
    assert mean_difference(result, np.asarray(upright)) < 3


def test_sixteen_bit_grey_with_orientation_is_turned(scene, encode):
    grey = np.asarray(scene(1).convert("L"))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    data = encode(Image.fromarray(grey[::-1, ::-1].astype(np.uint16) * 257), "PNG", exif=exif)
    assert (read_picture(data, 48)[..., 0] == grey).all()


def test_sixteen_bit_grey_is_scaled_not_clipped(scene, encode):
    grey = np.asarray(scene(1).convert("L"))
    for format in ("PNG", "TIFF"):
        result = read_picture(encode(Image.fromarray(grey.astype(np.uint16) * 257), format), 48)
        assert (result == grey[..., None]).all()


def test_sixteen_bit_pgm_is_scaled(scene):
    grey = np.asarray(scene(1).convert("L"))
    data = b"P5\n48 48\n65535\n" + (grey.astype(">u2") * 257).astype(">u2").tobytes()
    assert (read_picture(data, 48) == grey[..., None]).all()


def test_sixteen_bit_tiff_where_white_is_zero_is_no_negative(scene, encode):
    grey = np.asarray(scene(1).convert("L"))
    data = bytearray(encode(Image.fromarray((255 - grey).astype(np.uint16) * 257), "TIFF"))
    entry = data.index(struct.pack("<HHI", 262, 3, 1))  # PhotometricInterpretation, one SHORT
    data[entry + 8] = 0
    assert (read_picture(bytes(data), 48) == grey[..., None]).all()


def test_sixteen_bit_colour_keeps_its_range(scene_pixels):
    pixels = scene_pixels(2, 16, 16)
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).astype(">u2").tobytes() for row in pixels)
    assert (read_picture(png(16, 16, 16, 2, zlib.compress(rows)), 16) == pixels).all()


def test_transparency_is_laid_over_the_background(scene, encode):
    picture = scene(4).convert("RGBA")
    picture.putalpha(Image.new("L", picture.size, 0))
    assert (read_picture(encode(picture, "PNG"), 48) == np.array(BACKGROUND)).all()
    picture.putalpha(Image.new("L", picture.size, 255))
    assert (read_picture(encode(picture, "PNG"), 48) == np.asarray(scene(4))).all()
    half = Image.merge("LA", (Image.new("L", (16, 16), 0), Image.new("L", (16, 16), 128)))
    assert np.abs(read_picture(encode(half, "PNG"), 16).astype(int) - 127).max() <= 1


def test_palette_with_transparent_colour(encode):
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([0, 0, 0, 200, 10, 10])
    picture.paste(0, (0, 0, 8, 16))
    left_is_clear = read_picture(encode(picture, "PNG", transparency=0), 16)
    assert (left_is_clear[:, :8] == 255).all()
    assert (left_is_clear[:, 8:] == (200, 10, 10)).all()


def test_first_frame_of_an_animation(scene, encode):
    frames = [scene(seed).quantize(256) for seed in (5, 6)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert mean_difference(read_picture(data, 48), np.asarray(frames[0].convert("RGB"))) < 1
    lossless = encode(scene(5), "WEBP", save_all=True, append_images=[scene(6)], lossless=True)
    assert (read_picture(lossless, 48) == np.asarray(scene(5))).all()


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "YCbCr", "HSV", "P"])
def test_other_modes_show_the_same_picture(scene, encode, mode):
    converted = scene(7).convert(mode)
    format = {"CMYK": "JPEG", "YCbCr": "JPEG", "HSV": "TIFF"}.get(mode, "PNG")
    if mode == "HSV":
        with pytest.raises(OSError, match="HSV"):
            encode(converted, format)
        return
    result = read_picture(encode(converted, format), 48)
    assert mean_difference(result, np.asarray(converted.convert("RGB"))) < 4


def test_many_cuts_of_each_format_are_refused(scene, encode):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for format in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"):
        data = encode(Image.fromarray(noise), format)
        for share in (0.2, 0.35, 0.5, 0.65, 0.8, 0.95):
            with pytest.raises(PictureError):
                read_picture(data[: int(len(data) * share)], 32)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("size", [8, 200])
def test_jpeg_that_was_cut_and_closed_is_refused(scene, encode, progressive, subsampling, size):
    """Size 8 decodes at a fraction of the picture's size, size 200 in full."""
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), "JPEG", progressive=progressive, subsampling=subsampling)
    read_picture(data, size)
    for share in (0.4, 0.6, 0.8, 0.97):
        with pytest.raises(PictureError, match="end before the picture does"):
            read_picture(data[: int(len(data) * share)] + b"\xff\xd9", size)


def test_complete_jpeg_with_a_grey_corner_is_kept(encode):
    flat = Image.new("RGB", (64, 64), (128, 128, 128))
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}):
        assert (read_picture(encode(flat, "JPEG", **options), 32) == 128).all()


def test_trailing_bytes_do_not_hurt(scene, encode):
    data = encode(scene(8), "JPEG", quality=95)
    assert (read_picture(data + b"\xff\xd9 trailer \xff\xd8", 48) == read_picture(data, 48)).all()


def test_draft_decoding_shows_the_same_picture(scene, encode, monkeypatch):
    data = encode(scene(9, 1023, 769), "JPEG", quality=95)
    fast = read_picture(data, 64)
    monkeypatch.setattr(images, "_draft_size", lambda *_: None)
    assert mean_difference(fast, read_picture(data, 64)) < 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"just text, whatever the name says", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\n", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
    ],
)
def test_what_is_no_picture(data, reason):
    with pytest.raises(PictureError, match=reason):
        read_picture(data, 32)


def png(width: int, height: int, depth: int, colour: int, compressed: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "megapixels"),
    [(10_001, 10_001, "101"), (100_000, 2_000, "200"), (60_000, 60_000, "3,600")],
)
def test_gigantic_pictures_are_refused_before_they_are_decoded(width, height, megapixels):
    with pytest.raises(PictureError, match=f"^gigantic: {megapixels} megapixels, limit 100$") as refused:
        read_picture(png(width, height, 8, 2, zlib.compress(b"")), 32)
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value), "it crosses to the process that lists"


def test_tiny_pictures_are_refused(scene, encode):
    with pytest.raises(PictureError, match="too small: 7x40"):
        read_picture(encode(scene(0, 7, 40), "PNG"), 32)


def test_ranges_without_a_white_are_refused(encode):
    for values in (np.zeros((16, 16), np.float32), np.zeros((16, 16), np.int32)):
        with pytest.raises(PictureError, match="undefined range"):
            read_picture(encode(Image.fromarray(values), "TIFF"), 16)


def test_unreadable_and_oversized_files(tmp_path, monkeypatch):
    with pytest.raises(PictureError, match="cannot be read"):
        read_picture(tmp_path / "missing.jpg", 16)
    (tmp_path / "big.jpg").write_bytes(b"x" * 100)
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 99)
    with pytest.raises(PictureError, match="gigantic"):
        read_picture(tmp_path / "big.jpg", 16)


def test_crops_keep_the_stated_square(scene_pixels, encode):
    pixels = scene_pixels(1, 60, 40)
    data = encode(Image.fromarray(pixels), "PNG")
    assert (read_picture(data, 40) == pixels[:, 10:50]).all()
    assert (read_picture(data, 20, "margin:0.25") == pixels[10:30, 20:40]).all()
    with pytest.raises(PictureError, match="not square: 60x40"):
        read_picture(data, 40, "whole")
    with pytest.raises(PictureError, match="expected 178x218"):
        read_picture(data, 40, "celeba")
    aligned = scene_pixels(1, 178, 218)
    assert (read_picture(encode(Image.fromarray(aligned), "PNG"), 148, "celeba") == aligned[35:183, 15:163]).all()


@pytest.mark.parametrize("text", ["", "square", "margin", "margin:0.5", "margin:-0.1", "margin:nan", "margin:x"])
def test_unknown_crops_are_refused(text):
    with pytest.raises(DataError, match="unknown crop"):
        Crop.parse(text)


def test_resizing_does_not_alias(encode):
    """One-pixel stripes become even grey when shrunk by an odd factor; bilinear sampling would show bands."""
    stripes = np.zeros((192, 192, 3), np.uint8)
    stripes[:, ::2] = 255
    result = read_picture(encode(Image.fromarray(stripes), "PNG"), 64).astype(int)
    assert np.abs(result[8:-8, 8:-8] - 127).max() < 12


def test_warnings_of_pillow_stay_inside(scene, encode):
    """The test run makes warnings errors; this palette, transparency and size all warn in Pillow."""
    palette = scene(1).quantize(4)
    data = encode(palette, "PNG", transparency=bytes([0, 128, 255, 255]))
    read_picture(data, 16)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x05broken"
    read_picture(encode(scene(1), "JPEG", exif=exif), 16)
    with pytest.raises(PictureError):
        read_picture(encode(scene(1), "TIFF")[:-9], 16)


def test_every_value_survives_the_round_trip():
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    converted = to_images(pixels)
    assert converted.shape == (1, 3, 16, 16)
    assert converted.dtype == torch.float32
    assert float(converted.max()) <= 1.0
    assert (to_pixels(converted) == pixels).all()


def test_to_images_agrees_with_the_convention(scene_pixels):
    pixels = scene_pixels(2, 16, 16)[None]
    assert torch.equal(
        to_images(pixels)[0, 2], torch.from_numpy(pixels[0, :, :, 2].astype(np.float32) * np.float32(1 / 255))
    )
    assert torch.equal(to_images(torch.from_numpy(pixels)), to_images(pixels))


def test_to_pixels_rounds_and_clips():
    values = torch.tensor([-1.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 2.0]).reshape(1, 1, 1, 5).expand(1, 3, 5, 5)
    assert to_pixels(values)[0, 0, :, 0].tolist() == [0, 0, 1, 255, 255]
    assert to_pixels(values.to(torch.bfloat16)).dtype == np.uint8


def test_conversions_refuse_what_they_are_not_for():
    with pytest.raises(DataError, match="uint8"):
        to_images(np.zeros((1, 4, 4, 3), np.float32))
    with pytest.raises(DataError, match="shape"):
        to_images(np.zeros((1, 3, 4, 4), np.uint8))
    with pytest.raises(DataError, match="NaN"):
        to_pixels(torch.full((1, 3, 4, 4), float("nan")))
    with pytest.raises(DataError, match="floating point"):
        to_pixels(torch.zeros((1, 4, 4, 3)))


def test_multi_picture_phone_file_gives_its_main_picture(scene, encode):
    data = encode(scene(1), "MPO", save_all=True, append_images=[scene(2)], quality=95)
    assert mean_difference(read_picture(data, 48), np.asarray(scene(1))) < 3


def test_reading_leaves_the_picture_library_as_it_was(scene, encode):
    limit = Image.MAX_IMAGE_PIXELS
    read_picture(encode(scene(1), "JPEG"), 16)
    assert limit == Image.MAX_IMAGE_PIXELS
    assert ImageOps.exif_transpose(Image.open(io.BytesIO(encode(scene(1), "PNG")))).size == (48, 48)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("stored", "wanted"), [((800, 200), (400, 100)), ((120, 640), (75, 400)), ((300, 90), (300, 90))]
)
def test_a_whole_picture_keeps_its_shape_and_is_only_made_smaller(scene, encode, format, stored, wanted):
    result = read_whole_picture(encode(scene(2, *stored), format), 400)
    assert result.shape == (wanted[1], wanted[0], 3)
    reference = np.asarray(scene(2, *stored).resize(wanted, Image.Resampling.LANCZOS))
    assert mean_difference(result, reference) < 2.5


def test_a_whole_picture_is_turned_by_exif_after_it_was_made_smaller(scene, encode):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    upright = scene(3, 300, 900)
    result = read_whole_picture(encode(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif), 450)
    assert result.shape == (450, 150, 3)
    assert mean_difference(result, np.asarray(upright.resize((150, 450), Image.Resampling.LANCZOS))) < 3


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [None, 1, 3, 5, 6, 8])
def test_the_size_in_the_file_is_that_of_the_upright_picture(scene, encode, format, orientation):
    exif = Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    pixels, size = read_sized_picture(encode(scene(1, 900, 401), format, exif=exif), 100)
    lies = orientation in (5, 6, 8)
    assert size == ((401, 900) if lies else (900, 401))
    assert pixels.shape == ((100, 45, 3) if lies else (45, 100, 3))


def test_a_whole_jpeg_is_decoded_at_a_fraction(scene, encode, monkeypatch):
    decoded = []
    monkeypatch.setattr(images, "_over_background", lambda p: decoded.append(p.size) or p.convert("RGB"))
    read_whole_picture(encode(scene(1, 2000, 1600), "JPEG"), 500)
    assert decoded == [(500, 400)]


def test_fit_keeps_all_of_a_picture_between_black_bars(scene, encode):
    """A portrait of 30 x 60: bars of a quarter of the square at both sides, the whole height between them."""
    fitted = read_picture(encode(scene(0, 30, 60), "PNG"), 40, "fit")
    assert fitted.shape == (40, 40, 3)
    assert not fitted[:, :10].any()
    assert not fitted[:, 30:].any()
    plain = np.asarray(scene(0, 30, 60).resize((20, 40), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(fitted[:, 10:30], plain)


def test_dimensions_come_from_the_header(scene, encode, tmp_path):
    data = encode(scene(0, 30, 60), "PNG")
    assert read_dimensions(data) == (30, 60)
    (tmp_path / "x.png").write_bytes(data)
    assert read_dimensions(tmp_path / "x.png") == (30, 60)
    for bad in (b"", b"no picture"):
        with pytest.raises(PictureError):
            read_dimensions(bad)
