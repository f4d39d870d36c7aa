"""Maps, and measures of the faces on them, made in the background.

Each by a process of its own that whoever asks again finds at work. What is made comes by way of the run's folder: a
page looks there, and asks here only whether somebody is at it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from vaelab.jobs.environment import child_environment
from vaelab.runs.store import Run

if TYPE_CHECKING:  # pages ask before torch is there
    from vaelab.evaluation.projection import MapSettings
    from vaelab.scorecard.per_face import Measure

STOP_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Standing:
    """How far a map or a measure is.

    Attributes:
        seconds: since it was begun.
        is_over: whether the process has ended.
        error: why it made nothing, for people; empty where it did, or is at it.
    """

    seconds: float
    is_over: bool
    error: str = ""


@dataclass(frozen=True)
class _Making:
    process: subprocess.Popen[bytes]
    said: IO[bytes]
    begun: float


_makings: dict[tuple[str, str], _Making] = {}
_lock = threading.Lock()


def begin_map(run: Run, settings: MapSettings, key: str) -> None:
    """Make the map `key` of `run` in a process of its own, unless one is at it or has failed; returns at once."""
    _begin_laying_out(run, settings, key, over_training=False)


def begin_film(run: Run, settings: MapSettings, key: str) -> None:
    """Make the map over training `key` of `run` in a process of its own, unless one is at it or has failed."""
    _begin_laying_out(run, settings, key, over_training=True)


def begin_measure(run: Run, measure: Measure, key: str) -> None:
    """Measure the stored faces of `run` in a process of its own, unless one is at it or has failed; returns at once."""
    _begin(run, key, "vaelab.jobs.measure_worker", asdict(measure), {})


def _begin_laying_out(run: Run, settings: MapSettings, key: str, *, over_training: bool) -> None:
    request = {"settings": asdict(settings), "over_training": over_training}
    _begin(run, key, "vaelab.jobs.map_worker", request, {"OMP_NUM_THREADS": "1"})


def _begin(run: Run, key: str, worker: str, request: dict[str, Any], environment: dict[str, str]) -> None:
    with _lock:
        making = _makings.get((str(run.dir), key))
        if making is not None and making.process.poll() != 0:
            return
        said = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has ended
        process = subprocess.Popen(
            [sys.executable, "-m", worker, str(run.dir.absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**child_environment(), **environment},
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        _makings[str(run.dir), key] = _Making(process, said, time.monotonic())


def standing(run: Run, key: str) -> Standing | None:
    """How far the map or measure `key` of `run` is; None if nobody began it since the server started."""
    with _lock:
        making = _makings.get((str(run.dir), key))
        if making is None:
            return None
        seconds = time.monotonic() - making.begun
        code = making.process.poll()
        if code is None:
            return Standing(seconds, is_over=False)
        if code == 0:
            return Standing(seconds, is_over=True)
        making.said.seek(0)
        lines = making.said.read().decode(errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it was killed, perhaps for want of memory"
    return Standing(seconds, is_over=True, error=last.split("Error: ", 1)[-1])


def forget(run: Run, key: str) -> None:
    """Let it be begun again."""
    with _lock:
        making = _makings.get((str(run.dir), key))
        if making is not None and making.process.poll() is not None:
            making.said.close()
            del _makings[str(run.dir), key]


def stop_maps() -> None:
    """End every process that is at a map or a measure: whoever wants it begins it again."""
    with _lock:
        for making in _makings.values():
            making.process.kill()
            making.process.wait(STOP_TIMEOUT_SECONDS)
            making.said.close()
        _makings.clear()
