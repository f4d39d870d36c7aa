"""The plane as a component: dots, contour lines, and a point that the visitor moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vaelab.evaluation.priors import PlaneMixture

HERE = Path(__file__).parent
GRID = 61
"""Points along either side of the grid on which densities are taken."""
MASSES = (0.5, 0.9, 0.99)
"""Shares of a prior inside its contour lines."""

_mount = st.components.v2.component(
    "prior_plane",
    html=(HERE / "plane.html").read_text(encoding="utf-8"),
    css=(HERE / "plane.css").read_text(encoding="utf-8"),
    js=(HERE / "plane.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, eq=False)
class Contours:
    """A prior on the plane: its density on the grid (row by row, lowest y first) and the levels to be drawn."""

    name: str
    colour: str
    is_dashed: bool
    values: NDArray[np.float64]
    levels: list[float]


def grid_points(reach: float) -> NDArray[np.float64]:
    """(GRID * GRID, 2) points of the square from -reach to reach, row by row."""
    line = np.linspace(-reach, reach, GRID)
    x, y = np.meshgrid(line, line)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def contours(name: str, colour: str, is_dashed: bool, prior: PlaneMixture, reach: float) -> Contours:
    """Lines around the smallest areas that hold MASSES of a prior; none where it has no width."""
    values = prior.density(grid_points(reach)).reshape(GRID, GRID)
    ordered = np.sort(values.ravel())[::-1]
    inside = np.cumsum(ordered) * (2 * reach / (GRID - 1)) ** 2
    places = [int(np.searchsorted(inside, mass)) for mass in MASSES]
    return Contours(name, colour, is_dashed, values, [float(ordered[at]) for at in places if at < len(ordered)])


def plane(
    dots: NDArray[np.float32],
    priors: Sequence[Contours],
    *,
    reach: float,
    radius: float,
    point: tuple[float, float],
    label: str,
    key: str,
) -> tuple[float, float]:
    """Show the plane; returns where the visitor let the point go, else `point`.

    Args:
        dots: (faces, 2) places of the stored faces.
        reach: half of the side of the square that is shown.
        radius: of the circle around the point.
        label: what is shown, for screen readers.
    """
    data: dict[str, Any] = {
        "dots": [round(float(value), 2) for value in dots.ravel()],
        "priors": [
            {
                "name": prior.name,
                "colour": prior.colour,
                "dashed": prior.is_dashed,
                "values": [[float(f"{value:.4g}") for value in row] for row in prior.values],
                "levels": prior.levels,
            }
            for prior in priors
        ],
        "range": [-reach, reach],
        "radius": radius,
        "point": list(point),
        "label": label,
    }
    shown = _mount(key=key, data=data, default={"point": list(point)}, on_point_change=lambda: None).point
    is_point = isinstance(shown, list) and len(shown) == 2 and all(isinstance(value, (int, float)) for value in shown)
    if not is_point or not all(abs(value) <= reach for value in shown):  # NaN is not below anything either
        return point
    return float(shown[0]), float(shown[1])
