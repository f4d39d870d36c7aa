"""A detector for pictures of one size, laid over a picture of any size: its dense layers become convolutions.

A window of a picture and the same place in a dense pass see the same pixels, but not the same surroundings: every
convolution of the trunk puts zeros around a window of its own, and the neighbouring pixels around one that lies in a
picture. The logits of the two therefore go together without being equal: over 64x64 windows of photographs the shipped
cnn's have a correlation of 0.97, and lie on the same side of 0 in nine cases of ten. So a dense pass only proposes, and
`search` asks the network itself about every proposal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn

from vaelab.data.images import to_images
from vaelab.engine import quiet
from vaelab.errors import ConfigError
from vaelab.inference import FaceModel

Picture = UInt8[np.ndarray, "height width 3"]
Logits = Float[np.ndarray, "rows columns"]

STRIP_UNITS = 32
"""Height of the strips that are taken at a time, in strides."""
CONTEXT_UNITS = 2
"""Strides that a strip sees beyond its own, so that where it was cut changes nothing: the trunk's last convolution
looks 18 pixels to either side, and 2 strides are 32."""


@dataclass(frozen=True, eq=False)
class DenseDetector:
    """The trunk of a lab detector, its first dense layer as a convolution, and the row of the last that is the logit.

    Attributes:
        size: side of its windows, pixels.
        stride: step between them, pixels.
    """

    size: int
    stride: int
    trunk: nn.Sequential
    hidden: nn.Conv2d
    logit: nn.Conv2d
    device: torch.device

    @classmethod
    def of(cls, model: FaceModel) -> DenseDetector:
        """The dense form of a model's detector; it shares the weights of its trunk.

        Raises:
            ConfigError: the model is no detector, or not on the lab's trunk.
        """
        layers = getattr(model.network, "trunk", None)
        if not model.has_detector or not isinstance(layers, nn.Sequential):
            raise ConfigError(
                f"{model.run_id} is a {model.config.model.model}, which does not detect; take a cnn or a dbvae"
            )
        flatten = next(place for place, layer in enumerate(layers) if isinstance(layer, nn.Flatten))
        first, last = layers[flatten + 1], layers[-1]
        assert isinstance(first, nn.Linear)
        assert isinstance(last, nn.Linear)
        stride = 2 ** sum(isinstance(layer, nn.Conv2d) for layer in layers[:flatten])
        side = model.size // stride
        channels = first.in_features // side**2
        hidden = _as_convolution(first.weight.reshape(-1, channels, side, side), first.bias)
        logit = _as_convolution(last.weight[:1, :, None, None], last.bias[:1])
        return cls(model.size, stride, layers[:flatten], hidden, logit, model.device)

    def logits(self, picture: Picture) -> Logits:
        """What the detector makes of the window at each multiple of the stride; (0, 0) where none fits.

        Beyond the trunk's output, a byte or so per pixel, memory grows with the width of the picture alone.
        """
        rows, columns = (side // self.stride - self.size // self.stride + 1 for side in picture.shape[:2])
        if min(rows, columns) < 1:
            return np.empty((0, 0), np.float32)
        with quiet(self.device):
            features = torch.cat(list(self._features(picture)), dim=2)
            side = self.hidden.kernel_size[0]
            parts = [
                self.logit(self.hidden(features[:, :, start : start + STRIP_UNITS + side - 1]).relu_())
                for start in range(0, rows, STRIP_UNITS)
            ]
        return np.asarray(torch.cat(parts, dim=2)[0, 0, :rows, :columns].float().cpu().numpy())

    def _features(self, picture: Picture) -> Iterator[torch.Tensor]:
        """The trunk's output of the picture, (1, channels, units, units), strip by strip."""
        units = picture.shape[0] // self.stride
        width = picture.shape[1] // self.stride * self.stride
        for start in range(0, units, STRIP_UNITS):
            end = min(start + STRIP_UNITS, units)
            first, last = max(0, start - CONTEXT_UNITS), min(units, end + CONTEXT_UNITS)
            strip = picture[None, first * self.stride : last * self.stride, :width]
            seen = self.trunk(to_images(strip).to(self.device).contiguous(memory_format=torch.channels_last))
            yield seen[:, :, start - first : end - first]


def _as_convolution(weight: torch.Tensor, bias: torch.Tensor) -> nn.Conv2d:
    """A convolution without padding that has these weights, (out, in, side, side)."""
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[-1], device="meta")
    convolution.weight = nn.Parameter(weight.detach().contiguous(), requires_grad=False)
    convolution.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return convolution.to(memory_format=torch.channels_last)
