"""Weights and training state as safetensors: written atomically, loaded strictly, never unpickled."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vaelab.errors import CheckpointError
from vaelab.runs.arrays import damaged, read_safetensors, with_record
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
        file.write(save(plain, metadata=with_record(record)))


def read_checkpoint(path: Path) -> Checkpoint:
    """The content of `path`.

    Raises:
        CheckpointError: the file is missing, cut short or not safetensors.
    """
    return Checkpoint(*read_safetensors(path, "pt"))


def tensors_in(content: bytes, source: str) -> dict[str, Tensor]:
    """The tensors of a file that was read already.

    Raises:
        CheckpointError: it was cut short or is not safetensors.
    """
    try:
        return load(content)
    except SafetensorError as error:
        raise CheckpointError(damaged(source, error)) from error


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
