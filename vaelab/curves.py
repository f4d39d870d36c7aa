"""Loss curves as a picture, for model cards: what a page draws live, drawn once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

Rows = Sequence[Mapping[str, Any]]

PARTS = {
    "loss": "Loss, nats per image",
    "recon_loss": "Reconstruction, nats per image",
    "kl": "KL, nats per image",
    "classification_loss": "Face or not, nats per image",
}
SCALE = 2
"""Drawn so many times larger than shown, for screens with fine pixels."""
WIDTH, HEIGHT, TOP, LEFT = 320 * SCALE, 170 * SCALE, 28 * SCALE, 58 * SCALE
INK, GRID, TRAINING, HELD_OUT = "#22211f", "#dedad3", "#0f6b66", "#d1741f"
SKIPPED = 0.05
"""Share of the training whose steep beginning does not stretch the scale."""


def curves_picture(rows: Rows) -> UInt8[np.ndarray, "height width 3"] | None:
    """Each part of the loss in a panel of its own, side by side; None where nothing was reported.

    Args:
        rows: the run's reports, as `Run.metrics` gives them.
    """
    found = [(name, _points(rows, "train", name), _points(rows, "validation", name)) for name in PARTS]
    panels = [
        _panel(PARTS[name], training, held_out)
        for name, training, held_out in found
        if len(training) + len(held_out) > 1
    ]
    return np.asarray(np.concatenate(panels, axis=1)) if panels else None


def _points(rows: Rows, kind: str, name: str) -> Float[np.ndarray, "points 2"]:
    """(images seen, value) of one quantity, by the clock."""
    found = [(row["images_seen"], row[name]) for row in rows if row.get("kind") == kind and name in row]
    return np.array(found, np.float64).reshape(-1, 2)


def _panel(
    title: str, training: Float[np.ndarray, "points 2"], held_out: Float[np.ndarray, "checks 2"]
) -> UInt8[np.ndarray, "height width 3"]:
    """One panel: training as a line, held-out pictures as a line with dots."""
    both = np.concatenate([training, held_out])
    last = both[:, 0].max()
    settled = both[both[:, 0] >= SKIPPED * last, 1]
    low, high = float(settled.min()), float(settled.max())
    high = high if high > low else low + 1.0
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(11 * SCALE)
    bottom, right = HEIGHT - 22 * SCALE, WIDTH - 10 * SCALE

    def place(point: Float[np.ndarray, 2]) -> tuple[float, float]:
        share = min(max((float(point[1]) - low) / (high - low), 0.0), 1.0)
        return LEFT + float(point[0]) / last * (right - LEFT), bottom - share * (bottom - TOP)

    for level in (TOP, bottom):
        pen.line([(LEFT, level), (right, level)], GRID, SCALE)
    for points, colour in ((training, TRAINING), (held_out, HELD_OUT)):
        if len(points) > 1:
            pen.line([place(point) for point in points], colour, 2 * SCALE, joint="curve")
    for point in held_out:
        x, y = place(point)
        pen.ellipse([x - 3 * SCALE, y - 3 * SCALE, x + 3 * SCALE, y + 3 * SCALE], HELD_OUT)
    pen.text((LEFT, 18 * SCALE), title, INK, font, anchor="ls")
    for value, level in ((high, TOP), (low, bottom)):
        pen.text((LEFT - 5 * SCALE, level), _shown(value), INK, font, anchor="rm")
    foot = HEIGHT - 6 * SCALE
    pen.text((LEFT, foot), "training", TRAINING, font, anchor="ls")
    pen.text((LEFT + 62 * SCALE, foot), "held out", HELD_OUT, font, anchor="ls")
    pen.text((right, foot), f"{last:,.0f} images", INK, font, anchor="rs")
    return np.asarray(picture)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
