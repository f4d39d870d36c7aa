"""Tensors as on an Apple GPU, which knows no float64."""

from __future__ import annotations

import torch


class OnAppleGpu(torch.Tensor):
    """A tensor where there is no float64; what is computed from it lies there too."""

    @property
    def device(self) -> torch.device:
        return torch.device("mps")

    def double(self, *_: object, **__: object) -> torch.Tensor:
        raise TypeError("the MPS framework doesn't support float64")

    def cpu(self, *_: object, **__: object) -> torch.Tensor:
        return self.as_subclass(torch.Tensor)
