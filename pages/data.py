"""Data: what is prepared, what is in it, and new data sets from pictures or from shares of groups."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.datasets.biased import biased_subset
from pages.datasets.bring import bring_form, under_preparation
from pages.datasets.contents import facts, labels, samples
from pages.datasets.routes import open_store
from pages.datasets.shelf import Shelved, shelf
from pages.datasets.verdict import verdict
from pages.shell.boundary import error_boundary
from vaelab.settings import EMBEDDED


@error_boundary
def data() -> None:
    """The page."""
    st.title("Data", anchor=False)
    st.markdown("Pictures are decoded once into a data set; trainings read those by name.")
    under_preparation()
    verdict()
    there = shelf()
    ready = [item.name for item in there if item.manifest is not None]
    if there:
        counts = ("Pictures", "Faces", "Left out")
        st.dataframe(
            shelf_table(there),
            hide_index=True,
            height="content",
            column_config={name: st.column_config.NumberColumn(format="localized") for name in counts},
            alt=f"{len(there)} data sets",
        )
    else:
        st.info(
            f"No data set is prepared yet. `{EMBEDDED}` is drawn by the first training that uses it and needs no "
            "download; bring your own pictures below.",
            icon=":material/image:",
        )
    with st.expander("Bring pictures", icon=":material/add_photo_alternate:", expanded=not ready, key="data.bring"):
        bring()
    if ready:
        one(ready)


@st.fragment
@error_boundary
def bring() -> None:
    """The form of a new data set."""
    bring_form()


def one(ready: list[str]) -> None:
    """Everything about one data set."""
    wanted = st.query_params.get("set")
    name = st.selectbox("Data set", ready, key="set", bind="query-params", width=420)
    if wanted and wanted not in ready:
        st.info("The link names a data set that is not ready on this machine.", icon=":material/link_off:")
    store = open_store(name)
    st.header(name, anchor=False)
    facts(store)
    counted, seen, biased = st.tabs(["Labels", "Pictures by group", "Biased subset"])
    with counted:
        labels(store)
    with seen:
        samples(store)
    with biased:
        biased_subset(store)


def shelf_table(there: list[Shelved]) -> pd.DataFrame:
    """One row per data set, the unfinished and damaged ones with their reason."""
    rows: list[tuple[object, ...]] = []
    for item in there:
        if item.manifest is None:
            rows.append((item.name, item.trouble, None, None, None, None, None))
            continue
        counts = item.manifest.counts
        faces = counts["by_is_face"]["true"]
        left_out = item.manifest.num_rejected
        rows.append((item.name, "ready", counts["total"], faces, item.manifest.size, left_out, item.manifest.source))
    return pd.DataFrame(rows, columns=["Data set", "State", "Pictures", "Faces", "Pixels", "Left out", "Source"])


data()
