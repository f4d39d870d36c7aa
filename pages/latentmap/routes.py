"""The library that draws the map of three axes, over HTTP, as it comes with the Python package."""

from __future__ import annotations

from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from pages.shell.routes import KEPT

FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
LIBRARY = f"/map/plotly.js?v={plotly.__version__}"
"""Its address, which changes with its version."""


def library(request: Request) -> FileResponse:
    """GET /map/plotly.js: the whole file, 5 MB, which the browser then keeps."""
    return FileResponse(FILE, media_type="text/javascript", headers={"Cache-Control": KEPT})


ROUTES = [Route("/map/plotly.js", library)]
