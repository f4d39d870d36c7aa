"""Pixels as files: small PNGs for the page, marked PNGs for keeping, sheets of faces for the strips."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vaelab.pictures import png_bytes

Pixels = NDArray[np.uint8]


def png(pixels: Pixels) -> bytes:
    """A PNG of pixels (height, width, 3), made fast rather than small."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def keepsake(pixels: Pixels, recipe: Mapping[str, object], side: int) -> bytes:
    """A PNG to keep, `side` pixels wide, that says in its metadata that a model made it, and from what.

    Args:
        pixels: one face, (size, size, 3).
        recipe: what draws the same face again; stored as JSON under the key `vaelab`.
        side: width and height of the file; enlarged with Lanczos where it exceeds the face's.
    """
    image = Image.fromarray(pixels)
    if side != image.width:
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    return png_bytes(np.asarray(image), recipe)


def data_address(file: bytes, kind: str) -> str:
    """A picture's file as an address that holds the picture itself.

    No request is made for it, so that a visitor's photo is nowhere but in their session and browser.

    Args:
        kind: `png` or `jpeg`.
    """
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def sheet(faces: Pixels) -> bytes:
    """A JPEG of faces (count, size, size, 3) side by side."""
    row = np.concatenate(list(faces), axis=1)
    buffer = io.BytesIO()
    Image.fromarray(row).save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()
