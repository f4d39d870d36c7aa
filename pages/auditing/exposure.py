"""What the resampling did: how many faces the draws are worth, whom it drew, who is missed where latents are thin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.auditing.figures import GREY, MARGIN, dash_of
from pages.auditing.loading import scores_of
from pages.auditing.plan import plan
from pages.auditing.words import percent
from pages.counterfactual.figure import COLORS, MARKS
from pages.datasets.routes import faces_address
from pages.shell.remote import remote_picture
from vaelab.audit.store import Audit
from vaelab.evaluation.fairness.density import bands_by_arm
from vaelab.evaluation.fairness.findings import Findings
from vaelab.wording import rate_name

STILL = {"displayModeBar": False}


def exposure(audit: Audit, found: Findings) -> None:
    """Everything about one resampling arm."""
    exposures = {
        arm: drawn
        for arm in audit.experiment.arms
        if (drawn := {seed: one for seed in audit.experiment.seeds if (one := audit.exposure(arm, seed))})
    }
    if exposures:
        arm = st.segmented_control(
            "Arm", list(exposures), default=next(iter(exposures)), required=True, key=f"audit.exposure.arm.{audit.name}"
        )
        drawn = exposures[arm or next(iter(exposures))]
        _over_time(drawn)
        _groups(drawn, found)
        _faces(audit, drawn)
    else:
        st.caption("No arm of this audit that is done resamples its faces, so every face was drawn equally often.")
    _by_density(audit, found)


def _over_time(drawn: dict[int, dict[str, Any]]) -> None:
    figure = go.Figure()
    for place, (seed, one) in enumerate(drawn.items()):
        rows = one["over_time"]
        figure.add_trace(
            go.Scatter(
                x=[row["images_seen"] for row in rows], y=[row["effective_share"] for row in rows],
                name=f"seed {seed}", mode="lines+markers",
                line={"color": COLORS[place % len(COLORS)], "dash": dash_of(place), "width": 1.5},
                marker={"symbol": MARKS[place // len(COLORS) % len(MARKS)], "size": 6},
                hovertemplate="%{y:.1%} at %{x:,} images",
            )
        )  # fmt: skip
    figure.update_layout(height=300, margin={**MARGIN, "t": 8}, dragmode=False, showlegend=len(drawn) <= 6)
    figure.update_xaxes(title={"text": "images seen", "standoff": 4}, rangemode="tozero", fixedrange=True)
    figure.update_yaxes(
        title={"text": "effective share of faces", "standoff": 4}, tickformat=".0%", rangemode="tozero", fixedrange=True
    )
    last = [one["over_time"][-1] for one in drawn.values() if one["over_time"]]
    if not last:
        st.caption("It never came to resampling: every face was drawn equally often.")
        return
    worth = ", ".join(f"{row['effective_sample_size']:,.0f}" for row in last)
    st.markdown("**What the draws are worth**")
    st.plotly_chart(
        figure,
        config=STILL,
        key="audit.exposure.time",
        alt=f"Effective sample size over time. At the end {worth} faces",
    )
    some = next(iter(drawn.values()))
    st.caption(
        f"Effective sample size over the {some['num_faces']:,} training faces: so many faces drawn equally often would "
        f"vary as much. At the end {worth} faces; uniform until {some['uniform_until']:,} images."
    )


def _groups(drawn: dict[int, dict[str, Any]], found: Findings) -> None:
    """Shares of groups in the data and in what was drawn, a dot per seed."""
    columns = list(next(iter(drawn.values()))["groups"])
    if not columns:
        return
    column = next((name for name in found.columns if name in columns), columns[0])
    if len(columns) > 1:
        column = st.selectbox("By", columns, index=columns.index(column), key="audit.exposure.by", width=320) or column
    shares = [one["groups"][column] for one in drawn.values()]
    names = list(shares[0])
    figure = go.Figure(
        [
            go.Bar(y=names, x=[shares[0][name]["data"] for name in names], name="in the data", orientation="h",
                   marker={"color": GREY}, hovertemplate="%{x:.2%}"),
            go.Bar(y=names, x=[_mean(shares, name) for name in names], name="drawn",
                   orientation="h", marker={"color": COLORS[0]}, hovertemplate="%{x:.2%}, mean over seeds"),
            go.Scatter(y=[name for name in names for _ in shares],
                       x=[each[name]["drawn"] for name in names for each in shares],
                       mode="markers", marker={"color": COLORS[1], "size": 6, "opacity": 0.6}, name="each seed",
                       hovertemplate="%{x:.2%}"),
        ]
    )  # fmt: skip
    figure.update_layout(
        height=100 + 44 * len(names), barmode="group", margin=MARGIN, dragmode=False,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    figure.update_xaxes(tickformat=".0%", fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    words = "; ".join(f"{name} {percent(shares[0][name]['data'])} to {percent(_mean(shares, name))}" for name in names)
    st.plotly_chart(figure, config=STILL, key="audit.exposure.groups", alt=f"Shares in the data and drawn: {words}")
    st.caption(
        "Of all faces drawn from beginning to end. Resampling knows no labels; what it does to groups is a result."
    )


def _mean(shares: list[dict[str, dict[str, float]]], name: str) -> float:
    return float(np.mean([each[name]["drawn"] for each in shares]))


def _faces(audit: Audit, drawn: dict[int, dict[str, Any]]) -> None:
    seed = next(iter(drawn))
    for key, title in (("most_drawn", "Drawn most"), ("least_drawn", "Drawn least")):
        faces = drawn[seed].get(key) or []
        if not faces:
            continue
        st.markdown(f"**{title}**, seed {seed}")
        names = [str(face["image_id"]) for face in faces]
        address = faces_address(audit.experiment.base.data.datasets, names)
        if address:
            remote_picture(
                address, f"{title}: {len(faces)} training faces", widest=75 * len(faces), shape=(len(faces), 1)
            )
        else:
            st.caption("Their data set is not on this machine: " + ", ".join(names))
        fair = drawn[seed]["num_faces"]
        st.caption(
            "Times a fair share, from left to right: " + ", ".join(f"{face['prob'] * fair:.3g}" for face in faces)
        )


def _by_density(audit: Audit, found: Findings) -> None:
    """Recall of arms with latents where training faces are thin, and where they are dense."""
    scores = scores_of(audit, plan().split)
    bands = bands_by_arm(scores, {arm: audit.log_densities(plan().split, arm) for arm in scores.arms}, found.fpr)
    rows = [
        (arm, place, band.count, [seed.rate for seed in band.by_seed])
        for arm, of_arm in bands.items()
        for place, band in enumerate(of_arm)
    ]
    if not rows:
        st.caption("No arm has latents that were kept with its scores, so recall by latent density is not known.")
        return
    number = max(band for _, band, *_ in rows) + 1
    names = ["rarest fifth", *(f"{band + 1}" for band in range(1, number - 1)), "most common fifth"]
    st.markdown("**Recall by latent density**")
    table = pd.DataFrame(
        [
            {"Arm": arm, "Faces": names[band] if number == 5 else str(band + 1), "Count": count,
             "Recall": percent(float(np.mean(recall))), "Seeds": f"{percent(min(recall))} to {percent(max(recall))}"}
            for arm, band, count, recall in rows
        ]
    )  # fmt: skip
    st.dataframe(
        table, hide_index=True, height="content", alt="Recall in fifths of the held-out faces by latent density"
    )
    st.caption(
        f"Held-out faces in fifths by how densely training faces fill the latents around them, at "
        f"{rate_name(found.fpr)} false positives. Every network has its own rarest fifth, so rows of two arms are not "
        "about the same faces. Debiasing should lift it."
    )
