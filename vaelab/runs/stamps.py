"""Texts that change with a run's files, by which whoever keeps what was read knows whether it is still of now."""

from __future__ import annotations

from pathlib import Path

from vaelab.runs.store import Run


def weights_stamp(run: Run) -> str:
    """Text that changes whenever the run's weights file does; empty while there is none."""
    return _file_stamp(run.weights_path)


def model_stamp(run: Run) -> str:
    """Text that changes with anything a loaded model is made from: weights, stored latents, directions, priors."""
    paths = (run.weights_path, run.latents_path, run.directions_path, run.priors_path)
    return "/".join(_file_stamp(path) for path in paths)


def _file_stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return ""
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}"
