"""What is known of two models, beside each other: measurements, settings, side effects of a move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from pages.counterfactual.figure import COLORS
from vaelab.runs.store import Run
from vaelab.wording import with_minus

if TYPE_CHECKING:
    from vaelab.editing.effects import Effect

MEASURES = {
    "psnr_db": ("Reconstruction, PSNR in dB", 2),
    "ssim": ("Structural similarity", 3),
    "psnr_over_pca_db": ("Above PCA of as many components, dB", 2),
    "sharpness_ratio_median": ("Sharpness, share of the original's (median)", 2),
    "kl_nats": ("KL, nats per image", 1),
    "active_units": ("Active latents", 0),
}
"""Name and decimals of each figure of a report."""


def measured(runs: tuple[Run, Run], fingerprints: tuple[str, str]) -> pd.DataFrame:
    """Reconstruction of both by their reports on test faces; a dash where weights have no report of their own."""
    reports = [_reconstruction(run, fingerprint) for run, fingerprint in zip(runs, fingerprints, strict=True)]
    rows = [
        [name, *(_value(report.get(key), digits) for report in reports)] for key, (name, digits) in MEASURES.items()
    ]
    return pd.DataFrame(rows, columns=["Measured on test faces", runs[0].id, runs[1].id])


def effects_figure(names: tuple[str, str], effects: tuple[Sequence[Effect], Sequence[Effect]]) -> go.Figure:
    """How far the same move takes each attribute in either model, as bars with their numbers."""
    shared = [effect.key for effect in effects[0] if effect.key in {other.key for other in effects[1]}]
    figure = go.Figure()
    for index, (name, side) in enumerate(zip(names, effects, strict=True)):
        by_key = {effect.key: effect for effect in side}
        rows = [by_key[key] for key in shared]
        figure.add_trace(
            go.Bar(
                x=[row.moved for row in rows],
                y=[row.name for row in rows],
                name=name,
                orientation="h",
                marker={
                    "color": COLORS[index],
                    "pattern": {"shape": "/" if index else "", "fillmode": "overlay", "solidity": 0.2},
                },
                text=[with_minus(f"{row.moved:+.2f}") for row in rows],
                textposition="outside",
                cliponaxis=False,
                customdata=[[row.before, row.after, row.auc] for row in rows],
                hovertemplate="%{x:+.2f}: probability %{customdata[0]:.0%} to %{customdata[1]:.0%}, "
                "probe's AUC %{customdata[2]:.2f}",
            )
        )
    furthest = max([abs(row.moved) for side in effects for row in side if row.key in shared], default=1.0)
    figure.update_layout(
        height=90 + 46 * len(shared),
        barmode="group",
        dragmode=False,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )
    figure.update_xaxes(
        range=[-1.25 * furthest - 0.1, 1.25 * furthest + 0.1],
        title={"text": "change of log-odds, standard deviations", "standoff": 4},
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    return figure


def effects_in_words(name: str, effects: Sequence[Effect], meant: str) -> str:
    """The largest side effect in one sentence: `dbvae also moves Age by −0.40.`"""
    others = [effect for effect in effects if effect.key != meant]
    if not others:
        return ""
    largest = max(others, key=lambda effect: abs(effect.moved))
    moved = with_minus(f"{largest.moved:+.2f}")
    also = "also moves" if len(others) < len(effects) else "moves"
    return f"{name} {also} {largest.name} by {moved} standard deviations (probe's AUC {largest.auc:.2f})."


def _reconstruction(run: Run, fingerprint: str) -> Mapping[str, Any]:
    report = run.reports().get("test", {})
    is_current = report.get("model", {}).get("weights") == fingerprint
    found: Mapping[str, Any] = report.get("reconstruction", {}) if is_current else {}
    return found


def _value(value: Any, digits: int) -> str:
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        centre = value["mean"] if "mean" in value else value["value"]
        low, centre, high = (f"{number:.{digits}f}" for number in (value["low"], centre, value["high"]))
        text = f"{centre} ({low} to {high}), n = {value['n']:,}"
    else:
        text = f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
    return with_minus(text)
