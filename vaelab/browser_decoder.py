"""A decoder as a browser runs it: an ONNX graph from one latent vector to the bytes of a picture, and what it costs.

The graph ends where a canvas begins: rounded, uint8, with an alpha channel. So a page does no arithmetic of its own
that could differ from `FaceModel.decode`.
"""

from __future__ import annotations

import functools
import io
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vaelab.config import TrainConfig
from vaelab.errors import ConfigError
from vaelab.inference import FaceModel
from vaelab.losses import LIKELIHOODS
from vaelab.models import build_model

MAX_BROWSER_FLOPS = 600_000_000
"""Floating-point operations per picture above which a browser is not tried: WebAssembly on one thread does about
12 billion a second, so this is 20 pictures a second, the least that still looks like motion."""

OPSET = 17
"""ONNX operator set: old enough for every runtime of the last years, new enough for all that decoders use."""

_one_export = threading.Lock()
"""The exporter keeps its settings in module globals."""


class _Drawing(nn.Module):
    """What `FaceModel.decode` does with one latent vector, as a module; rounds half to even, as it does."""

    def __init__(self, model: FaceModel) -> None:
        super().__init__()
        self.network = model.network
        self.mean = LIKELIHOODS[model.config.loss.likelihood].mean

    def forward(self, z: Float[Tensor, "batch latent"]) -> UInt8[Tensor, "batch size size 4"]:
        images = self.mean(self.network.decode(z))
        pixels = images.mul(255).round().permute(0, 2, 3, 1)
        opaque = torch.full_like(pixels[..., :1], 255)
        return torch.cat([pixels, opaque], dim=3).to(torch.uint8)


def onnx_decoder(model: FaceModel) -> bytes:
    """The decoder of `model` as an ONNX file, weights in float32.

    Input `z` is float32 (1, latent); output `pixels` is uint8 (1, size, size, 4), RGBA as ImageData takes it. The batch
    is fixed at one: a slider draws one picture, and a runtime that knows every shape plans its memory once.
    Takes about half a second. Safe to call from several threads; exports wait for each other.

    Raises:
        ConfigError: the model has no decoder.
    """
    _need_decoder(model)
    file = io.BytesIO()
    example = torch.zeros(1, model.latent_size, device=model.device)
    with _one_export, warnings.catch_warnings():
        # The exporter that traces is deprecated; its successor makes the same graph forty times more slowly.
        # While it traces, sizes are tensors, and it warns of whoever looks at one, even of a check of shapes.
        for expected in (DeprecationWarning, torch.jit.TracerWarning):  # type: ignore[attr-defined]
            warnings.simplefilter("ignore", expected)
        torch.onnx.export(
            _Drawing(model).eval(),
            (example,),
            file,  # type: ignore[arg-type]  # this exporter takes buffers, only its annotation does not
            input_names=["z"],
            output_names=["pixels"],
            opset_version=OPSET,
            dynamo=False,
        )
    return file.getvalue()


def decoder_flops(model: FaceModel) -> int:
    """Floating-point operations of one picture: twice the multiply-adds of its convolutions and matrix products.

    Counted by decoding shapes alone, once for each config, and looking at those that come by, so that whatever a
    decoder is made of is counted. What works value by value (ReLU, upsampling, rounding) is left out: a few percent.

    Raises:
        ConfigError: the model has no decoder.
    """
    _need_decoder(model)
    return _flops_of(model.config)


@functools.lru_cache
def _flops_of(config: TrainConfig) -> int:
    counted = _MultiplyAdds()
    with torch.device("meta"):
        network = build_model(config)
        with torch.inference_mode(), counted:
            network.decode(torch.zeros(1, config.model.latent))
    return 2 * counted.total


def runs_in_browser(model: FaceModel) -> bool:
    """Whether the decoder of `model` is light enough to follow a slider in a browser."""
    return model.has_decoder and decoder_flops(model) <= MAX_BROWSER_FLOPS


def _need_decoder(model: FaceModel) -> None:
    if not model.has_decoder:
        raise ConfigError(f"{model.run_id} is a {model.config.model.model}, which has no decoder; take a VAE")


class _MultiplyAdds(TorchFunctionMode):
    """Adds up multiply-adds of the torch functions that this thread calls inside the block.

    Differs: torch's own FlopCounterMode counts the same, but its first use imports 800 modules in 5 s, and pages ask.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is F.conv2d:
            self.total += result.numel() * args[1][0].numel()  # each output looks through one kernel
        elif func is F.conv_transpose2d:
            self.total += args[0].numel() * args[1][0].numel()  # each input is spread through one
        elif func in _PRODUCTS:
            self.total += result.numel() * args[0].shape[-1]
        return result


_PRODUCTS: frozenset[Any] = frozenset({F.linear, torch.matmul, Tensor.matmul, Tensor.__matmul__})
