"""What a server draws with before torch is there: a run's decoder as browsers run it, and its first face.

decoder-<key>.onnx   the key changes with the weights and with how they are exported
drawn-<key>.png      one face; the key changes with the weights and its latent

Archives leave both out, since nothing in them can be checked against the weights but by drawing. The face that a
visitor of a new installation meets first ships with its model.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import numpy as np

from vaelab.errors import RunError
from vaelab.runs.store import Run

EXPORT = 1
"""Of how `vaelab.browser_decoder` makes the graph; one more whenever that changes what it holds."""


def read_decoder(run: Run, weights_fingerprint: str) -> bytes | None:
    """The kept graph of these weights; None where none is kept."""
    return _read(_graph_path(run, weights_fingerprint))


def keep_decoder(run: Run, weights_fingerprint: str, graph: bytes) -> None:
    """Keep the graph of these weights in place of that of others, where the folder can be written to."""
    _keep(run, _graph_path(run, weights_fingerprint), graph, "decoder-*.onnx")


def read_drawn(run: Run, weights_fingerprint: str, z: np.ndarray) -> bytes | None:
    """The kept PNG of this face; None where another is kept, or none."""
    return _read(_face_path(run, weights_fingerprint, z))


def keep_drawn(run: Run, weights_fingerprint: str, z: np.ndarray, png: bytes) -> None:
    """Keep this face in place of another, where the folder can be written to."""
    _keep(run, _face_path(run, weights_fingerprint, z), png, "drawn-*.png")


def _graph_path(run: Run, weights_fingerprint: str) -> Path:
    return run.dir / f"decoder-{weights_fingerprint}-{EXPORT}.onnx"


def _face_path(run: Run, weights_fingerprint: str, z: np.ndarray) -> Path:
    place = np.round(z.astype(np.float64), 2).astype("<f4") + np.float32(0.0)  # another processor's last bits, and -0
    digest = hashlib.sha256(weights_fingerprint.encode() + place.tobytes())
    return run.dir / f"drawn-{digest.hexdigest()[:16]}.png"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _keep(run: Run, path: Path, content: bytes, pattern: str) -> None:
    with contextlib.suppress(RunError):  # a full or a read-only disk: it is made again by the next server
        if not path.is_file():
            with run.replacing(path.name) as file:
                file.write(content)
        for other in run.dir.glob(pattern):
            if other != path:
                other.unlink(missing_ok=True)
