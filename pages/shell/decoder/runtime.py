"""The files a browser needs to decode by itself, served from this machine: our script and ONNX Runtime Web."""

from __future__ import annotations

import functools
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

FOLDER = Path(__file__).parent
RUNTIME_VERSION = "1.30.0"
"""Of ONNX Runtime Web; decoder.js asks for its files under this number."""
RUNTIME = FOLDER / "vendor" / f"onnxruntime-web-{RUNTIME_VERSION}"
SCRIPTS = ("decoder.js", "decoder-worker.js")
JAVASCRIPT = "text/javascript; charset=utf-8"


@dataclass(frozen=True)
class RuntimeFile:
    """A file that may be asked for; `path` ends in .gz where it is stored compressed."""

    path: Path
    media_type: str
    version: str


def decoder_script_address() -> str:
    """Where a component imports `createDecoder` and `createLatest` from; another address for other scripts."""
    return f"/decoder/runtime/{SCRIPTS[0]}?{urlencode({'v': scripts_version()})}"


def scripts_version() -> str:
    """Text that changes with our scripts, which belong together."""
    return hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in SCRIPTS)).hexdigest()[:16]


def runtime_file(request: Request) -> Response:
    """GET /decoder/runtime/{name}: one of a closed list, so that nothing from an address is ever used as a path."""
    known = _files().get(request.path_params["name"])
    if known is None:
        return JSONResponse({"error": f"the decoder has no file of this name; it has {', '.join(_files())}"}, 404)
    try:
        body = known.path.read_bytes()
    except FileNotFoundError:
        return JSONResponse({"error": f"{known.path.name} is missing from this installation"}, 404)
    is_current = request.query_params.get("v") == known.version
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if is_current else "no-cache"}
    if known.path.suffix == ".gz":
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
    return Response(body, media_type=known.media_type, headers=headers)


@functools.cache
def _files() -> dict[str, RuntimeFile]:
    """By name. The runtime's module contains its own loader, so that the WebAssembly is all it asks for."""
    wasm = RUNTIME / "ort-wasm-simd-threaded.wasm.gz"
    return {
        **{name: RuntimeFile(FOLDER / name, JAVASCRIPT, scripts_version()) for name in SCRIPTS},
        "ort.wasm.bundle.min.mjs": RuntimeFile(RUNTIME / "ort.wasm.bundle.min.mjs", JAVASCRIPT, RUNTIME_VERSION),
        "ort-wasm-simd-threaded.wasm": RuntimeFile(wasm, "application/wasm", RUNTIME_VERSION),
    }
