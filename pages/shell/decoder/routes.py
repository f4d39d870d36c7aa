"""Decoding over HTTP: the graph for browsers that decode by themselves, and pixels for those that do not.

Like the pictures' routes these are outside Streamlit's own checks: runs are looked up by name, bodies are limited
before they are read, and nothing is changed. Work is done in threads of its own, so that a slider never waits behind
a page full of thumbnails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.shell.decoder.runtime import runtime_file
from pages.shell.loaders import find, load_model
from pages.shell.warming import wait_until_warm
from vaelab.errors import DataError, VaelabError
from vaelab.runs.decoders import keep_decoder, read_decoder

if TYPE_CHECKING:
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

MOST_LATENTS = 12
"""Faces one request may ask for."""
MOST_BODY_BYTES = MOST_LATENTS * 4 * 2048
"""Read at most; latents are never longer than 2048 numbers."""
KEPT = "private, max-age=31536000, immutable"
"""An address names weights exactly, so what is found there never changes."""

_decoding = ThreadPoolExecutor(2, thread_name_prefix="decode")
"""Two, so that a model being loaded for one visitor does not stop the sliders of another."""
_exporting = ThreadPoolExecutor(1, thread_name_prefix="export")


class _RefusedError(Exception):
    """The request cannot be answered; the text says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def decoder_graph(request: Request) -> Response:
    """GET /decoder/model: the decoder of a model as an ONNX file."""

    def made() -> Response:
        run = find(request.query_params.get("model", ""))
        model = load_model(run)
        if not model.has_decoder:
            raise _RefusedError(400, f"{model.run_id} only detects faces and cannot draw any")
        body = read_decoder(run, model.weights_fingerprint) or _exported(run, model)
        is_current = request.query_params.get("v") == model.weights_fingerprint
        headers = {"Cache-Control": KEPT if is_current else "no-store", "X-Weights": model.weights_fingerprint}
        return Response(body, media_type="application/octet-stream", headers=headers)

    return await _answered(_exporting, made)


async def decoded_pixels(request: Request) -> Response:
    """POST /decoder/pixels: float32 latents (n, latent) in, uint8 RGBA (n, size, size, 4) out, both as plain bytes."""
    try:
        body = await _limited_body(request)
    except _RefusedError as error:
        return JSONResponse({"error": str(error)}, error.status)

    def made() -> Response:
        model = load_model(find(request.query_params.get("model", "")))
        if request.query_params.get("v") != model.weights_fingerprint:
            raise _RefusedError(409, f"{model.run_id} has other weights by now; reload the page to see them")
        z = _latents(body, model)
        wait_until_warm()
        rgb = model.decode(z)
        rgba = np.full((*rgb.shape[:3], 4), 255, np.uint8)
        rgba[..., :3] = rgb
        return Response(rgba.tobytes(), media_type="application/octet-stream", headers={"Cache-Control": "no-store"})

    return await _answered(_decoding, made)


async def _answered(workers: ThreadPoolExecutor, made: Callable[[], Response]) -> Response:
    """What `made` returns, worked out by one of `workers`; errors as JSON."""
    try:
        return await asyncio.get_running_loop().run_in_executor(workers, made)
    except _RefusedError as error:
        return JSONResponse({"error": str(error)}, error.status)
    except DataError as error:
        return JSONResponse({"error": str(error)}, 400)
    except VaelabError as error:
        return JSONResponse({"error": str(error)}, 404)


async def _limited_body(request: Request) -> bytearray:
    """The request's body, of which no more is read than a request may send, whatever length it announces."""
    body = bytearray()
    too_long = _RefusedError(
        400, f"the body has more than {MOST_BODY_BYTES} bytes; send at most {MOST_LATENTS} latents"
    )
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > MOST_BODY_BYTES:
        raise too_long
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BODY_BYTES:
            raise too_long
    return body


def _latents(body: bytearray, model: FaceModel) -> np.ndarray:
    """The latents that `body` holds; whether they are finite `FaceModel.decode` says."""
    if not model.has_decoder:
        raise _RefusedError(400, f"{model.run_id} only detects faces and cannot draw any")
    length = 4 * model.latent_size
    count, rest = divmod(len(body), length)
    if rest or not 1 <= count <= MOST_LATENTS:
        raise _RefusedError(
            400,
            f"the body has {len(body)} bytes; {model.run_id} takes 1 to {MOST_LATENTS} latents of {length} bytes each, "
            f"{model.latent_size} little-endian float32",
        )
    return np.frombuffer(body, "<f4").reshape(count, model.latent_size)


def _exported(run: Run, model: FaceModel) -> bytes:
    """The decoder's graph, made by torch and kept for the next server."""
    wait_until_warm()
    from vaelab.browser_decoder import onnx_decoder, runs_in_browser  # torch takes seconds to import

    if not runs_in_browser(model):
        raise _RefusedError(400, f"the decoder of {model.run_id} is too heavy for a browser")
    graph = onnx_decoder(model)
    keep_decoder(run, model.weights_fingerprint, graph)
    return graph


ROUTES = [
    Route("/decoder/model", decoder_graph),
    Route("/decoder/runtime/{name}", runtime_file),
    Route("/decoder/pixels", decoded_pixels, methods=["POST"]),
]
