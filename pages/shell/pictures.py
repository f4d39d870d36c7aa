"""Pixels as files: small PNGs for the page, marked PNGs for keeping, sheets of faces for the strips."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

Pixels = NDArray[np.uint8]

SYNTHETIC_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's word for a picture made by a trained model; photo software shows it."""

XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{SYNTHETIC_MEDIA}"/></rdf:RDF></x:xmpmeta>"""


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
    info = PngInfo()
    info.add_text("Title", "Generated face")
    info.add_text("Description", "Drawn by a variational autoencoder. Not a photograph, not a real person.")
    info.add_text("Software", "vaelab")
    info.add_text("vaelab", json.dumps(recipe))
    info.add_itxt("XML:com.adobe.xmp", XMP)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def sheet(faces: Pixels) -> bytes:
    """A JPEG of faces (count, size, size, 3) side by side."""
    row = np.concatenate(list(faces), axis=1)
    buffer = io.BytesIO()
    Image.fromarray(row).save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()
