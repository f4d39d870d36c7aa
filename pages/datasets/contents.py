"""What is in a data set: counts by label, which labels come together, and its pictures by group."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages.datasets.routes import rows_address
from pages.shell.boundary import error_boundary
from pages.shell.remote import remote_picture
from vaelab.data.groups import MAX_VALUES, Grouping, choosable_columns
from vaelab.data.ordering import natural_key
from vaelab.data.splits import SPLITS
from vaelab.data.store import DatasetStore
from vaelab.wording import counted

PER_GROUP = 10
MOST_GROUPS = 12
MOST_REASONS = 8


def facts(store: DatasetStore) -> None:
    """Counts, terms and what was left out."""
    counts = store.manifest.counts
    with st.grid(4, min_column_width=120):
        st.metric("Faces", f"{counts['by_is_face']['true']:,}")
        st.metric("Other pictures", f"{counts['by_is_face']['false']:,}")
        st.metric("Picture", f"{store.size} px")
        st.metric("Left out", f"{store.manifest.num_rejected:,}")
    splits = " · ".join(f"{split} {counts['by_split'][split]:,}" for split in SPLITS if counts["by_split"][split])
    st.caption(
        f"{splits}. Source {store.manifest.source}, crop {store.manifest.crop}. Terms: {store.manifest.licence}."
    )
    for note in store.manifest.notes:
        st.caption(f":material/info: {note}")
    if store.manifest.rejected:
        with st.expander(f"{counted(store.manifest.num_rejected, 'file')} left out, and why"):
            reasons = Counter(item.reason for item in store.manifest.rejected).most_common(MOST_REASONS)
            st.dataframe(pd.DataFrame(reasons, columns=["Reason", "Files"]), hide_index=True, alt="Reasons")
            listed = pd.DataFrame([(item.image_id, item.reason) for item in store.manifest.rejected])
            listed.columns = ["File", "Reason"]
            st.dataframe(listed, hide_index=True, alt="Every file that was left out")


@st.fragment
@error_boundary
def labels(store: DatasetStore) -> None:
    """How often each value occurs in each split, and how often two labels come together."""
    columns = choosable_columns(store.labels)
    if not columns:
        st.caption(
            "These pictures have no labels that sort them into groups: words, or yes and no, with two to "
            f"{MAX_VALUES} different values."
        )
        return
    first, second = st.columns(2)
    rows = first.selectbox("Label", columns, key=f"data.rows.{store.path.name}")
    others = [column for column in columns if column != rows]
    across = second.selectbox(
        "Against", ["split", *others], index=min(1, len(others)), key=f"data.across.{store.path.name}"
    )
    values = store.labels[[rows, across]].map(str, na_action="ignore")
    table = pd.crosstab(values[rows], values[across])
    table = table.loc[sorted(table.index, key=natural_key), sorted(table.columns, key=natural_key)]
    share = st.toggle("Shares of each row instead of counts", key=f"data.share.{store.path.name}")
    long = table.div(table.sum(axis=1), axis=0) if share else table
    stacked = pd.Series(long.rename_axis(index="row", columns="column").stack())
    melted = stacked.rename("value").reset_index()
    form = ".0%" if share else ",d"
    st.vega_lite_chart(
        melted,
        _heat(rows, across, form),
        height=max(160, 34 * len(table) + 90),
        key=f"data.heat.{store.path.name}.{share}",
        alt=f"How often each {rows} comes with each {across}",
    )
    missing = int(values.isna().any(axis=1).sum())
    if missing:
        st.caption(f"Not counted, for want of one of the two labels: {counted(missing, 'picture')}.")


@st.fragment
@error_boundary
def samples(store: DatasetStore) -> None:
    """A row of pictures of each group, drawn anew at a press."""
    columns = choosable_columns(store.labels)
    choice, again = st.columns([3, 1], vertical_alignment="bottom")
    by = choice.selectbox("By", [*columns, "is_face"], key=f"data.by.{store.path.name}")
    turn_key = f"data.turn.{store.path.name}"
    if again.button("Others", icon=":material/casino:", key=f"data.again.{store.path.name}"):
        st.session_state[turn_key] = st.session_state.get(turn_key, 0) + 1
    random = np.random.default_rng(st.session_state.get(turn_key, 0))
    values = store.labels[[by]].astype({by: str}) if by == "is_face" else store.labels
    grouping = Grouping.of(values, [by])
    for group in grouping.groups[:MOST_GROUPS]:
        rows = grouping.rows(group.name)
        if not len(rows):
            continue
        name = (
            {"True": "Faces", "False": "Other pictures"}.get(group.name, group.name) if by == "is_face" else group.name
        )
        chosen = random.choice(rows, min(PER_GROUP, len(rows)), replace=False)
        st.markdown(f"**{name}** · {group.count:,}")
        remote_picture(rows_address(store, chosen.tolist()), f"{counted(len(chosen), 'picture')}: {by} {name}")
    if len(grouping) > MOST_GROUPS:
        st.caption(f"The first {MOST_GROUPS} of {len(grouping)} values are shown.")


def _heat(rows: str, across: str, form: str) -> dict[str, Any]:
    """A heat map with its numbers written into it."""
    place = {
        "x": {
            "field": "column",
            "type": "nominal",
            "sort": None,
            "axis": {"title": across, "orient": "top", "labelAngle": 0},
        },
        "y": {"field": "row", "type": "nominal", "sort": None, "axis": {"title": rows}},
    }
    told = [
        {"field": "row", "title": rows},
        {"field": "column", "title": across},
        {"field": "value", "format": form, "title": "pictures"},
    ]
    color = {"field": "value", "type": "quantitative", "scale": {"scheme": "teals"}, "legend": None}
    return {
        "layer": [
            {"mark": "rect", "encoding": {**place, "color": color, "tooltip": told}},
            {
                "transform": [{"joinaggregate": [{"op": "max", "field": "value", "as": "most"}]}],
                "mark": {"type": "text", "fontSize": 12},
                "encoding": {
                    **place,
                    "text": {"field": "value", "format": form},
                    "color": {
                        "condition": {"test": "datum.value > 0.55 * datum.most", "value": "white"},
                        "value": "#1d2b29",
                    },
                    "tooltip": told,
                },
            },
        ]
    }
