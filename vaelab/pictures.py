"""Pictures for people: contact sheets, and PNG files that say they were generated."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, PngImagePlugin

from vaelab.errors import DataError

SYNTHETIC_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's word for a picture made by a trained model; photo software shows it."""
PARTLY_SYNTHETIC_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's word for photographs and pictures made by a trained model in one."""

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{media}"/></rdf:RDF></x:xmpmeta>"""


def contact_sheet(
    pixels: UInt8[np.ndarray, "count size size 3"], columns: int, gap: int = 2
) -> UInt8[np.ndarray, "height width 3"]:
    """The pictures row by row on white, `gap` pixels apart.

    Raises:
        DataError: there is no picture.
    """
    if not len(pixels):
        raise DataError("there is no picture to put on a sheet; ask for at least one")
    count, size = len(pixels), pixels.shape[1]
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (size + gap) - gap, columns * (size + gap) - gap, 3), 255, np.uint8)
    for index, picture in enumerate(pixels):
        top, left = (size + gap) * (index // columns), (size + gap) * (index % columns)
        sheet[top : top + size, left : left + size] = picture
    return sheet


def png_bytes(picture: UInt8[np.ndarray, "height width 3"], about: Mapping[str, Any]) -> bytes:
    """A PNG whose metadata says that it was generated, and how (`about`, as JSON)."""
    words = "Drawn by a variational autoencoder. Not a photograph; shows no real person."
    return _noted(picture, "Generated face", words, SYNTHETIC_MEDIA, about)


def compared_png_bytes(picture: UInt8[np.ndarray, "height width 3"], about: Mapping[str, Any]) -> bytes:
    """A PNG of originals, each with its reconstruction behind it, whose metadata says which are which."""
    words = (
        "Pairs of pictures: the first of each is an original and may be a photograph of a real person, the second is "
        "drawn after it by a variational autoencoder."
    )
    return _noted(picture, "Originals and reconstructions", words, PARTLY_SYNTHETIC_MEDIA, about)


def _noted(
    picture: UInt8[np.ndarray, "height width 3"], title: str, words: str, media: str, about: Mapping[str, Any]
) -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Title", title)
    notes.add_text("Description", words)
    notes.add_text("Software", "vaelab")
    notes.add_text("vaelab", json.dumps(dict(about)))
    notes.add_itxt("XML:com.adobe.xmp", XMP.format(media=media))
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", pnginfo=notes)
    return file.getvalue()


def plain_png_bytes(picture: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """A PNG of pictures that were not generated, and do not say so."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def save_generated(picture: UInt8[np.ndarray, "height width 3"], path: Path, about: Mapping[str, Any]) -> None:
    """Write `png_bytes` to `path`.

    Raises:
        DataError: the file cannot be written.
    """
    _save(path, png_bytes(picture, about))


def save_compared(picture: UInt8[np.ndarray, "height width 3"], path: Path, about: Mapping[str, Any]) -> None:
    """Write `compared_png_bytes` to `path`.

    Raises:
        DataError: the file cannot be written.
    """
    _save(path, compared_png_bytes(picture, about))


def _save(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; choose another place with --out") from error
