"""The walk as a figure: what each detector makes of it above, the faces themselves beneath, on one axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from scipy.special import expit

from pages.shell.pictures import data_address, png
from vaelab.counterfactual import Sight, Survey, Walk
from vaelab.wording import signed

COLORS = ("#1b857e", "#d1741f", "#7a7dcf", "#c4568a")
"""Told apart with any colour vision, and at least 3 : 1 against the light and the dark background."""
MARKS = ("circle", "diamond", "square", "triangle-up")
NUM_FRAMES = 9
HEIGHT = 500
STRIP = 0.23
"""Share of the figure's height that the faces take."""
MARGIN = {"l": 8, "r": 8, "t": 36, "b": 8}


def frame_numbers(walk: Walk) -> list[int]:
    """Positions of the film strip's faces: evenly spaced, both ends and the start among them."""
    return [round(index) for index in np.linspace(0, len(walk.positions) - 1, NUM_FRAMES)]


def walk_figure(walk: Walk, scale: str, direction: str) -> go.Figure:
    """Face probability or log-odds of each detector along a walk, thresholds, crossings, and the film strip."""
    figure = go.Figure()
    for index, sight in enumerate(walk.sights):
        _add_sight(figure, sight, walk.positions, index, scale)
    spacing = 2 * walk.reach / (NUM_FRAMES - 1)
    for number in frame_numbers(walk):
        figure.add_layout_image(
            source=data_address(png(walk.pixels[number]), "png"),
            xref="x",
            yref="y2",
            x=walk.positions[number],
            y=0.5,
            sizex=spacing * 0.96,
            sizey=1,
            xanchor="center",
            yanchor="middle",
            sizing="contain",
            layer="above",
        )
    figure.add_vline(x=0, line={"width": 1, "color": "#888"}, opacity=0.5)
    _lay_out(figure, walk.reach + spacing / 2, direction)
    measure = "face probability" if scale == "probability" else "face log-odds"
    figure.update_layout(
        yaxis={"domain": [STRIP + 0.11, 1], "title": {"text": measure, "standoff": 4}},
        yaxis2={"domain": [0, STRIP], "range": [0, 1], "visible": False, "fixedrange": True},
        height=HEIGHT,
    )
    figure.update_xaxes(anchor="y", domain=[0, 1])
    if scale == "probability":
        figure.update_yaxes(range=[-0.04, 1.08], selector={"domain": (STRIP + 0.11, 1)})
    return figure


def survey_figure(survey: Survey, direction: str) -> go.Figure:
    """Share of many faces that each detector sees along the walk, with 95 % intervals as bands."""
    figure = go.Figure()
    for index, name in enumerate(survey.seen):
        shares = survey.shares(name)
        low, high = [share.low for share in shares], [share.high for share in shares]
        color = COLORS[index % len(COLORS)]
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([survey.positions, survey.positions[::-1]]),
                y=high + low[::-1],
                fill="toself",
                fillcolor=_faint(color),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
            )
        )
        figure.add_trace(
            go.Scatter(
                x=survey.positions,
                y=[share.rate for share in shares],
                name=name,
                mode="lines+markers",
                line={"color": color, "width": 2},
                marker={"symbol": MARKS[index % len(MARKS)], "size": 8},
                customdata=np.stack([low, high], axis=1),
                hovertemplate="%{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})",
            )
        )
        if survey.control:
            figure.add_trace(
                go.Scatter(
                    x=survey.positions,
                    y=[share.rate for share in survey.shares(name, is_control=True)],
                    name=f"{name}: random ways",
                    mode="lines",
                    line={"color": color, "width": 1.5, "dash": "dot"},
                    hovertemplate="%{y:.1%}",
                )
            )
    _lay_out(figure, float(survey.positions[-1]) * 1.04, direction)
    figure.update_layout(height=340)
    figure.update_yaxes(tickformat=".0%", range=[-0.04, 1.04], title={"text": "faces seen", "standoff": 4})
    return figure


def alternative(words: Sequence[str], direction: str) -> str:
    """The figure for those who do not see it."""
    return f"Face probability along {direction}, with the faces beneath. {' '.join(words)}"


def _add_sight(figure: go.Figure, sight: Sight, positions: NDArray[np.floating], index: int, scale: str) -> None:
    color, symbol = COLORS[index % len(COLORS)], MARKS[index % len(MARKS)]
    is_prob = scale == "probability"
    level = float(expit(sight.threshold.logit)) if is_prob else sight.threshold.logit
    figure.add_trace(
        go.Scatter(
            x=positions,
            y=sight.face_prob if is_prob else sight.face_logit,
            name=sight.detector,
            mode="lines+markers",
            line={"color": color, "width": 2.5},
            marker={"symbol": symbol, "size": 5},
            hovertemplate="%{y:.4f}" if is_prob else "%{y:.2f}",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[positions[0], positions[-1]],
            y=[level, level],
            name=f"{sight.detector}: threshold",
            mode="lines",
            line={"color": color, "width": 1.5, "dash": ("dash", "dot", "dashdot", "longdash")[index % 4]},
            hoverinfo="skip",
        )
    )
    if sight.crossings:
        figure.add_trace(
            go.Scatter(
                x=[crossing.position for crossing in sight.crossings],
                y=[level] * len(sight.crossings),
                mode="markers+text",
                text=[signed(crossing.position) for crossing in sight.crossings],
                textposition="top right" if index % 2 == 0 else "bottom left",
                showlegend=False,
                marker={"symbol": "x", "size": 11, "color": color, "line": {"width": 1, "color": "white"}},
                hovertext=[
                    f"{sight.detector} {'stops seeing' if crossing.is_loss else 'begins to see'} a face"
                    for crossing in sight.crossings
                ],
                hovertemplate="%{hovertext} at %{x:.2f}<extra></extra>",
            )
        )


def _lay_out(figure: go.Figure, reach: float, direction: str) -> None:
    figure.update_layout(
        margin=MARGIN,
        hovermode="x unified",
        dragmode=False,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(
        range=[-reach, reach],
        title={"text": direction, "standoff": 4},
        fixedrange=True,
        zeroline=False,
        tickformat="+~g",
        labelalias={"+0": "0"},
    )
    figure.update_yaxes(fixedrange=True, zeroline=False, automargin=True)


def _faint(color: str) -> str:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.18)"
