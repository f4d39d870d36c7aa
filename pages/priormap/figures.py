"""Figures that set a prior beside the faces: how far from the middle both lie, and the variance of every latent."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

FACES, STANDARD, CHOSEN = "#8a8883", "#d1741f", "#1b857e"
"""Told apart with any colour vision, and at least 3 : 1 against the light and the dark background."""
MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}
BINS = 60


def lengths_figure(
    faces: NDArray[np.float64], draws: dict[str, tuple[NDArray[np.float64], str]], highest: float
) -> go.Figure:
    """Densities of the distances from 0: of the faces as an area, of each prior's draws as a line.

    Args:
        draws: lengths and colour by the prior's name.
        highest: right end of the axis.
    """
    edges = np.linspace(0.0, highest, BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    figure = go.Figure()
    for name, (lengths, colour) in {"Encoded faces": (faces, FACES), **draws}.items():
        density = np.histogram(lengths, edges)[0] / (len(lengths) * (edges[1] - edges[0]))
        is_faces, dash = colour == FACES, "dash" if colour == STANDARD else "solid"
        figure.add_trace(
            go.Scatter(
                x=middles,
                y=density,
                name=name,
                mode="lines",
                line={"color": colour, "width": 1 if is_faces else 2, "dash": dash},
                fill="tozeroy" if is_faces else None,
                hovertemplate="distance %{x:.1f}<extra>%{fullData.name}</extra>",
            )
        )
    _lay_out(figure)
    figure.update_xaxes(title="distance from 0, ‖z‖")
    figure.update_yaxes(visible=False, rangemode="tozero")
    return figure


def variance_figure(of_means: NDArray[np.float64], within: NDArray[np.float64]) -> go.Figure:
    """Bars of the aggregate posterior's variance, latent by latent, with the 1 that N(0, I) takes it to be."""
    order = np.argsort(-of_means, kind="stable")
    figure = go.Figure()
    places = np.arange(len(order))
    for values, name, colour in (
        (of_means, "between faces (variance of mu)", CHOSEN),
        (within, "within a face (mean posterior variance)", FACES),
    ):
        figure.add_trace(
            go.Bar(
                x=places,
                y=values[order],
                customdata=order,
                name=name,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate="latent %{customdata}: %{y:.2f}<extra>%{fullData.name}</extra>",
            )
        )
    figure.add_hline(y=1.0, line={"color": STANDARD, "width": 2, "dash": "dash"})
    _lay_out(figure)
    figure.update_layout(barmode="stack", bargap=0.0)
    figure.update_xaxes(title="latents, by how much they tell faces apart", showticklabels=False)
    figure.update_yaxes(title="variance", rangemode="tozero")
    return figure


def _lay_out(figure: go.Figure) -> None:
    figure.update_layout(height=300, margin=MARGIN, legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0})
    figure.update_layout(dragmode=False, hovermode="closest")
