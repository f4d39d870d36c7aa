"""The colours of drawn people and things: each a smooth function of a factor, RGB in [0, 1]."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaelab.data.synthetic.drawing import Numbers

Colours = NDArray[np.float64]
"""(batch, 3) RGB in [0, 1]."""

_SKIN = np.array([(74, 46, 37), (104, 66, 48), (139, 92, 65), (180, 126, 93), (219, 168, 135),
                  (242, 205, 180)]) / 255  # fmt: skip
_CIRCLE = np.array([(214, 92, 84), (226, 148, 82), (218, 186, 96), (120, 170, 104), (76, 160, 160),
                    (84, 128, 190), (142, 110, 182), (206, 108, 150), (214, 92, 84)]) / 255  # fmt: skip
HAIR = {"black": (36, 29, 32), "brown": (98, 62, 40), "auburn": (146, 66, 34), "blonde": (214, 168, 96),
        "grey": (158, 154, 154)}  # fmt: skip
IRIS = {"brown": (104, 62, 34), "hazel": (140, 104, 52), "green": (84, 130, 84), "blue": (82, 134, 182)}


def ramp(stops: NDArray[np.float64], place: Numbers) -> Colours:
    """Colours at `place` in [0, 1] along equally spaced `stops`."""
    along, at = np.asarray(place, dtype=np.float64), np.linspace(0, 1, len(stops))
    return np.stack([np.interp(along, at, stops[:, channel]) for channel in range(3)], axis=-1)


def mix(first: Colours, second: Numbers, weight: Numbers) -> Colours:
    """`first` where `weight` (batch,) is 0, `second` where it is 1."""
    share = np.asarray(weight, dtype=np.float64)[..., None]
    return first * (1 - share) + np.asarray(second) * share


def skin(lightness: Numbers, warmth: Numbers, age: Numbers) -> Colours:
    """Skin in plain light; age takes a little of its colour."""
    golden = np.asarray(warmth, dtype=np.float64)[:, None] * np.array([0.025, 0.0, -0.1])
    base = ramp(_SKIN, lightness) * (1 + golden)
    return mix(base, base.mean(axis=-1, keepdims=True), 0.18 * ageing(age))


def hair(names: pd.Series, age: Numbers) -> Colours:
    """Hair of the named colour, greyed by age."""
    table = np.array([HAIR[name] for name in names], dtype=np.float64).reshape(-1, 3) / 255
    return mix(table, np.array([186, 184, 186]) / 255, 0.85 * np.clip((np.asarray(age) - 42) / 36, 0, 1) ** 1.2)


def iris(names: pd.Series) -> Colours:
    """Colour of the iris."""
    return np.array([IRIS[name] for name in names], dtype=np.float64).reshape(-1, 3) / 255


def tint(hue: Numbers, lightness: Numbers, strength: float = 0.55) -> Colours:
    """A muted colour of the circle at `hue` in [0, 1], from deep to pastel by `lightness` in [0, 1]."""
    light = np.asarray(lightness, dtype=np.float64)
    pure = ramp(_CIRCLE, hue)
    muted = mix(pure, np.full(3, 0.58), np.full(light.shape, 1 - strength))
    return np.where((light < 0.5)[:, None], muted * (0.42 + 1.16 * light)[:, None],
                    mix(muted, np.full(3, 0.97), np.clip(2 * light - 1, 0, 1) * 0.72))  # fmt: skip


def ageing(age: Numbers) -> NDArray[np.float64]:
    """0 until 30 years, rising to 1 at 80."""
    return np.clip((np.asarray(age, dtype=np.float64) - 30) / 50, 0, 1)
