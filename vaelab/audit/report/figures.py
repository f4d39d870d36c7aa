"""The figures of a report: dots with intervals, every seed a dot of its own."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaelab.audit.report.document import Picture
from vaelab.audit.report.wording import points, with_interval
from vaelab.evaluation.fairness.density import DensityBand
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.two_level import TwoLevel

COLOURS = ("#22211f", "#d1741f", "#0f6b66", "#5b5ea6", "#b0416b", "#6b8e23", "#8a6d3b")
"""By arm; the first is the reference, in the colour of the text."""
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
"""A second sign beside the colour, for who cannot tell colours or prints without them."""
GREY, LINE = "#6b6862", "#dedad3"
WIDTH = 7.0
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": "#22211f",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": GREY,
    "ytick.color": "#22211f",
    "text.color": "#22211f",
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "vaelab",
}


@mpl.rc_context(STYLE)
def worst_group_figure(found: Findings) -> Picture:
    """Worst-group recall of every arm."""
    rows = [(summary.arm, summary.worst_group) for summary in found.summaries]
    figure, axes = _lying(0.9 + 0.42 * len(rows), [name for name, _ in rows], "Worst-group recall, %")
    for place, (_, estimate) in enumerate(rows):
        _dot(axes, place, estimate, place)
    return _picture(
        figure,
        "worst-group",
        f"Worst-group recall of each arm: {_told(rows, with_interval)}",
        "Large marks are means over seeds, lines their 95 % intervals over seeds and pictures; each small dot is "
        "one seed, whose worst group is its own.",
    )


@mpl.rc_context(STYLE)
def groups_figure(found: Findings) -> Picture:
    """Recall by group of all arms; groups of fewer than 30 faces in grey, below 10 not drawn."""
    groups = [group for group in found.groups if group.standing != "counts only"]
    names = [f"{group.name}  ({group.count:,})" for group in groups]
    figure, axes = _lying(1.1 + len(names) * (0.16 + 0.15 * len(found.arms)), names, "Recall, %")
    offsets = np.linspace(-0.32, 0.32, len(found.arms)) if len(found.arms) > 1 else [0.0]
    for place, group in enumerate(groups):
        for arm, offset in enumerate(offsets):
            recall = found.recall(found.arms[arm], group.name).mean
            _dot(axes, place + float(offset), recall, arm, is_greyed=not group.is_summarised)
        if place:
            axes.axhline(place - 0.5, color=LINE, linewidth=0.6)
    _legend(figure, axes, found.arms)
    return _picture(
        figure,
        "groups",
        f"Recall of {len(groups)} groups under {', '.join(found.arms)}; the numbers are in the table",
        "Faces of each group in brackets. Marks and lines as above.",
    )


@mpl.rc_context(STYLE)
def effects_figure(found: Findings) -> Picture | None:
    """Change of worst-group recall of every comparison; None where no two groups are large enough."""
    rows = [
        (f"{effect.later} − {effect.earlier}", effect.changes["worst_group"].difference)
        for effect in found.effects
        if "worst_group" in effect.changes
    ]
    if not rows:
        return None
    label = "Change of worst-group recall, percentage points"
    figure, axes = _lying(0.9 + 0.36 * len(rows), [name for name, _ in rows], label)
    axes.axvline(0.0, color=GREY, linewidth=0.9)
    for place, (_, estimate) in enumerate(rows):
        _dot(axes, place, estimate, 2)
    return _picture(
        figure,
        "effects",
        f"Change of worst-group recall: {_told(rows, points)}",
        "Right of the line the later arm finds more of its worst group. Each small dot is a pair of networks with "
        "one seed.",
    )


@mpl.rc_context(STYLE)
def exposure_figure(exposures: Mapping[str, Sequence[Mapping[str, Any]]]) -> Picture | None:
    """Effective share of the faces over the training, one line per member; None where nothing was resampled."""
    drawn = {arm: [one for one in members if one["over_time"]] for arm, members in exposures.items()}
    drawn = {arm: members for arm, members in drawn.items() if members}
    if not drawn:
        return None
    figure, axes = _standing("Effective share of the faces")
    for place, (arm, members) in enumerate(drawn.items()):
        colour = COLOURS[(2 + place) % len(COLOURS)]
        for number, member in enumerate(members):
            clock = [0, *(row["images_seen"] for row in member["over_time"]), member["num_images"]]
            share = [1.0, *(row["effective_share"] for row in member["over_time"])]
            axes.step(
                clock, [*share, share[-1]], where="post", color=colour, linewidth=1.1, alpha=0.75,
                label=arm if number == 0 else None,
            )  # fmt: skip
    axes.set_xlabel("Images seen")
    axes.set_ylim(0.0, 1.04)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    figure.legend(loc="outside upper right", ncols=len(drawn))
    return _picture(
        figure,
        "exposure",
        f"Effective share of the training faces over the training of {', '.join(drawn)}",
        "How many equally likely faces would vary as much, over all faces: 1 is a uniform draw, smaller values "
        "rest on fewer faces. One line per seed.",
    )


@mpl.rc_context(STYLE)
def density_figure(bands: Mapping[str, Sequence[DensityBand]]) -> Picture | None:
    """Recall by how usual a face is to the member itself."""
    if not bands:
        return None
    figure, axes = _standing("Recall, %")
    for place, (arm, found) in enumerate(bands.items()):
        means = [100 * float(np.mean([rate.rate for rate in band.by_seed])) for band in found]
        colour, marker = COLOURS[(1 + place) % len(COLOURS)], MARKERS[(1 + place) % len(MARKERS)]
        axes.plot(range(len(found)), means, color=colour, marker=marker, label=arm, linewidth=1.3, markersize=5)
        for seed in range(len(found[0].by_seed)):
            recalls = [100 * band.by_seed[seed].rate for band in found]
            axes.plot(range(len(found)), recalls, ".", color=colour, alpha=0.4)
    count = len(next(iter(bands.values())))
    axes.set_xticks(range(count), ["most unusual", *[""] * (count - 2), "most usual"])
    figure.legend(loc="outside upper right", ncols=len(bands))
    return _picture(
        figure,
        "density",
        f"Recall of test faces by the density of their latents, of {', '.join(bands)}",
        "Test faces in fifths by how densely the training faces fill the bins of their latents under each network "
        "itself. Small dots are seeds.",
    )


def _lying(height: float, names: Sequence[str], label: str) -> tuple[Figure, Axes]:
    """A figure with a row for each name, the first on top."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    return figure, axes


def _standing(label: str) -> tuple[Figure, Axes]:
    """A figure whose values go upwards."""
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.set_ylabel(label)
    axes.grid(axis="y")
    return figure, axes


def _dot(axes: Axes, height: float, estimate: TwoLevel | None, arm: int, *, is_greyed: bool = False) -> None:
    """One estimate: seeds, interval, mean."""
    if estimate is None:
        return
    colour = "#a8a49c" if is_greyed else COLOURS[arm % len(COLOURS)]
    axes.plot(
        [100 * value for value in estimate.by_seed], [height] * len(estimate.by_seed), "o", color=colour, alpha=0.4,
        markersize=4.5, markeredgewidth=0,
    )  # fmt: skip
    axes.plot([100 * estimate.low, 100 * estimate.high], [height, height], color=colour, linewidth=1.3)
    axes.plot(
        100 * estimate.value, height, MARKERS[arm % len(MARKERS)], color=colour, markersize=6, markeredgecolor="white"
    )


def _legend(figure: Figure, axes: Axes, arms: Sequence[str]) -> None:
    marks = [
        axes.plot([], [], MARKERS[arm % len(MARKERS)], color=COLOURS[arm % len(COLOURS)], label=name)[0]
        for arm, name in enumerate(arms)
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=min(len(arms), 6))


def _told(rows: Sequence[tuple[str, TwoLevel | None]], written: Callable[[TwoLevel], str]) -> str:
    """The rows of a figure for those who do not see it."""
    return "; ".join(f"{name}: too few data" if one is None else f"{name} {written(one)}" for name, one in rows)


def _picture(figure: Figure, name: str, alt: str, caption: str) -> Picture:
    drawn, pixels = io.StringIO(), io.BytesIO()
    figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    figure.savefig(pixels, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    text = drawn.getvalue()
    width, height = figure.get_size_inches()
    return Picture(name, text[text.index("<svg") :], pixels.getvalue(), float(width), float(height), alt, caption)
