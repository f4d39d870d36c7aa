"""Named numpy arrays and a record as safetensors, without torch: what pages read before torch is there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open

from vaelab.errors import CheckpointError

if TYPE_CHECKING:
    from vaelab.runs.store import Run


@dataclass(frozen=True, eq=False)
class Arrays:
    """Named arrays and a small record of plain values (JSON) that belongs to them."""

    arrays: dict[str, np.ndarray]
    record: dict[str, Any]


def write_arrays(run: Run, path: Path, arrays: Mapping[str, np.ndarray], record: Mapping[str, Any]) -> None:
    """Write `arrays` and `record` to `path` in the run's folder; a kill leaves the old file or the new one."""
    from safetensors.numpy import save

    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with run.replacing(path.name) as file:
        file.write(save(plain, metadata=with_record(record)))


def read_arrays(path: Path) -> Arrays:
    """The content of `path`; halves are widened to float32.

    Raises:
        CheckpointError: the file is missing, cut short or not safetensors.
    """
    arrays, record = read_safetensors(path, "numpy")
    widened = {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in arrays.items()}
    return Arrays(widened, record)


def read_safetensors(path: Path, framework: Literal["numpy", "pt"]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `path` holds by name, as arrays or tensors, and its record.

    Raises:
        CheckpointError: the file is missing, cut short or not safetensors.
    """
    with _opened(path, framework) as file:
        record = json.loads((file.metadata() or {}).get("record", "{}"))
        return {name: file.get_tensor(name) for name in file.keys()}, record  # noqa: SIM118


def read_whole(path: Path) -> bytes:
    """The bytes of `path`, which is not cut short.

    Raises:
        CheckpointError: the file is missing, cut short or not safetensors.
    """
    with _opened(path, "numpy"):  # its first lines say how long it is
        return path.read_bytes()


@contextlib.contextmanager
def _opened(path: Path, framework: str) -> Iterator[Any]:
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist; train or resume the run first")
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(damaged(str(path), error)) from error


def damaged(source: str, error: Exception) -> str:
    """What is said of a file that cannot be read."""
    return f"{source} is damaged ({error}); restore it, or train again"


def with_record(record: Mapping[str, Any]) -> dict[str, str]:
    """`record` as a file's metadata."""
    return {"record": json.dumps(record)}
