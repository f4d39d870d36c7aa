"""The one pixel convention: how any picture file becomes RGB bytes, and how those become model input and
come back.

`pixels` are uint8 RGB, 0..255, (size, size, 3) or (n, size, size, 3); `images` are float32 RGB in [0, 1],
(n, 3, size, size).
Colour profiles are not applied: values are taken as sRGB, as every published loader of these data sets does.
"""

from __future__ import annotations

import io
import math
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from vaelab.data.jpeg import with_probe
from vaelab.errors import DataError

if TYPE_CHECKING:
    import torch

MAX_PIXELS = 100_000_000
"""Larger pictures are refused by name: one of them decoded takes 400 MB in every worker."""
MAX_FILE_BYTES = 256 * 2**20
MIN_SIDE = 8
"""Pictures with a shorter side carry nothing that could be called a face."""
BACKGROUND = (255, 255, 255)
"""Transparent parts are laid over white, the paper on which cut-outs are usually drawn."""
BARS = (0, 0, 0)
"""Beside a picture that is made square: as outside the photo in FairFace's crops."""

# A closed list: other Pillow plug-ins start Ghostscript (EPS) or take any bytes for a picture (TGA).
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM", "JPEG2000")
LYING = (5, 6, 7, 8)
"""EXIF orientations of pictures that are stored on their side."""
CELEBA_SIZE = (178, 218)
CELEBA_BOX = (15, 35, 163, 183)
"""Left, top, right, bottom: the 148 x 148 centre of the aligned 178 x 218 pictures, as in PyTorch-VAE."""

# What Pillow's decoders, written over twenty years, are known to raise on damaged files.
_DECODE_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, RuntimeError,
    MemoryError, AttributeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip

DraftSize = Callable[[int, int], tuple[int, int] | None]
"""From width and height as stored, the size down to which a JPEG may be halved; None for not at all."""

# The last block of a JPEG that was cut within it is wrong without being grey. In a large picture that is a spot of
# 16 pixels; smaller ones than this are always checked, which costs a second decoding.
_SMALL_SIDE = 128

# warnings.catch_warnings changes a global; pages decode uploads from several threads.
_warnings_lock = threading.Lock()


class PictureError(DataError):
    """One picture cannot be used; the text is the reason that the manifest lists."""


class UnknownFormat(PictureError):
    """No picture, or one of a format that is not read."""


class TooManyPixels(PictureError):
    """A picture of more than `MAX_PIXELS`; `megapixels` is how many it has, rounded up."""

    def __init__(self, pixels: int) -> None:
        super().__init__(pixels)
        self.megapixels = math.ceil(pixels / 1e6)

    def __str__(self) -> str:
        return f"gigantic: {self.megapixels:,} megapixels, limit {MAX_PIXELS // 10**6}"


@dataclass(frozen=True)
class Crop:
    """Which square of a picture is kept.

    Attributes:
        kind: `centre-square`, `whole` (only for pictures that are square), `fit` (all of a picture, with black bars
            that make it square), `celeba` or `margin`.
        margin: for `margin`, the share of the centred square's side that is cut off at each edge.
    """

    kind: str
    margin: float = 0.0

    @staticmethod
    def parse(text: str) -> Crop:
        """Reads `centre-square`, `whole`, `fit`, `celeba` or `margin:0.1`.

        Raises:
            DataError: anything else, or a margin outside [0, 0.5).
        """
        if text in ("centre-square", "whole", "fit", "celeba"):
            return Crop(text)
        kind, _, number = text.partition(":")
        try:
            margin = float(number)
        except ValueError:
            margin = -1.0
        if kind != "margin" or not 0.0 <= margin < 0.5:
            raise DataError(
                f"unknown crop {text!r}; expected centre-square, whole, fit, celeba or margin:SHARE with SHARE in "
                "[0, 0.5)"
            )
        return Crop(kind, margin)

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the kept square.

        Raises:
            PictureError: the picture has not the shape that this crop is made for.
        """
        if self.kind == "whole" and width != height:
            raise PictureError(f"not square: {width}x{height}, and the crop 'whole' keeps square pictures only")
        if self.kind == "celeba":
            if (width, height) != CELEBA_SIZE:
                raise PictureError(f"not an aligned CelebA picture: {width}x{height}, expected 178x218")
            return CELEBA_BOX
        side = min(width, height)
        kept = max(1, side - 2 * round(self.margin * side))
        left, top = (width - kept) // 2, (height - kept) // 2
        return left, top, left + kept, top + kept


def read_picture(source: bytes | Path, size: int, crop: str | Crop = "centre-square") -> np.ndarray:
    """The picture as square RGB bytes, upright.

    EXIF orientation is honoured, transparency laid over white, 16-bit grey scaled to 8 bits, the first frame
    of an animation taken. Resized by Lanczos with antialiasing: it keeps more detail than an area mean at
    the usual factors of two to four, without the aliasing of plain bilinear sampling.

    Args:
        source: the file's bytes, or its path.
        size: side of the result in pixels.
        crop: which square to keep; see `Crop`.

    Returns:
        (size, size, 3) uint8 RGB.

    Raises:
        PictureError: the file is empty, no picture, damaged, cut short, too large, too small or of an
            undefined range.
    """
    crop = Crop.parse(crop) if isinstance(crop, str) else crop
    upright, _ = _upright(source, lambda width, height: _draft_size(width, height, size, crop))
    return crop_and_resize(upright, size, crop)


def read_whole_picture(source: bytes | Path, longest_side: int) -> np.ndarray:
    """The whole picture as RGB bytes, upright, made smaller where its longest side exceeds `longest_side` pixels.

    Read as by `read_picture`; a large JPEG is decoded at a fraction of its size.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        PictureError: as by `read_picture`.
    """
    return read_sized_picture(source, longest_side)[0]


def read_sized_picture(source: bytes | Path, longest_side: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture as by `read_whole_picture`, and the width and height that it has in its file, upright, pixels."""

    def wanted(width: int, height: int) -> tuple[int, int] | None:
        scale = longest_side / max(width, height)
        return (math.ceil(width * scale), math.ceil(height * scale)) if scale < 1.0 else None

    upright, size = _upright(source, wanted)
    upright.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return np.array(upright), size


def read_dimensions(source: bytes | Path) -> tuple[int, int]:
    """Width and height of a picture as stored, from its header alone.

    Raises:
        PictureError: it has no header that is read.
    """
    data = source if isinstance(source, bytes) else _file_bytes(source)
    try:
        with _warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                return picture.size
    except _DECODE_ERRORS as error:
        raise PictureError(f"damaged: {type(error).__name__}: {error}") from error


def _upright(source: bytes | Path, draft_size: DraftSize) -> tuple[Image.Image, tuple[int, int]]:
    """The picture as RGB, upright, and its whole width and height.

    A JPEG is no larger than it must be, by what `draft_size` says of its dimensions.
    """
    data = source if isinstance(source, bytes) else _file_bytes(source)
    if not data:
        raise PictureError("empty file (0 bytes)")
    with _warnings_lock, warnings.catch_warnings():
        # Pillow warns about odd metadata and about sizes that are checked here: neither concerns the pixels.
        warnings.simplefilter("ignore")
        return _decode(data, draft_size)


def _file_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(f"gigantic: more than {MAX_FILE_BYTES // 2**20} MB")
    return data


def _decode(data: bytes, draft_size: DraftSize) -> tuple[Image.Image, tuple[int, int]]:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            _check_dimensions(width, height)
            if picture.format in ("JPEG", "MPO"):
                _load_jpeg(picture, data, draft_size(*picture.size))
            picture.load()
            stored = _eight_bit(picture)
            lies = stored.getexif().get(ExifTags.Base.Orientation) in LYING
            upright = _over_background(ImageOps.exif_transpose(stored))
            return upright, (height, width) if lies else (width, height)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise UnknownFormat(f"not a picture in a format that is read ({', '.join(FORMATS)})") from error
    except Image.DecompressionBombError as error:
        # Pillow refuses these while it opens them; its sentence alone says how many pixels there are.
        raise TooManyPixels(int(re.findall(r"\d+", str(error))[0])) from error
    except _DECODE_ERRORS as error:
        raise PictureError(f"damaged: {type(error).__name__}: {error}") from error


def crop_and_resize(picture: Image.Image, size: int, crop: Crop) -> np.ndarray:
    """The kept square of an RGB picture, resized to (size, size, 3) uint8.

    Raises:
        PictureError: the picture has not the shape that this crop is made for.
    """
    if crop.kind == "fit":
        return np.array(ImageOps.pad(picture, (size, size), Image.Resampling.LANCZOS, color=BARS))
    box = crop.box(picture.width, picture.height)
    if box[2] - box[0] == size:
        return np.array(picture.crop(box))
    return np.array(picture.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0))


def _check_dimensions(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise TooManyPixels(width * height)
    if min(width, height) < MIN_SIDE:
        raise PictureError(f"too small: {width}x{height}, shortest side allowed {MIN_SIDE}")


def _load_jpeg(picture: Image.Image, data: bytes, wanted: tuple[int, int] | None) -> None:
    """Decodes a JPEG, at a fraction of its size where that is enough; refuses one whose ending is missing."""
    full_size = picture.size
    if wanted is not None:
        picture.draft(None, wanted)
    picture.load()
    probe = with_probe(data)
    if probe is None:
        return
    probed, progressive = probe
    if not progressive and min(full_size) > _SMALL_SIDE and not _has_grey_corner(picture):
        return
    with Image.open(io.BytesIO(probed), formats=FORMATS) as other:
        if wanted is not None:
            other.draft(None, wanted)
        other.load()
        if other.tobytes() != picture.tobytes():
            raise PictureError("damaged: the coded data end before the picture does (truncated, then closed)")


def _has_grey_corner(picture: Image.Image) -> bool:
    """Whether the last pixel may be filling: libjpeg puts 128 where blocks are missing. CMYK is never sure."""
    corner = picture.getpixel((picture.width - 1, picture.height - 1))
    values = corner if isinstance(corner, tuple) else (corner,)
    return len(values) > 3 or all(abs(float(value or 0) - 128.0) <= 1.0 for value in values)


def _draft_size(width: int, height: int, size: int, crop: Crop) -> tuple[int, int] | None:
    """The size down to which libjpeg may halve: the kept square stays at least twice the wanted size."""
    if crop.kind == "celeba":  # its box is stated in full-size pixels
        return None
    scale = 2.0 * size / (min(width, height) * (1.0 - 2.0 * crop.margin))
    if scale >= 1.0:
        return None
    return max(1, int(width * scale)), max(1, int(height * scale))


def _eight_bit(picture: Image.Image) -> Image.Image:
    """16-bit grey as 8-bit grey; every other mode with a defined white as it is.

    Raises:
        PictureError: 32-bit integers and floats, for which no file says what white is.
    """
    mode, tiff = picture.mode, picture.format == "TIFF"
    if mode.startswith("I;16"):
        bits, inverted = 16, False
        if tiff:
            tags: Any = picture.tag_v2  # type: ignore[attr-defined]  # only TIFF pictures have it
            bits = int(tags.get(258, (16,))[0])
            inverted = tags.get(262) == 0  # white is zero; Pillow inverts 8-bit TIFFs only
        values = np.asarray(picture).astype(np.float64) / (2**bits - 1)
        grey = np.clip(np.rint((1.0 - values if inverted else values) * 255.0), 0, 255).astype(np.uint8)
    elif mode == "I" and picture.format == "PPM":  # Pillow scales these to 0..65535
        grey = np.rint(np.asarray(picture).astype(np.float64) / 257.0).clip(0, 255).astype(np.uint8)
    elif mode in ("I", "F", "LAB"):
        raise PictureError(f"undefined range: pictures of mode {mode} do not say which value is white")
    else:
        return picture
    result = Image.fromarray(grey)
    orientation = picture.getexif().get(ExifTags.Base.Orientation)
    if orientation:
        result.getexif()[ExifTags.Base.Orientation] = orientation
    return result


def _over_background(picture: Image.Image) -> Image.Image:
    """RGB, with transparent parts laid over `BACKGROUND`."""
    has_alpha = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info
    if not has_alpha:
        return picture.convert("RGB")
    rgba = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (*BACKGROUND, 255)), rgba).convert("RGB")


def to_images(pixels: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Model input from pixels.

    Args:
        pixels: (n, size, size, 3) uint8.

    Returns:
        (n, 3, size, size) float32 in [0, 1].

    Raises:
        DataError: another shape or type.
    """
    import torch

    tensor = torch.from_numpy(np.array(pixels)) if isinstance(pixels, np.ndarray) else pixels
    if tensor.dtype != torch.uint8 or tensor.ndim != 4 or tensor.shape[-1] != 3:
        raise DataError(
            f"pixels must be uint8 of shape (n, size, size, 3), met {tensor.dtype} of shape {tuple(tensor.shape)}"
        )
    return tensor.permute(0, 3, 1, 2).contiguous().to(torch.float32).mul_(1.0 / 255.0)


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """Pixels from model output, clipped to [0, 1] and rounded to the nearest of 256 values.

    Args:
        images: (n, 3, size, size) floating point.

    Returns:
        (n, size, size, 3) uint8.

    Raises:
        DataError: another shape, or values that are not finite.
    """
    import torch

    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise DataError(
            f"images must be floating point of shape (n, 3, size, size), met {images.dtype} "
            f"of shape {tuple(images.shape)}"
        )
    values = images.detach().to(torch.float32)
    if not bool(torch.isfinite(values).all()):
        raise DataError("images hold NaN or infinite values; the model that made them has diverged")
    values = values.clamp(0.0, 1.0).mul(255.0).round_().to(torch.uint8)
    return values.permute(0, 2, 3, 1).contiguous().cpu().numpy()
