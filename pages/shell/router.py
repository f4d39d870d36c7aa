"""The main script: navigation, theme and frame around every page.

It lives here because Streamlit treats a folder `pages/` beside the main script as pages of its own, and a link
straight to one of them would open it without this frame.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.launch.sidebar import sidebar, sidebar_to_come
from pages.shell.brand import mark_address
from pages.shell.links import lead_on
from pages.shell.places import OTHER_PATHS, PLACES, file_of
from pages.shell.style import apply_style
from pages.shell.warming import is_warm, page_is_out, wait_until_warm
from pages.shell.welcome import serving_computer
from pages.tour.card import remember_opening, tour

OWN_PATH = {"": "start"}  # of no effect but this: the name of the first page's file is free for another path

page = st.navigation(
    [
        *(
            st.Page(
                file_of(place.path),
                title=place.title,
                url_path=OWN_PATH.get(place.path, place.path),
                default=not place.path,
                help=place.about,
            )
            for place in PLACES
        ),
        *(
            st.Page(partial(lead_on, file_of(meant)), title=path, url_path=path, visibility="hidden")
            for path, meant in OTHER_PATHS.items()
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
