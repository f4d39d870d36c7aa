"""An audit's figures: every seed a dot, every mean an interval, every group its count. Pure: no Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.auditing.words import level, percent
from pages.counterfactual.figure import COLORS, MARKS
from vaelab.audit.report.wording import points
from vaelab.evaluation.fairness.effects import Effect
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.two_level import TwoLevel

MARGIN = {"l": 8, "r": 12, "t": 36, "b": 48}
"""Room for the title of the axis below; left to itself it is drawn over the numbers."""
NAME_PIXELS, ROW_PIXELS = 28, 26
"""Heights of a group's name and of an arm's row beneath it."""
GREY = "#8b8b8b"
NAMES = {
    "worst_group": "worst-group recall",
    "gap": "gap, highest minus lowest",
    "average": "mean over groups, E[A]",
    "overall": "recall over all faces",
}
"""Measures by name, as axes and tables call them."""


def arms_figure(found: Findings) -> go.Figure:
    """Worst-group recall of every arm: seeds as dots, mean and 95 % interval."""
    figure = go.Figure()
    for place, summary in enumerate(found.summaries):
        if summary.worst_group is not None:
            _add_levels(figure, place, summary.arm, [place], [summary.worst_group], rise=0.2)
    _lay_out(figure, 94 + 56 * len(found.arms), "worst-group recall", found.arms)
    figure.update_layout(showlegend=False, margin={**MARGIN, "t": 8})
    return figure


def groups_figure(found: Findings) -> go.Figure:
    """Recall of every group under every arm; a click on a mark asks for the faces that were missed.

    Names of groups stand above their rows: beside them they would take most of a telephone's width.
    """
    figure = go.Figure()
    shown = [group for group in found.groups if group.standing != "counts only"]
    whole = NAME_PIXELS + ROW_PIXELS * len(found.arms) + 8
    for place, arm in enumerate(found.arms):
        offset = (NAME_PIXELS + ROW_PIXELS * (place + 0.5)) / whole - 0.5
        rows = [(height + offset, found.recall(arm, group.name)) for height, group in enumerate(shown)]
        for is_greyed in (False, True):
            some = [(height, row) for height, row in rows if (row.standing == "greyed") == is_greyed]
            levels = [row.mean for _, row in some if row.mean is not None]
            if levels:
                _add_levels(
                    figure, place, arm, [height for height, _ in some], levels, rise=8 / whole, is_greyed=is_greyed,
                    custom=[[arm, row.group, row.count] for _, row in some],
                )  # fmt: skip
    for height, group in enumerate(shown):
        figure.add_annotation(
            text=group_label(group.name, group.count, group.standing), showarrow=False, align="left",
            xref="paper", x=0, xanchor="left", y=height - 0.5 + NAME_PIXELS / 2 / whole,
            font={"color": GREY} if group.standing == "greyed" else None,
        )  # fmt: skip
    _lay_out(figure, MARGIN["t"] + MARGIN["b"] + whole * max(1, len(shown)), "recall", [""] * len(shown))
    figure.update_layout(clickmode="event+select", dragmode="pan")
    figure.update_yaxes(range=[len(shown) - 0.5, -0.5], showgrid=False, zeroline=False)
    return figure


def effects_figure(effects: Sequence[Effect], measure: str) -> go.Figure:
    """Differences between arms: paired seeds as dots, mean and 95 % interval, 0 as a line."""
    figure = go.Figure()
    names = [f"{effect.later} − {effect.earlier}" for effect in effects]
    for place, (name, effect) in enumerate(zip(names, effects, strict=True)):
        change = effect.changes[measure].difference
        _add_levels(figure, place, name, [place], [change], rise=0.2, is_difference=True)
    figure.add_vline(x=0, line={"width": 1, "color": GREY})
    _lay_out(figure, 94 + 50 * len(effects), f"change of {NAMES[measure]}, percentage points", names)
    figure.update_layout(showlegend=False, margin={**MARGIN, "t": 8})
    figure.update_xaxes(tickformat="+~f")
    return figure


def curves_figure(
    curves: Mapping[str, Mapping[str, np.ndarray]], fprs: np.ndarray, arm: str, found: Findings
) -> go.Figure:
    """Mean ROC over seeds of one arm's groups, false positives on a logarithmic axis.

    Args:
        curves: by arm and group, (seeds, points) recall at `fprs`.
        found: what the rest of the page is about: its false-positive rate is marked, its groups say their size.
    """
    figure = go.Figure()
    groups = {group.name: group for group in found.groups}
    for place, (name, recall) in enumerate(curves[arm].items()):
        group = groups[name]
        figure.add_trace(
            go.Scatter(
                x=fprs, y=recall.mean(axis=0), name=group_label(name, group.count, group.standing), mode="lines",
                line={"color": GREY if group.standing == "greyed" else COLORS[place % len(COLORS)], "width": 2,
                      "dash": dash_of(place)},
                hovertemplate="%{y:.1%} at %{x:.2%} false positives",
            )
        )  # fmt: skip
    figure.add_vline(x=found.fpr, line={"width": 1, "color": GREY, "dash": "dot"})
    figure.update_layout(height=430, margin=MARGIN, dragmode=False, legend={"orientation": "h", "y": -0.2, "x": 0})
    figure.update_xaxes(
        type="log", title={"text": f"false positives on {found.num_negatives:,} test negatives", "standoff": 4},
        tickformat=".1%",
        tickvals=[0.001, 0.01, 0.1, 1.0], fixedrange=True,
    )  # fmt: skip
    figure.update_yaxes(tickformat=".0%", title={"text": "recall, mean over seeds", "standoff": 4}, fixedrange=True)
    return figure


def seeds_figure(found: Findings, arm: str) -> go.Figure:
    """Recall of one arm by group and seed as a heat map with its numbers."""
    shown = [group for group in found.groups if group.standing != "counts only"]
    values = np.array([[rate.rate for rate in found.recall(arm, group.name).by_seed] for group in shown])
    labels = [group_label(group.name, group.count, group.standing) for group in shown]
    figure = go.Figure(
        go.Heatmap(
            z=values, x=[str(seed) for seed in found.seeds], y=[label.replace(" (", "<br>(") for label in labels],
            text=[[f"{100 * value:.1f}" for value in row] for row in values], texttemplate="%{text}",
            textfont={"size": 10}, colorscale="Cividis", showscale=False,
            hovertemplate="%{y}, seed %{x}: %{z:.1%}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(height=90 + 40 * max(1, len(shown)), margin={**MARGIN, "t": 8}, dragmode=False)
    figure.update_xaxes(title={"text": "seed", "standoff": 10}, type="category", fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    return figure


def _add_levels(
    figure: go.Figure,
    place: int,
    name: str,
    heights: Sequence[float],
    levels: Sequence[TwoLevel],
    *,
    rise: float,
    custom: Sequence[Sequence[object]] | None = None,
    is_difference: bool = False,
    is_greyed: bool = False,
) -> None:
    """Means with their intervals, and a little above each the dots of its seeds.

    Args:
        heights: rows of the levels, 0 on top.
        rise: how far above, in rows.
        custom: arm, group and faces of each level, where a click asks for them.
        is_greyed: these summarise nothing.
    """
    color = GREY if is_greyed else COLORS[place % len(COLORS)]
    scale = 100.0 if is_difference else 1.0
    of_seeds = [at for at, found in enumerate(levels) for _ in found.by_seed]
    figure.add_trace(
        go.Scatter(
            x=[scale * seed for found in levels for seed in found.by_seed],
            y=[heights[at] - rise for at in of_seeds],
            customdata=None if custom is None else [custom[at] for at in of_seeds],
            mode="markers", marker={"color": color, "size": 6, "opacity": 0.55},
            hovertemplate=f"one seed: %{{x:{'+.2f' if is_difference else '.1%'}}}<extra>{name}</extra>",
            showlegend=False,
        )
    )  # fmt: skip
    told = "%{text}" if custom is None else "%{customdata[1]}: %{text}, %{customdata[2]:,} faces"
    figure.add_trace(
        go.Scatter(
            x=[scale * found.value for found in levels], y=list(heights), name=name, mode="markers",
            marker={"color": color, "size": 11, "symbol": MARKS[place % len(MARKS)]},
            error_x=_error(levels, scale, color), customdata=custom,
            text=[points(found) if is_difference else level(found) for found in levels],
            hovertemplate=f"{told}<extra>{name}</extra>", showlegend=not is_greyed,
            selected={"marker": {"size": 15}}, unselected={"marker": {"opacity": 0.75}},
        )
    )  # fmt: skip


def _error(levels: Sequence[TwoLevel], scale: float, color: str) -> dict[str, object]:
    """Bars from low to high. The interval of a corrected figure need not hold the value: a length is negative then."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [scale * (found.high - found.value) for found in levels],
        "arrayminus": [scale * (found.value - found.low) for found in levels],
        "color": color,
        "thickness": 2,
        "width": 5,
    }


def _lay_out(figure: go.Figure, height: int, title: str, names: Sequence[str]) -> None:
    """Rows of these names, the first on top, over an axis of `title`."""
    figure.update_layout(
        height=height, margin=MARGIN, dragmode=False,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )  # fmt: skip
    figure.update_xaxes(tickformat=".1~%", title={"text": title, "standoff": 10}, fixedrange=True)
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=list(names), range=[len(names) - 0.4, -0.6], autorange=False,
        fixedrange=True, automargin=True,
    )  # fmt: skip


def dash_of(place: int) -> str:
    """The dash that tells a line from those before it of the same colour."""
    return ("solid", "dash", "dot", "dashdot")[place // len(COLORS) % 4]


def group_label(name: str, count: int, standing: str) -> str:
    """A group with its size and what that allows: `South Asian (n = 45, wide)`."""
    mark = {"counts only": ", only counted", "greyed": ", not summarised", "wide": ", wide"}.get(standing, "")
    return f"{name} (n = {count:,}{mark})"


def groups_in_words(found: Findings) -> str:
    """The groups figure for those who do not see it: each arm's lowest and highest group."""
    sentences = []
    for arm in found.arms:
        rows = [row for row in found.recalls if row.arm == arm and row.mean is not None and row.count >= 30]
        if rows:
            ordered = sorted(rows, key=lambda row: row.mean.value if row.mean is not None else 0.0)
            lowest, highest = ordered[0], ordered[-1]
            assert lowest.mean is not None
            assert highest.mean is not None
            sentences.append(
                f"{arm}: lowest {lowest.group} {percent(lowest.mean.value)}, highest {highest.group} "
                f"{percent(highest.mean.value)}."
            )
    return " ".join(sentences)
