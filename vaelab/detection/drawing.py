"""A photo with the faces marked that detectors see in it; those only one of them sees are marked otherwise."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from vaelab.detection.photographs import Found, Result

Photo = UInt8[np.ndarray, "height width 3"]
ALL, ALONE = (0, 200, 120), ((255, 150, 0), (80, 150, 255), (230, 90, 200), (200, 200, 60))
"""Colours of a face that all detectors see, and of one that not all do, by the first detector that sees it."""
ALONE_IN_WORDS = ("orange", "blue", "pink", "yellow")
DASH = 5
"""Length of a dash, in line widths: faces that not all see are dashed, so that nobody depends on the colours."""


def annotated(photo: Photo, result: Result) -> Photo:
    """The photo with a square and a number around every face, on a copy."""
    picture = Image.fromarray(photo.copy())
    draw = ImageDraw.Draw(picture)
    width = max(2, round(max(photo.shape[:2]) / 320))
    font = ImageFont.load_default(size=max(12, 7 * width))
    for number, face in enumerate(result.faces, 1):
        half, is_shared = face.box.side / 2, len(face.logits) == len(result.detectors)
        corners = (face.box.x - half, face.box.y - half, face.box.x + half, face.box.y + half)
        colour = colour_of(result, face)
        # A dark line beneath keeps the mark visible on any ground.
        _square(draw, corners, (0, 0, 0), width + 2, is_dashed=False)
        _square(draw, corners, colour, width, is_dashed=not is_shared)
        _label(draw, corners, str(number), colour, font)
    return np.asarray(picture)


def colour_of(result: Result, face: Found) -> tuple[int, int, int]:
    """The colour of a face's square."""
    if len(face.logits) == len(result.detectors):
        return ALL
    first = next(place for place, name in enumerate(result.detectors) if name in face.logits)
    return ALONE[first % len(ALONE)]


def legend(detectors: Sequence[str]) -> str:
    """What the colours and dashes mean, as a sentence or two."""
    alone = ", else ".join(
        f"{ALONE_IN_WORDS[place % len(ALONE)]} where {name} sees it" for place, name in enumerate(detectors)
    )
    return f"Green, whole: seen by all. Dashed: not by all; {alone}."


def png_file(photo: Photo, result: Result) -> bytes:
    """`annotated` as a PNG."""
    file = io.BytesIO()
    Image.fromarray(annotated(photo, result)).save(file, "PNG")
    return file.getvalue()


def _square(
    draw: ImageDraw.ImageDraw,
    corners: tuple[float, float, float, float],
    colour: tuple[int, int, int],
    width: int,
    is_dashed: bool,
) -> None:
    if not is_dashed:
        draw.rectangle(corners, outline=colour, width=width)
        return
    left, top, right, bottom = corners
    dash = DASH * width
    for start in np.arange(left, right, 2 * dash).tolist():
        for y in (top, bottom):
            draw.line((start, y, min(start + dash, right), y), colour, width)
    for start in np.arange(top, bottom, 2 * dash).tolist():
        for x in (left, right):
            draw.line((x, start, x, min(start + dash, bottom)), colour, width)


def _label(
    draw: ImageDraw.ImageDraw,
    corners: tuple[float, float, float, float],
    text: str,
    colour: tuple[int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """A number in the upper left corner of the square, inside the photo even where the square is not."""
    place = max(0.0, corners[0]), max(0.0, corners[1])
    draw.rectangle(draw.textbbox(place, text, font=font, anchor="lt"), fill=(0, 0, 0))
    draw.text(place, text, fill=colour, font=font, anchor="lt")
