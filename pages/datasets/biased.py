"""A biased subset by hand: the share of each group under a slider, and how many faces that leaves."""

from __future__ import annotations

import json
import shlex
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from pages.datasets.bring import checked_dir
from pages.datasets.preparing import begin
from pages.shell.boundary import error_boundary
from vaelab.data.groups import Grouping, choosable_columns
from vaelab.data.sources import Subset
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError

MOST_SLIDERS = 16


@st.fragment
@error_boundary
def biased_subset(store: DatasetStore) -> None:
    """Choose a label, drag the shares, see the counts, make the data set."""
    training = store.labels[(store.labels["split"] == "train") & store.labels["is_face"].astype(bool)]
    columns = [name for name in choosable_columns(training) if training[name].nunique() <= MOST_SLIDERS]
    if not columns:
        st.caption(
            "This data set has no label that sorts its training faces into groups: words, or yes and no, with two to "
            f"{MOST_SLIDERS} different values."
        )
        return
    st.markdown(
        "Drag the shares apart to make some people rare in training. Validation and test pictures stay as they are, so "
        "a model trained on the subset is measured on the same people."
    )
    own = store.path.name
    column = st.selectbox("Label", columns, key=f"data.bias.{own}")
    grouping = Grouping.of(training, [column])
    shares = share_sliders(grouping, f"data.bias.{own}.{column}")
    seed = st.number_input("Seed", value=0, key=f"data.bias.{own}.seed", help="Who of a group is left out.")
    source = Subset(store.path, {column: shares}, int(seed))
    plan = source.plan(store.labels)
    _planned(plan, column)
    name = (
        st.text_input("Name", key=f"data.bias.{own}.name", placeholder=f"{own}-{column}").strip() or f"{own}-{column}"
    )
    unchanged = bool((plan["kept"] == plan["available"]).all())
    if st.button("Make the subset", type="primary", disabled=unchanged, key=f"data.bias.{own}.go"):
        begin(lambda: source, checked_dir(name), store.size)
        st.rerun(scope="app")
    st.caption("Training takes it by its name, like any data set. The same from the command line:")
    st.code(_command(source, name, store.size), language="bash", wrap_lines=True)


def share_sliders(grouping: Grouping, key: str, persist_state: Literal["page"] | None = None) -> dict[str, float]:
    """Shares of the groups in percent, beginning at what they are.

    Args:
        grouping: the groups.
        key: of the sliders, before the name of the group.
        persist_state: as Streamlit has it: whether they keep their values while they are not drawn.

    Raises:
        DataError: all shares are 0.
    """
    total = max(int(grouping.counts.sum()), 1)
    shares: dict[str, float] = {}
    with st.grid(3, min_column_width=200):
        for group in grouping.groups:
            own = round(100 * group.count / total, 1)
            shares[group.name] = st.slider(
                group.name, 0.0, 100.0, own, 0.1, format="%g %%", key=f"{key}.{group.name}",
                persist_state=persist_state,
            )  # fmt: skip
    whole = sum(shares.values())
    if whole <= 0:
        raise DataError("All shares are 0; drag at least one up.")
    if not np.isclose(whole, 100.0, atol=0.6):
        st.caption(f"The shares sum to {whole:g}; they are taken relative to each other.")
    own_shares = {group.name: round(100 * group.count / total, 1) for group in grouping.groups}
    if shares == own_shares:  # rounding must not throw anybody out
        return {group.name: float(group.count) for group in grouping.groups}
    return shares


def _planned(plan: pd.DataFrame, column: str) -> None:
    """How many faces stay, in all and of each group."""
    kept, available = int(plan["kept"].sum()), int(plan["available"].sum())
    st.markdown(f"**{kept:,} of {available:,} training faces stay.**")
    table = plan.assign(share=plan["kept"] / max(kept, 1))
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "group": column.capitalize(),
            "available": st.column_config.NumberColumn("There", format="localized"),
            "kept": st.column_config.NumberColumn("Stay", format="localized"),
            "share": st.column_config.ProgressColumn("Share of what stays", format="percent"),
        },
        alt=f"Training faces by {column} that stay",
    )


def _command(source: Subset, name: str, size: int) -> str:
    shares = json.dumps({column: dict(found) for column, found in source.shares.items()})
    words = ["python", "-m", "vaelab", "data", "prepare", "subset", "--root", str(source.root), "--shares", shares]
    return shlex.join([*words, "--seed", str(source.seed), "--size", str(size), "--name", name])
