"""The app: `streamlit run app.py`. Pages are in `pages/`, everything around them in `pages/shell/`."""

from pathlib import Path

import streamlit as st

from pages.datasets.routes import ROUTES as DATA_ROUTES
from pages.latentmap.routes import ROUTES as MAP_ROUTES
from pages.live.routes import ROUTES as LIVE_ROUTES
from pages.results.routes import ROUTES as RESULT_ROUTES
from pages.shell.boundary import show_error
from pages.shell.decoder.routes import ROUTES as DECODER_ROUTES
from pages.shell.document import ROUTES as DOCUMENT_ROUTES
from pages.shell.lifespan import lifespan
from pages.shell.routes import ROUTES

app = st.App(
    Path(__file__).resolve().parent / "pages" / "shell" / "router.py",
    routes=[
        *DOCUMENT_ROUTES,
        *ROUTES,
        *DECODER_ROUTES,
        *LIVE_ROUTES,
        *DATA_ROUTES,
        *RESULT_ROUTES,
        *MAP_ROUTES,
    ],
    lifespan=lifespan,
    on_script_error=show_error,
)
