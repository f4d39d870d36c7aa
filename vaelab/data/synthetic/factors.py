"""What can differ between two drawn faces: every factor with its range or values, shares and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Draw = Literal["uniform", "centred", "low"]


@dataclass(frozen=True)
class Factor:
    """One labelled cause of a drawn face; also a column of the factor table.

    A continuous factor has `range` and `draw` (how it is drawn when nothing else decides: evenly, mostly near
    the middle, or mostly near the low end). A categorical one has `values` with default `probabilities`. A
    categorical factor with a `parent` is a group: it cuts that continuous factor at `cuts` (a value equal to
    a cut belongs to the group above), and its parent is then drawn evenly within the group.
    """

    name: str
    kind: Literal["continuous", "categorical"]
    help: str
    range: tuple[float, float] | None = None
    draw: Draw = "uniform"
    values: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    parent: str | None = None
    cuts: tuple[float, ...] = ()


def _continuous(name: str, low: float, high: float, text: str, draw: Draw = "uniform") -> Factor:
    return Factor(name, "continuous", text, range=(low, high), draw=draw)


def _categorical(name: str, shares: Mapping[str, float], text: str) -> Factor:
    return Factor(name, "categorical", text, values=tuple(shares), probabilities=tuple(shares.values()))


def _group(name: str, parent: str, cuts: tuple[float, ...], shares: Mapping[str, float], text: str) -> Factor:
    return Factor(name, "categorical", text, values=tuple(shares), probabilities=tuple(shares.values()),
                  parent=parent, cuts=cuts)  # fmt: skip


_ALL = (
    _continuous("skin_lightness", 0.0, 1.0, "how light the skin is, from deep brown (0) to pale (1)"),
    _group("skin", "skin_lightness", (0.36, 0.68), {"dark": 0.36, "medium": 0.32, "light": 0.32},
           "group of skin_lightness: dark below 0.36, light from 0.68"),
    _continuous("skin_warmth", -1.0, 1.0, "undertone of the skin, cool (-1) to golden (1)", "centred"),
    _continuous("age", 18.0, 80.0, "years: greying hair, lines, thinner lips, smaller eyes, softer jaw"),
    _group("age_group", "age", (35.0, 58.0), {"young": 0.38, "middle": 0.34, "old": 0.28},
           "group of age: young below 35 years, old from 58"),
    _continuous("face_width", -1.0, 1.0, "narrow (-1) to wide (1) head"),
    _continuous("jaw", -1.0, 1.0, "pointed (-1) to square (1) chin", "centred"),
    _continuous("eye_size", -1.0, 1.0, "small (-1) to large (1) eyes", "centred"),
    _continuous("nose_size", -1.0, 1.0, "small (-1) to large (1) nose", "centred"),
    _categorical("eye_colour", {"brown": 0.5, "hazel": 0.18, "green": 0.14, "blue": 0.18}, "the iris"),
    _continuous("gaze", -1.0, 1.0, "where the eyes look, left (-1) to right (1) of the picture", "centred"),
    _continuous("brow_raise", -1.0, 1.0, "eyebrows drawn down (-1) to raised (1)", "centred"),
    _continuous("smile", -1.0, 1.0, "corners of the mouth, down (-1) to up (1)"),
    _continuous("mouth_open", 0.0, 1.0, "closed (0) to open (1), showing teeth", "low"),
    _continuous("lip_colour", 0.0, 1.0, "natural (0) to painted (1) lips", "low"),
    _categorical("hair_colour", {"black": 0.3, "brown": 0.3, "auburn": 0.15, "blonde": 0.18, "grey": 0.07},
                 "colour of the hair before age greys it"),
    _continuous("hair_length", 0.0, 1.0, "shaved (0), covering the ears (0.4), over the shoulders (1)"),
    _group("hair", "hair_length", (0.33, 0.66), {"short": 0.34, "medium": 0.33, "long": 0.33},
           "group of hair_length: short below 0.33, long from 0.66"),
    _continuous("hair_volume", 0.0, 1.0, "flat (0) to full (1) hair"),
    _continuous("hair_wave", 0.0, 1.0, "straight (0) to curly (1) outline", "low"),
    _continuous("fringe", 0.0, 1.0, "high forehead (0) to a fringe over the brows (1)"),
    _continuous("parting", -1.0, 1.0, "side to which the fringe falls"),
    _continuous("beard_density", 0.0, 1.0, "clean shaven (below 0.1) to a full beard (1)"),
    _group("beard", "beard_density", (0.1, 0.5), {"none": 0.72, "stubble": 0.13, "full": 0.15},
           "group of beard_density: none below 0.1, full from 0.5"),
    _categorical("glasses", {"no": 0.75, "yes": 0.25}, "whether glasses are worn"),
    _continuous("glasses_shape", 0.0, 1.0, "round (0) to square (1) lenses; only seen with glasses"),
    _continuous("glasses_tint", 0.0, 1.0, "clear (0) to sun (1) glasses; only seen with glasses", "low"),
    _continuous("yaw", -25.0, 25.0, "degrees by which the head turns to the left (-) or right (+) of the picture",
                "centred"),
    _continuous("pitch", -12.0, 12.0, "degrees by which the head looks up (-) or down (+)", "centred"),
    _continuous("roll", -10.0, 10.0, "degrees by which the head leans, clockwise if positive", "centred"),
    _continuous("light_direction", -1.0, 1.0, "side the light comes from, left (-1) to right (1)"),
    _continuous("light_strength", 0.0, 1.0, "soft, even (0) to strong, contrasty (1) light"),
    _categorical("background", {"plain": 0.2, "gradient": 0.3, "bokeh": 0.2, "texture": 0.2, "stripes": 0.1},
                 "pattern behind the head"),
    _continuous("background_hue", 0.0, 1.0, "place of the background's colour on the colour circle"),
    _continuous("background_lightness", 0.0, 1.0, "dark (0) to bright (1) background"),
    _categorical("clothes", {"crew": 0.45, "vneck": 0.25, "collar": 0.3}, "neckline"),
    _continuous("clothes_hue", 0.0, 1.0, "place of the clothes' colour on the colour circle"),
)  # fmt: skip

FACTORS: dict[str, Factor] = {factor.name: factor for factor in _ALL}
"""Every factor of a drawn face by name, in the order of the table's columns (`texture_seed` follows them)."""

CATEGORICAL: tuple[str, ...] = tuple(factor.name for factor in _ALL if factor.kind == "categorical")
GROUPS: tuple[str, ...] = tuple(factor.name for factor in _ALL if factor.parent is not None)


def group_values(name: str, values: NDArray[np.float64]) -> NDArray[Any]:
    """Names of the groups that the parent's `values` (n,) fall into, for the group factor `name`."""
    factor = FACTORS[name]
    return np.asarray(factor.values, dtype=object)[np.searchsorted(factor.cuts, values, side="right")]


def with_groups(factors: pd.DataFrame) -> pd.DataFrame:
    """A copy whose group columns agree with their continuous parents, for tables edited by hand."""
    groups = {name: group_values(name, factors[str(FACTORS[name].parent)].to_numpy(float)) for name in GROUPS}
    return factors.assign(**{name: pd.Series(value, factors.index, dtype="str") for name, value in groups.items()})


def neutral_factors(count: int = 1) -> pd.DataFrame:
    """A table of `count` equal rows, plain and in the middle of the ranges: where a sweep starts."""
    row: dict[str, Any] = {}
    for factor in FACTORS.values():
        if factor.range is not None:
            low, high = factor.range
            row[factor.name] = low if factor.draw == "low" else (low + high) / 2
        elif factor.parent is None:
            row[factor.name] = factor.values[0]
    row |= {
        "beard_density": 0.0,
        "background": "gradient",
        "hair_colour": "brown",
        "glasses": "no",
        "texture_seed": 7,
    }
    table = with_groups(pd.DataFrame([row] * count))
    return table[[*FACTORS, "texture_seed"]]
