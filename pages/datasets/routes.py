"""Pictures of prepared data sets over HTTP: rows of a store as one sheet.

Outside Streamlit's own checks: stores are looked up by name among those on the shelf, rows are numbers within the
store, a request gets a limited number of pictures, and nothing is changed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.datasets.shelf import DATA_DIR, shelf
from pages.shell.pictures import sheet
from pages.shell.warming import wait_until_warm
from vaelab.errors import DataError

if TYPE_CHECKING:  # seconds of importing, which the server's start need not wait for
    from vaelab.data.store import DatasetStore

MOST_PICTURES = 16
KEPT = "private, max-age=86400, immutable"
"""An address carries the store's fingerprint, so what it shows never changes."""


def rows_address(store: DatasetStore, rows: Sequence[int]) -> str:
    """Where a sheet of some rows of `store` is found, side by side."""
    query = {"store": store.path.name, "v": store.fingerprint[:16], "rows": "~".join(map(str, rows))}
    return f"/data/pictures?{urlencode(query)}"


def faces_address(datasets: Sequence[str], image_ids: Sequence[str]) -> str:
    """Where some pictures, all of one of these data sets, are found side by side; empty where it is gone or changed."""
    import pandas as pd

    for name in datasets:
        try:
            store = open_store(name)
        except DataError:
            continue
        places = pd.Index(store.labels["image_id"]).get_indexer(pd.Index(image_ids))
        if (places >= 0).all():
            return rows_address(store, places.tolist())
    return ""


def open_store(name: str) -> DatasetStore:
    """The store called `name` on the shelf, opened once for all visitors as long as its manifest is the same.

    Raises:
        DataError: there is none, or it is damaged.
    """
    found = next((item for item in shelf() if item.name == name), None)
    if found is None or found.manifest is None:
        raise DataError(f"there is no data set {name!r} here" + (f": {found.trouble}" if found else ""))
    return _opened(str(DATA_DIR.resolve()), name, found.manifest.fingerprint)


@functools.lru_cache(maxsize=8)
def _opened(data_dir: str, name: str, fingerprint: str) -> DatasetStore:
    wait_until_warm()
    from vaelab.data.store import DatasetStore

    return DatasetStore.open(f"{data_dir}/{name}")


def pictures(request: Request) -> Response:  # not async: Starlette runs it in a worker thread
    """GET /data/pictures: rows of a store side by side, as JPEG."""
    try:
        store = open_store(request.query_params.get("store", ""))
    except DataError as error:
        return JSONResponse({"error": str(error)}, 404)
    pieces = request.query_params.get("rows", "").split("~")
    if len(pieces) > MOST_PICTURES:
        return JSONResponse({"error": f"at most {MOST_PICTURES} pictures are shown at once"}, 400)
    if not all(
        piece.isascii() and piece.isdigit() and len(piece) <= 12 and int(piece) < len(store) for piece in pieces
    ):
        return JSONResponse({"error": f"rows must be whole numbers below {len(store)}, separated by ~"}, 400)
    is_current = request.query_params.get("v") == store.fingerprint[:16]
    body = sheet(np.asarray(store.pixels[[int(piece) for piece in pieces]]))
    return Response(body, media_type="image/jpeg", headers={"Cache-Control": KEPT if is_current else "no-store"})


ROUTES = [Route("/data/pictures", pictures)]
