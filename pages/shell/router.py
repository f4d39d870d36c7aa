"""The main script: navigation, theme and frame around every page.

It lives here because Streamlit treats a folder `pages/` beside the main script as pages of its own, and a link
straight to one of them would open it without this frame.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from pages.launch.sidebar import sidebar, sidebar_to_come
from pages.shell.brand import mark_address
from pages.shell.links import keep_one_entry, lead_on
from pages.shell.style import apply_style
from pages.shell.warming import is_warm, page_is_out, wait_until_warm
from pages.shell.welcome import serving_computer
from pages.tour.card import remember_opening, tour

PAGES_DIR = Path(__file__).resolve().parents[1]
# Paths in the address that people type or were once given, and the files of the pages that they lead to.
OTHER_PATHS = {"explore": "explore.py", "walk": "walk.py"}

page = st.navigation(
    [
        st.Page(
            PAGES_DIR / "explore.py",
            title="Explore",
            default=True,
            url_path="start",  # of no effect but this: its own, "explore", is free for OTHER_PATHS
            help="Start from a face and move the dimensions a model uses most.",
        ),
        st.Page(
            PAGES_DIR / "paths.py",
            title="Studio",
            url_path="studio",
            help="Ways between faces, arithmetic, grids, uncertainty, neighbours, and films of them.",
        ),
        st.Page(
            PAGES_DIR / "compare.py",
            title="Compare",
            url_path="compare",
            help="Two models on the same faces and the same path.",
        ),
        st.Page(
            PAGES_DIR / "walk.py",
            title="Counterfactual",
            url_path="counterfactual",
            help="Move a face until a detector stops seeing one.",
        ),
        st.Page(
            PAGES_DIR / "detect.py",
            title="Detect",
            url_path="detect",
            help="Photos with many faces: what each detector sees, and what it looks at.",
        ),
        st.Page(
            PAGES_DIR / "audit.py",
            title="Audit",
            url_path="audit",
            help="Is it fairer? Detectors with and without debiasing, by group, at the same false-positive rate.",
        ),
        st.Page(
            PAGES_DIR / "prior.py",
            title="Prior",
            url_path="prior",
            help="Where new faces are drawn from, and the holes between encoded faces.",
        ),
        st.Page(
            PAGES_DIR / "map.py",
            title="Map",
            url_path="map",
            help="All stored faces laid out by what a model sees in them; decode, select, walk.",
        ),
        st.Page(
            PAGES_DIR / "recipes.py",
            title="Recipes",
            url_path="recipes",
            help="Every training with a name: explained, started, and what came of it.",
        ),
        st.Page(
            PAGES_DIR / "train.py",
            title="Train",
            url_path="train",
            help="Start a training, watch it, change it while it goes.",
        ),
        st.Page(
            PAGES_DIR / "runs.py",
            title="Runs",
            url_path="runs",
            help="All trainings: search, label, compare, export, import, delete.",
        ),
        st.Page(
            PAGES_DIR / "data.py",
            title="Data",
            url_path="data",
            help="What is prepared, what is in it, and new data sets.",
        ),
        st.Page(
            PAGES_DIR / "models.py",
            title="Models",
            url_path="models",
            help="The card and the measured results of every model on this machine.",
        ),
        *(
            st.Page(partial(lead_on, PAGES_DIR / file), title=path, url_path=path, visibility="hidden")
            for path, file in OTHER_PATHS.items()
        ),
    ],
    position="top",
)
st.set_page_config(
    page_title=f"{page.title} · vaelab", page_icon=mark_address(), layout="wide", initial_sidebar_state="collapsed"
)
if page.visibility == "hidden":
    page.run()
apply_style()
keep_one_entry()
st.logo(mark_address(128), size="large")
tour(page.url_path)
if page.url_path and not is_warm():
    with st.spinner("Starting: the server imports what this page needs"):
        wait_until_warm()
page.run()
remember_opening(page.url_path)
page_is_out()
if is_warm():
    sidebar(with_form=page.url_path != "train")
else:
    sidebar_to_come()
st.space("medium")
st.caption(f"vaelab runs on {serving_computer()}. No picture, setting or click leaves it.")
