"""What points are coloured by: a label of the faces, or a number that each of them has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from plotly.colors import sample_colorscale

from pages.latentmap.quantities import DRAWN, Quantity, offered, quantity, values_of
from pages.priormap.measures import latents_key
from vaelab.data.groups import Grouping, choosable_columns, group_columns

if TYPE_CHECKING:
    import pandas as pd

    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

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
        inks: (faces,) uint8 places in `palette`, whose colours are #rrggbb; the last one is for faces without any.
        key: what the colours mean, for the legend: `names` with their colours, or a `ramp` with its two ends.
        words: what a colour says of a face, one for each of the palette; none where labels say it already.
    """

    inks: NDArray[np.uint8]
    palette: list[str]
    key: dict[str, Any]
    words: list[str] = field(default_factory=list)

    def of_rows(self, rows: NDArray[np.int64], elsewhere: str) -> Colouring:
        """The colours of faces in another order; those at row -1 have none, and the legend calls them `elsewhere`."""
        inks = np.where(rows < 0, len(self.palette) - 1, self.inks[rows]).astype(np.uint8)
        names = [*self.key["names"], *([(elsewhere, UNKNOWN)] if (rows < 0).any() else [])]
        return Colouring(inks, self.palette, {**self.key, "names": names}, self.words)


def colour_choices(run: Run, model: FaceModel) -> dict[str, str]:
    """What can be coloured by, in words: labels first, and yes-or-no labels, which may be many, last."""
    assert model.latents is not None  # the page says so, and stops
    labels = {name: name.replace("_", " ").capitalize() for name in choosable_columns(model.latents.labels)}
    first = {name: labels[name] for name in group_columns(model.latents.labels)}
    return first | offered(run, model) | labels


def colouring(run: Run, model: FaceModel, chosen: str) -> Colouring | None:
    """The colours by `chosen`, one of `colour_choices`; None while what they show is being measured."""
    about = quantity(chosen)
    if about is None:
        of_labels: Colouring = _by_label(latents_key(model), chosen, model)
        return of_labels
    values = values_of(run, model, chosen)
    if values is None:
        return None
    if chosen != DRAWN:
        return by_quantity(values, about)
    return by_quantity(np.log(np.maximum(values, np.finfo(np.float64).tiny)), about, np.exp)


def plain(count: int) -> Colouring:
    """Grey for everybody."""
    return Colouring(np.zeros(count, np.uint8), [UNKNOWN], {"names": [], "ramp": None})


def by_quantity(values: NDArray[np.float64], about: Quantity, undo: Any = None) -> Colouring:
    """A ramp over the values; faces without one are grey.

    Args:
        undo: from what the colours are even in to what is shown; by default they are the same.
    """
    known = values[np.isfinite(values)]
    low, high = (float(end) for end in np.quantile(known, CLIPPED)) if len(known) else (0.0, 0.0)
    shares = np.clip((values - low) / max(high - low, 1e-12), 0.0, 1.0)
    inks = np.where(np.isfinite(values), np.nan_to_num(shares) * (SHADES - 1), SHADES).round().astype(np.uint8)
    colours = _shades(SHADES)
    words = [about.shown(float(undo(value) if undo else value)) for value in np.linspace(low, high, SHADES)]
    ramp = {
        "colours": colours[:: SHADES // 8],
        "low": f"{about.low}, {words[0]}",
        "high": f"{about.high}, {words[-1]}",
    }
    names = [("not known", UNKNOWN)] if len(known) < len(values) else []
    return Colouring(inks, [*colours, UNKNOWN], {"names": names, "ramp": ramp}, [*words, ""])


@st.cache_resource(max_entries=32, show_spinner=False)
def _by_label(key: str, chosen: str, _model: FaceModel) -> Colouring:
    assert _model.latents is not None
    return by_label(_model.latents.labels, chosen)


def by_label(labels: pd.DataFrame, chosen: str, known: Sequence[str] = ()) -> Colouring:
    """A colour for each value of the column `chosen`.

    Args:
        known: values that have their colours already, in order, so that other faces have the same.
    """
    grouping = Grouping.of(labels, [chosen])
    values = [*known, *(name for name in grouping.names if name not in known)]
    names = [name.replace("_", " ") for name in values]
    if all(re.search(r"\d", name) for name in names):  # ranges, such as ages: an order, which a ramp shows
        colours = _shades(len(names))
    else:
        colours = [INKS[place % len(INKS)] for place in range(len(names))]
    ink_of = np.array([*(values.index(name) for name in grouping.names), len(values)], np.uint8)
    inks = ink_of[grouping.keys]  # -1 takes the last one, for faces without a label
    shown = list(zip(names, colours, strict=True)) + ([("not known", UNKNOWN)] if grouping.num_ungrouped else [])
    return Colouring(inks, [*colours, UNKNOWN], {"names": shown, "ramp": None})


def _shades(count: int) -> list[str]:
    """Colours from dark to light, as #rrggbb."""
    found = sample_colorscale("Viridis", [float(value) for value in np.linspace(*ENDS, count)], colortype="tuple")
    return ["#" + "".join(f"{round(255 * part):02x}" for part in colour) for colour in found]
