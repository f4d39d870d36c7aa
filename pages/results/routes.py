"""The sheets of a run's results over HTTP, so that no page waits for a model to draw them.

Outside Streamlit's own checks, like the other routes: runs are looked up by name, the kind is one of four, and
nothing is changed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.shell.loaders import find, load_model, model_stamp, weights_stamp
from pages.shell.pictures import png
from pages.shell.warming import wait_until_warm
from vaelab.data.manifest import MANIFEST_FILE
from vaelab.errors import DataError, VaelabError
from vaelab.results import KINDS, Results, held_out_ids, results
from vaelab.runs.store import Run

if TYPE_CHECKING:
    from vaelab.data.collection import Collection

KEPT = "private, max-age=86400, immutable"
"""An address names weights and data exactly, so what it shows never changes."""

_one_at_a_time = threading.Lock()
"""Runs queue here, so that a page of several never takes the processor from a slider."""


def result_address(run: Run, kind: str) -> str:
    """Where one of KINDS is found for the weights and data that there are now."""
    return f"/results/sheet?{urlencode({'run': run.id, 'kind': kind, 'v': _stamp(run)})}"


def has_data(run: Run) -> bool:
    """Whether all data sets of the run are prepared here, by their manifests alone."""
    return all(path.is_file() for path in _manifests(run))


def shown_faces(run: Run) -> tuple[str, ...]:
    """Who the held-out faces on the run's sheets are; empty without its data sets."""
    return _faces(str(run.dir.resolve()), _stamp(run))


def sheet(request: Request) -> Response:  # not async: Starlette runs it in a worker thread
    """GET /results/sheet: one sheet of a run's results as PNG."""
    kind = request.query_params.get("kind", "")
    if kind not in KINDS:
        return JSONResponse({"error": f"kind must be one of {', '.join(KINDS)}"}, 400)
    try:
        run = find(request.query_params.get("run", ""))
        if not (run.config.has_decoder and weights_stamp(run)):
            return JSONResponse({"error": f"{run.id} has no decoder, or no weights yet"}, 404)
        with _one_at_a_time:
            stamp = _stamp(run)
            picture = _drawn(str(run.dir.resolve()), stamp).sheet(kind)
    except VaelabError as error:
        return JSONResponse({"error": str(error)}, 404)
    if picture is None:
        return JSONResponse({"error": f"the data set of {run.id} is not on this machine"}, 404)
    is_current = request.query_params.get("v") == stamp
    return Response(png(picture), media_type="image/png", headers={"Cache-Control": KEPT if is_current else "no-store"})


@functools.lru_cache(maxsize=16)
def _drawn(folder: str, stamp: str) -> Results:
    """All sheets of the run in `folder`; drawn once for the weights and data that `stamp` stands for."""
    run = Run.open(Path(folder))
    return results(load_model(run), _collection(run))


@functools.lru_cache(maxsize=64)
def _faces(folder: str, stamp: str) -> tuple[str, ...]:
    """Who the faces of `shown_faces` are; read once for the data that `stamp` stands for."""
    collection = _collection(Run.open(Path(folder)))
    return () if collection is None else tuple(held_out_ids(collection))


def _collection(run: Run) -> Collection | None:
    """The run's data sets; None where they are not on this machine, or were prepared anew at another size."""
    wait_until_warm()
    from vaelab.data.collection import Collection  # seconds of importing, which the server's start need not wait for

    data = run.config.data
    with contextlib.suppress(DataError):
        return Collection.open(data.datasets, Path(data.data_dir), data.size)
    return None


def _stamp(run: Run) -> str:
    """Text that changes with the run's weights, its stored latents and its data sets."""
    parts = [model_stamp(run), *(f"{p.stat().st_mtime_ns:x}" if p.is_file() else "" for p in _manifests(run))]
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]


def _manifests(run: Run) -> list[Path]:
    data = run.config.data
    return [Path(data.data_dir) / name / MANIFEST_FILE for name in data.datasets]


ROUTES = [Route("/results/sheet", sheet)]
