"""What points are coloured by: a label of the faces, or how typical a face is of what the model knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from plotly.colors import sample_colorscale

from pages.priormap.measures import latents_key
from vaelab.data.groups import Grouping, group_columns

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

TYPICAL = "typical"
UNKNOWN = "#8a8883"
INKS = ("#17867f", "#d1741f", "#7377c9", "#c2527f", "#7d9a3a", "#4a90c2", "#a5834b", "#b0a000", "#5b4b8a", "#3f7f3f")
"""Told apart on light and dark ground; the first ones with any colour vision."""
SHADES = 64
ENDS = (0.1, 0.92)
"""Part of the scale that is seen on light and on dark ground."""
CLIPPED = (0.02, 0.98)
"""Quantiles at which a quantity's colours end, lest a few faces take all of them."""


@dataclass(frozen=True, eq=False)
class Colouring:
    """A colour for each face.

    Attributes:
        inks: (faces,) uint8 places in `palette`, whose colours are #rrggbb.
        key: what the colours mean, for the legend: `names` with their colours, or a `ramp` with its two ends.
    """

    inks: NDArray[np.uint8]
    palette: list[str]
    key: dict[str, Any]


def colour_choices(model: FaceModel) -> dict[str, str]:
    """What can be coloured by, in words."""
    assert model.latents is not None  # the page says so, and stops
    columns = group_columns(model.latents.labels)
    return {**{column: column.replace("_", " ").capitalize() for column in columns}, TYPICAL: "How typical it is"}


def colouring(model: FaceModel, chosen: str) -> Colouring:
    """The colours by `chosen`, one of `colour_choices`."""
    found: Colouring = _colouring(latents_key(model), chosen, model)
    return found


@st.cache_resource(max_entries=32, show_spinner=False)
def _colouring(key: str, chosen: str, _model: FaceModel) -> Colouring:
    assert _model.latents is not None
    if chosen == TYPICAL:
        return _by_quantity(_log_density(_model))
    grouping = Grouping.of(_model.latents.labels, [chosen])
    names = [name.replace("_", " ") for name in grouping.names]
    if all(re.search(r"\d", name) for name in names):  # ranges, such as ages: an order, which a ramp shows
        colours = _shades(len(names))
    else:
        colours = [INKS[place % len(INKS)] for place in range(len(names))]
    inks = np.where(grouping.keys < 0, len(names), grouping.keys).astype(np.uint8)
    shown = list(zip(names, colours, strict=True)) + ([("not known", UNKNOWN)] if grouping.num_ungrouped else [])
    return Colouring(inks, [*colours, UNKNOWN], {"names": shown, "ramp": None})


def _log_density(model: FaceModel) -> NDArray[np.float64]:
    """Of each stored face under the mixture fitted to the model's faces, or else one Gaussian; nats."""
    from vaelab.evaluation.priors import Gaussian

    assert model.latents is not None
    if model.fitted_priors is not None and "mixture" in model.priors:
        return np.asarray(model.fitted_priors.mixture.log_density(model.latents.mu))
    return np.asarray(Gaussian(model.latents.prior_mean, model.latents.prior_factor).log_density(model.latents.mu))


def _by_quantity(values: NDArray[np.float64]) -> Colouring:
    low, high = np.quantile(values, CLIPPED)
    shares = np.clip((values - low) / max(float(high - low), 1e-12), 0.0, 1.0)
    colours = _shades(SHADES)
    ends = {"low": f"unusual, {low:.0f} nats", "high": f"typical, {high:.0f} nats"}
    ramp = {"colours": colours[:: SHADES // 8], **ends}
    return Colouring(np.round(shares * (SHADES - 1)).astype(np.uint8), colours, {"names": [], "ramp": ramp})


def _shades(count: int) -> list[str]:
    """Colours from dark to light, as #rrggbb."""
    found = sample_colorscale("Viridis", [float(value) for value in np.linspace(*ENDS, count)], colortype="tuple")
    return ["#" + "".join(f"{round(255 * part):02x}" for part in colour) for colour in found]
