"""What the DB-VAE makes of its training set: how many faces count, which are drawn most and least, recall by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.datasets.routes import faces_address
from pages.live.history import Rows, line
from pages.live.plot import plot
from pages.shell.remote import remote_picture
from vaelab.data.groups import NO, YES
from vaelab.recipe_notes import resampling_words
from vaelab.runs.store import Run
from vaelab.wording import counted, rate_name


def debiasing(run: Run, rows: Rows) -> None:
    """Everything about resampling; nothing for runs without it."""
    if run.config.debias.aggregation == "none":
        return
    st.subheader("Debiasing", anchor=False)
    st.caption(resampling_words(run.config.debias))
    latest = next((row for row in reversed(rows) if row.get("kind") == "resampling"), None)
    if latest is None:
        return
    panels = [
        {"title": title, "positive": True, "lines": [{**line(rows, part, "resampling", "now", 0), "dashed": False}]}
        for part, title in (
            ("effective_sample_size", "Effective sample size, faces"),
            ("largest_prob_times_faces", "The most drawn face, times its fair share"),
        )
    ]
    plot(panels, key=f"live.debias.{run.id}", height=120, plain=True)
    st.caption(
        f"Draws are worth {counted(round(latest['effective_sample_size']), 'face')} "
        f"({latest['effective_share']:.1%} of all), weighted by {counted(latest['num_active'], 'latent')}."
    )
    _drawn_faces(run, latest)
    _groups(latest)


def _drawn_faces(run: Run, latest: Mapping[str, Any]) -> None:
    """The faces at both ends of the draw probabilities; by name where their data set is gone."""
    num_faces = latest["effective_sample_size"] / latest["effective_share"]
    for key, title in (("most_drawn", "Drawn most"), ("least_drawn", "Drawn least")):
        faces = latest.get(key) or []
        if not faces:
            continue
        st.markdown(f"**{title}**")
        address = faces_address(run.config.data.datasets, [str(face["image_id"]) for face in faces])
        if address:
            remote_picture(address, f"{title}: {len(faces)} training faces")
        else:
            st.caption("Their data set is not on this machine: " + ", ".join(str(face["image_id"]) for face in faces))
        chances = ", ".join(f"{face['prob'] * num_faces:.3g}" for face in faces)
        st.caption(f"Times a fair share, from left to right: {chances}")


def _groups(latest: Mapping[str, Any]) -> None:
    """Share of each group in the data and in what is drawn."""
    groups: dict[str, dict[str, Any]] = latest.get("groups") or {}
    if not groups:
        return
    having = {column: shares[YES] for column, shares in groups.items() if set(shares) == {YES, NO}}
    tables = {column.capitalize(): shares for column, shares in groups.items() if column not in having}
    if having:  # CelebA has forty: a row each, not a table each
        tables["Labelled yes"] = having
    with st.expander("Groups in the data and in what is drawn", icon=":material/groups:"):
        for title, shares in tables.items():
            table = pd.DataFrame(
                [(name, round(share["data"], 3), round(share["drawn"], 3)) for name, share in shares.items()],
                columns=[title, "In the data", "Drawn"],
            )
            shown = {name: st.column_config.NumberColumn(format="percent") for name in ("In the data", "Drawn")}
            st.dataframe(table, hide_index=True, column_config=shown, alt=f"Shares by {title.lower()}")


def recall_by_group(rows: Rows) -> None:
    """How many held-out faces of each group the detector finds now; nothing where that was not measured."""
    found = next((row["recall_by_group"] for row in reversed(rows) if row.get("recall_by_group")), None)
    if found is None:
        return
    st.subheader("Recall by group", anchor=False)
    groups: dict[str, dict[str, float]] = found["groups"]
    table = pd.DataFrame(
        [(name, round(value["recall"], 3), value["count"]) for name, value in groups.items()],
        columns=[str(found["column"]).capitalize(), "Recall", "Faces"],
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={"Recall": st.column_config.ProgressColumn(format="percent")},
        alt=f"Recall of held-out faces by {found['column']}",
    )
    st.caption(
        f"Held-out faces found at {rate_name(found['fpr'])} false positives, by the last validation: a quick look on "
        "the way. `python -m vaelab evaluate` measures on test faces, with intervals."
    )
