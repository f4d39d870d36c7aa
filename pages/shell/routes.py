"""Pictures over HTTP: strips and sheets of faces that the browser asks for by itself, so that no page waits for them.

These routes are outside Streamlit's own checks: they read only what `read_query` accepts, look runs up by name,
draw a limited number of faces, and change nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.shell.faces import Pixels, walk
from pages.shell.loaders import find, load_model, model_stamp
from pages.shell.pictures import sheet
from pages.shell.warming import wait_until_warm
from vaelab.editing.recipe import MAX_SEED, FaceRecipe, fit_to_model, prior_starts, read_query
from vaelab.editing.sliders import sampled_latents
from vaelab.errors import VaelabError

if TYPE_CHECKING:
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

MOST_FACES = 16
"""Faces one request may ask for."""
KEPT = "private, max-age=86400, immutable"
"""An address names the files it is drawn from exactly (`_version`), so what it shows never changes."""

_one_at_a_time = threading.Lock()
"""Sheets queue here, so that a page full of them never takes the processor from a slider."""


class _BadRequestError(Exception):
    """The request asks for something that cannot be drawn; the text says what."""


def walk_addresses(model: FaceModel, recipe: FaceRecipe, keys: Sequence[str]) -> list[str]:
    """Where the strip of each slider around the starting face of `recipe` is found."""
    shared = urlencode({**recipe.started().to_query(), **_named(model)})
    return [f"/faces/walk?{shared}&{urlencode({'slider': key})}" for key in keys]


def samples_address(model: FaceModel, start: str, seeds: Sequence[int], temperature: float) -> str:
    """Where a row of faces drawn from a prior is found, one for each seed."""
    query = {**_named(model), "from": start, "t": f"{temperature:g}"}
    return f"/faces/samples?{urlencode({**query, 'seeds': '~'.join(map(str, seeds))})}"


def stored_address(model: FaceModel, rows: Sequence[int]) -> str:
    """Where a row of stored faces is found; `rows` are positions among the stored latents."""
    query = {**_named(model), "rows": "~".join(map(str, rows))}
    return f"/faces/stored?{urlencode(query)}"


def frame_address(model: FaceModel, images_seen: int, rows: Sequence[int]) -> str:
    """Where a row of the faces of a training's frames is found, by what the encoder saw in them then."""
    query = {**_named(model), "at": images_seen, "rows": "~".join(map(str, rows))}
    return f"/faces/frame?{urlencode(query)}"


def _named(model: FaceModel) -> dict[str, str]:
    """What every address says of its model."""
    return {"model": model.run_id, "v": _version(find(model.run_id))}


def _version(run: Run) -> str:
    """A word that changes with anything a picture is drawn from: weights, stored latents, directions, priors."""
    return hashlib.sha256(model_stamp(run).encode()).hexdigest()[:16]


def _drawn_walk(model: FaceModel, recipe: FaceRecipe, request: Request) -> Pixels:
    recipe, notes = fit_to_model(recipe, model)
    if notes:
        raise _BadRequestError(notes[0])
    return walk(model, recipe, request.query_params.get("slider", ""))


def _drawn_samples(model: FaceModel, recipe: FaceRecipe, request: Request) -> Pixels:
    if recipe.start not in prior_starts(model):
        raise _BadRequestError(f"{model.run_id} cannot sample from {recipe.start!r}")
    seeds = tuple(_numbers(request, "seeds", below=MAX_SEED + 1))
    return model.decode(sampled_latents(model, recipe.start, seeds, recipe.temperature))


def _drawn_stored(model: FaceModel, recipe: FaceRecipe, request: Request) -> Pixels:
    if model.latents is None:
        raise _BadRequestError(f"{model.run_id} stores no latents")
    rows = _numbers(request, "rows", below=len(model.latents.mu))
    return model.decode(np.asarray(model.latents.mu[rows], dtype=np.float32))


def _drawn_frame(model: FaceModel, recipe: FaceRecipe, request: Request) -> Pixels:
    from vaelab.evaluation.frames import read_frame

    at = request.query_params.get("at", "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12):
        raise _BadRequestError("at must be a number of images seen")
    mu = read_frame(find(model.run_id), int(at))
    return model.decode(mu[_numbers(request, "rows", below=len(mu))])


def _numbers(request: Request, name: str, below: int) -> list[int]:
    """Whole numbers in a query parameter, separated by ~."""
    pieces = request.query_params.get(name, "").split("~")
    if len(pieces) > MOST_FACES:
        raise _BadRequestError(f"{name} has {len(pieces)} numbers; at most {MOST_FACES} are drawn at once")
    if not all(piece.isascii() and piece.isdigit() and len(piece) <= 10 and int(piece) < below for piece in pieces):
        raise _BadRequestError(f"{name} must be whole numbers from 0 to {below - 1}, separated by ~")
    return [int(piece) for piece in pieces]


def _endpoint(drawn: Callable[[FaceModel, FaceRecipe, Request], Pixels]) -> Callable[[Request], Response]:
    """The HTTP side of a picture: reads the query, finds the model, queues, answers errors as JSON."""

    def endpoint(request: Request) -> Response:  # not async: Starlette runs it in a worker thread
        recipe, notes = read_query(request.query_params, FaceRecipe(model=""))
        if notes:
            return JSONResponse({"error": notes[0]}, status_code=400)
        try:
            run = find(recipe.model)
            wait_until_warm()
            with _one_at_a_time:
                model = load_model(run)
                body = sheet(drawn(model, recipe, request))
        except _BadRequestError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except VaelabError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        is_current = request.query_params.get("v") == _version(run)
        return Response(body, media_type="image/jpeg", headers={"Cache-Control": KEPT if is_current else "no-store"})

    return endpoint


ROUTES = [
    Route("/faces/walk", _endpoint(_drawn_walk)),
    Route("/faces/samples", _endpoint(_drawn_samples)),
    Route("/faces/stored", _endpoint(_drawn_stored)),
    Route("/faces/frame", _endpoint(_drawn_frame)),
]
