"""Reading VGG19's weights from a file: torchvision's own, or its features alone."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vaelab.errors import CheckpointError
from vaelab.models.vgg import vgg19_features

PREFIX = "features."


def layout() -> dict[str, tuple[int, ...]]:
    """Shape of each tensor by its name within torchvision's `features`, in order."""
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in vgg19_features().state_dict().items()}


def read_weights(path: Path) -> dict[str, Tensor]:
    """The weights up to block5_pool in `path`, float32.

    Read are safetensors, and what torch.save wrote of plain tensors: nothing in the file is run. Names are those of
    torchvision's whole classifier (`features.0.weight`, its dense layers are left alone) or of its features alone
    (`0.weight`).

    Raises:
        CheckpointError: there is no such file, it is damaged, or a tensor is missing or of another shape.
    """
    if not path.is_file():
        raise CheckpointError(
            f"there is no file {path} with VGG19's weights; give the path of torchvision's vgg19 state dict, "
            "--backbone imagenet to download it, or --random-backbone to try things out without it"
        )
    found = _tensors(path)
    if any(name.startswith(PREFIX) for name in found):
        found = {name.removeprefix(PREFIX): value for name, value in found.items() if name.startswith(PREFIX)}
    weights = {}
    for name, shape in layout().items():
        if name not in found:
            raise CheckpointError(
                f"{path} has no tensor {PREFIX}{name} or {name}; expected the state dict of torchvision's vgg19 "
                "(without batch norm), or of its features"
            )
        if tuple(found[name].shape) != shape:
            raise CheckpointError(
                f"{path}: {name} has shape {tuple(found[name].shape)}, VGG19 needs {shape}; is it another network's?"
            )
        weights[name] = found[name].float()
    return weights


def _tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file by name.

    Raises:
        CheckpointError: it cannot be read, or holds something other than named tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, OSError, RuntimeError, ValueError, EOFError, LookupError) as error:
        reason = str(error).split("\n")[0]
        raise CheckpointError(
            f"{path} cannot be read as weights ({type(error).__name__}: {reason}); delete it to have it downloaded "
            "again, or give another file"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise CheckpointError(f"{path} holds a {type(found).__name__}; expected a state dict of named tensors")
    return found
