"""The project's mark, drawn rather than shipped: a face whose halves are one step apart in latent space."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageDraw

from pages.shell.pictures import data_address, png

TEAL = (15, 107, 102, 255)
PAPER = (251, 250, 248, 255)
SAND = (226, 190, 154, 255)


@functools.cache
def mark_address(side: int = 64) -> str:
    """The mark as an address that holds the picture itself: given a picture, Streamlit encodes it in every rerun."""
    return data_address(png(np.asarray(mark(side))), "png")


def mark(side: int) -> Image.Image:
    """The mark as a square RGBA picture, `side` pixels wide."""
    unit = 16
    canvas = Image.new("RGBA", (64 * unit // 4, 64 * unit // 4), (0, 0, 0, 0))
    pen = ImageDraw.Draw(canvas)
    scale = canvas.width / 64

    def box(*corners: float) -> list[float]:
        return [corner * scale for corner in corners]

    pen.rounded_rectangle(box(0, 0, 64, 64), radius=15 * scale, fill=TEAL)
    pen.ellipse(box(15, 9, 49, 55), fill=PAPER)
    half = canvas.copy()
    other = ImageDraw.Draw(half)
    other.rounded_rectangle(box(0, 0, 64, 64), radius=15 * scale, fill=TEAL)
    other.ellipse(box(12, 13, 52, 52), fill=SAND)
    other.ellipse(box(37, 28, 42, 33), fill=TEAL)
    other.arc(box(22, 30, 42, 46), 20, 90, fill=TEAL, width=round(2.6 * scale))
    pen.ellipse(box(22, 27, 27, 33), fill=TEAL)
    pen.arc(box(22, 30, 42, 44), 90, 160, fill=TEAL, width=round(2.6 * scale))
    canvas.paste(half.crop((canvas.width // 2, 0, canvas.width, canvas.height)), (canvas.width // 2, 0))
    return canvas.resize((side, side), Image.Resampling.LANCZOS)
