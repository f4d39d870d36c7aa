"""The maps of a model: principal components at once, UMAP as soon as a process of its own has made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.latentmap.state import METHODS
from pages.latentmap.underway import under_way
from pages.priormap.measures import latents_key
from vaelab.jobs.mapping import begin_map
from vaelab.runs.maps import map_path
from vaelab.runs.store import Run

if TYPE_CHECKING:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel

GRID = 96
SMOOTHED = 1.6
"""Standard deviation of the smoothing, in cells of the grid."""
MASSES = (0.25, 0.5, 0.75, 0.95)
"""Shares of all faces inside the density lines."""


def chosen_map(run: Run, model: FaceModel, method: str, dims: int = 2) -> FaceMap:
    """The map to show now: UMAP where it is wanted and made; where it is only wanted, it is begun meanwhile."""
    if method == "umap":
        key = _key(latents_key(model), dims, model)
        if map_path(run, key).is_file():
            found = _kept(key, dims, run, model)
            if found is not None:
                return found
            _kept.clear()  # it is damaged, and made anew
        _begin(run, key, dims)
    principal: FaceMap = _principal(latents_key(model), dims, model)
    return principal


def waiting(run: Run, model: FaceModel, wanted: str, shown: FaceMap) -> None:
    """Say that another map than the one asked for is shown, and for how long yet or why."""
    if shown.settings.method == wanted:
        return
    key = _key(latents_key(model), shown.settings.dims, model)
    under_way(
        run, key, map_path(run, key).name,
        f"{METHODS['umap']} of {run.id} is being computed in the background, about a minute the first time; meanwhile "
        "these are the principal components. It is kept with the model.",
        f"UMAP of {run.id} could not be made, so principal components are shown",
    )  # fmt: skip


def _begin(run: Run, key: str, dims: int) -> None:
    from vaelab.evaluation.projection import MapSettings

    begin_map(run, MapSettings(dims=dims), key)


@st.cache_resource(max_entries=16, show_spinner=False)
def _principal(stamp: str, dims: int, _model: FaceModel) -> FaceMap:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.evaluation.projection import MapSettings

    assert _model.latents is not None  # the page says so, and stops
    return FaceMap.of(_model.latents, MapSettings("pca", dims))


@st.cache_resource(max_entries=32, show_spinner=False)
def _key(stamp: str, dims: int, _model: FaceModel) -> str:
    from vaelab.evaluation.facemap import map_key
    from vaelab.evaluation.projection import MapSettings

    assert _model.latents is not None
    return map_key(_model.latents, MapSettings(dims=dims))


@st.cache_resource(max_entries=16, show_spinner=False)
def _kept(key: str, dims: int, _run: Run, _model: FaceModel) -> FaceMap | None:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.evaluation.projection import MapSettings

    assert _model.latents is not None
    return FaceMap.read(_run, _model.latents, MapSettings(dims=dims))


@st.cache_resource(max_entries=32, show_spinner=False)
def density_lines(key: str, _map: FaceMap) -> list[list[float]]:
    """Lines around the smallest areas that hold MASSES of the faces, each as x, y, x, y, ..."""
    from contourpy import contour_generator
    from scipy.ndimage import gaussian_filter

    places = _map.places
    reach = 1.1
    counts, edges, _ = np.histogram2d(places[:, 1], places[:, 0], bins=GRID, range=[[-reach, reach]] * 2)
    smooth = gaussian_filter(counts, SMOOTHED)
    middles = (edges[1:] + edges[:-1]) / 2
    ordered = np.sort(smooth.ravel())[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    draw = contour_generator(middles, middles, smooth)
    levels = [float(ordered[min(int(np.searchsorted(held, mass)), len(ordered) - 1)]) for mass in MASSES]
    lines = [line for level in dict.fromkeys(levels) for line in draw.lines(level)]
    return [[round(float(value), 3) for value in np.asarray(line).ravel()] for line in lines]
