"""Weights and training state as safetensors: written atomically, loaded strictly, never unpickled."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vaelab.errors import CheckpointError
from vaelab.runs.store import Run


@dataclass(frozen=True)
class Checkpoint:
    """Named tensors and a small record of plain values (JSON) that belongs to them."""

    tensors: dict[str, Tensor]
    record: dict[str, Any]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `prefix.`, without it."""
        start = prefix + "."
        return {name.removeprefix(start): tensor for name, tensor in self.tensors.items() if name.startswith(start)}


def write_checkpoint(run: Run, path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write `tensors` and `record` to `path` in the run's folder; a kill leaves the old file or the new one."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with run.replacing(path.name) as file:
        file.write(save(plain, metadata={"record": json.dumps(record)}))


def read_checkpoint(path: Path) -> Checkpoint:
    """The content of `path`.

    Raises:
        CheckpointError: the file is missing, cut short or not safetensors.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist; train or resume the run first")
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {}).get("record", "{}"))
            return Checkpoint({name: file.get_tensor(name) for name in file.keys()}, record)  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); restore it, or train again") from error


def load_weights(module: torch.nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy `tensors` into `module`, comparing every name and shape first.

    Raises:
        CheckpointError: names the first tensor that is missing, unknown or of another shape.
    """
    check_weights(module, tensors, source)
    module.load_state_dict(dict(tensors))


def check_weights(module: torch.nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Compare every name and shape of `tensors` with those of `module`, which may be on the meta device.

    Raises:
        CheckpointError: names the first tensor that is missing, unknown or of another shape.
    """
    own = module.state_dict()
    for name in sorted(own.keys() | tensors.keys()):
        if name not in tensors:
            raise CheckpointError(f"{source} has no tensor {name!r}, which the network needs; is it another model's?")
        if name not in own:
            raise CheckpointError(
                f"{source} has a tensor {name!r} that the network does not know; is it another model's?"
            )
        if own[name].shape != tensors[name].shape:
            found, wanted = tuple(tensors[name].shape), tuple(own[name].shape)
            raise CheckpointError(
                f"{source}: {name} has shape {found}, the network needs {wanted}; check size, latent, width"
            )
