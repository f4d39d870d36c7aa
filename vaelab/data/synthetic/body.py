"""Neck, shoulders and clothes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vaelab.data.synthetic import palette
from vaelab.data.synthetic.drawing import (
    Colour,
    Plane,
    blob,
    clip,
    column,
    coverage,
    paint,
    rgb,
    smooth,
    window,
)
from vaelab.data.synthetic.pose import Head
from vaelab.data.synthetic.scene import Light, lit_skin

F = np.float32


def paint_neck(canvas: Colour, head: Head, light: Light, skin: palette.Colours) -> None:
    """Paints the neck with the shadow of the chin."""
    low = window(canvas.shape[-1], top=0.3)
    x, y, pixel = low.x, low.y, low.pixel
    off_centre = x - head.turn * F(0.06)
    half_neck = _half_neck(head)
    flare = np.maximum(y - F(0.66), F(0))
    neck = coverage(np.abs(off_centre) - half_neck - F(1.6) * flare * flare, pixel)
    under_chin = blob(np.square(np.square(off_centre / F(0.5)) + np.square((y - F(0.6)) / F(0.28))))
    shade = F(0.94) - F(0.36) * under_chin + F(0.2) * off_centre / half_neck * light.x * light.strength
    paint(canvas, low, neck, lit_skin(rgb(skin), shade))


def paint_clothes(canvas: Colour, rows: pd.DataFrame, head: Head, light: Light) -> None:
    """Paints shoulders in clothes with the row's neckline."""
    low = window(canvas.shape[-1], top=0.3)
    x, y, pixel = low.x, low.y, low.pixel
    across = np.abs(x - head.turn * F(0.06))
    half_neck = _half_neck(head)

    kind = rows["clothes"].to_numpy(object)
    v_neck, collar = column(kind == "vneck"), column(kind == "collar")
    shoulders = F(0.68) + F(0.32) * across * across - y
    scoop = np.sqrt(np.square(across / (half_neck + F(0.07))) + np.square((y - F(0.58)) / F(0.24))) - 1
    wedge = across * F(1.25) + (y - F(0.97))
    opening = np.where(v_neck + collar > 0, wedge * F(0.6), scoop * F(0.25))
    cloth = np.maximum(shoulders, -opening)
    alpha = coverage(cloth, pixel)

    hue = rows["clothes_hue"].to_numpy(float)
    lightness = np.abs((3 * hue) % 2 - 1)  # three swings round the colour circle: deep and pale of each
    colour = rgb(palette.tint(hue, 0.2 + 0.55 * lightness, 0.75))
    folds = F(0.98) + F(0.22) * light.x * light.strength * x - F(0.3) * smooth(F(1.6) * (y - F(0.62)))
    paint(canvas, low, alpha, colour * folds)
    hem = clip(1 - np.abs(opening - F(0.03)) * F(30)) * alpha
    paint(canvas, low, hem * F(0.35), colour * F(0.5))
    strip = np.maximum(-opening, opening - F(0.09))
    flap = np.maximum(strip, np.maximum(F(0.63) - y, across - half_neck - F(0.14)))
    pale = palette.mix(palette.tint(hue, np.full(len(hue), 0.8)), np.ones(3), lightness)
    paint(canvas, low, coverage(flap, pixel) * collar, np.multiply(rgb(pale), folds - F(0.02), dtype=np.float32))


def _half_neck(head: Head) -> Plane:
    return F(0.5) * head.half_width + F(0.02)
