"""Faces that a training leaves on its way, over HTTP, so that a filmstrip loads only what is looked at.

Outside Streamlit's own checks, like the other routes: runs are looked up by name, previews by kind and clock among
those the run lists, and nothing is changed.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.shell.loaders import find
from vaelab.errors import VaelabError
from vaelab.runs.store import Run

KINDS = ("originals", "recon", "samples")
KEPT = "private, max-age=86400, immutable"
"""An address carries the file's time, so what it shows never changes."""


def preview_addresses(run: Run, kind: str) -> dict[int, str]:
    """Addresses of a kind's pictures by images seen, oldest first; a picture deleted meanwhile is left out."""
    found = {}
    for images_seen, path in _previews(run, kind):
        try:
            stamp = f"{path.stat().st_mtime_ns:x}"
        except FileNotFoundError:
            continue
        query = {"run": run.id, "kind": kind, "at": images_seen, "v": stamp}
        found[images_seen] = f"/live/preview?{urlencode(query)}"
    return found


def preview(request: Request) -> Response:  # not async: Starlette runs it in a worker thread
    """GET /live/preview: one sheet of faces as PNG."""
    query = request.query_params
    kind, at = query.get("kind", ""), query.get("at", "")
    if kind not in KINDS:
        return JSONResponse({"error": f"kind must be one of {', '.join(KINDS)}"}, 400)
    if not (at.isascii() and at.isdigit() and len(at) <= 18):
        return JSONResponse({"error": "at must be a number of images seen"}, 400)
    try:
        path = dict(_previews(find(query.get("run", "")), kind)).get(int(at))
        body = None if path is None else path.read_bytes()
    except VaelabError as error:
        return JSONResponse({"error": str(error)}, 404)
    except FileNotFoundError:  # thinned out between being listed and being read
        body = None
    if body is None:
        return JSONResponse({"error": "there is no such preview (any more)"}, 404)
    return Response(body, media_type="image/png", headers={"Cache-Control": KEPT})


def _previews(run: Run, kind: str) -> list[tuple[int, Path]]:
    """The run's previews of a kind; the held-out pictures themselves stand at 0."""
    return [(0, run.previews_dir / "originals.png")] if kind == "originals" else run.previews(kind)


ROUTES = [Route("/live/preview", preview)]
