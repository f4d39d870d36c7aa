"""Training pictures as floats on the device: read from the memory map, or kept on a GPU that has room for all."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from vaelab.data.collection import Collection

Rows = Int[np.ndarray, " batch"]
Images = Float[Tensor, "batch 3 size size"]

MOST_OF_FREE_MEMORY = 0.4
"""Part of a GPU's free memory that pictures may take; activations and the optimizer need the rest."""


@runtime_checkable
class Pixels(Protocol):
    """Where pictures come from. Both ways give the same bits."""

    def images(self, rows: Rows, mirrored: Bool[np.ndarray, " batch"] | None = None) -> Images:
        """The pictures of some rows of the data as floats in [0, 1], those marked so mirrored."""
        ...


def training_pixels(data: Collection, rows: Rows, device: torch.device) -> Pixels:
    """The pictures of `rows`, on the device where it is a GPU with room for them."""
    if 0 < len(rows) * 3 * data.stores[0].size ** 2 <= room_for_pixels(device):
        return ResidentPixels(data, rows, device)
    return MappedPixels(data, device)


def room_for_pixels(device: torch.device) -> int:
    """Bytes that pictures may take on the device; none but on an NVIDIA GPU, for others read them where they lie."""
    if device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info()
    return int(MOST_OF_FREE_MEMORY * free)


class MappedPixels:
    """Pictures gathered from the memory map and moved as bytes."""

    def __init__(self, data: Collection, device: torch.device) -> None:
        self._data, self._device = data, device

    def images(self, rows: Rows, mirrored: Bool[np.ndarray, " batch"] | None = None) -> Images:
        """See `Pixels`."""
        pixels = self._data.pixels(rows)
        if mirrored is not None:
            pixels[mirrored] = torch.from_numpy(pixels[mirrored]).flip(2).numpy()  # four times as fast as numpy's
        return images_on(pixels, self._device)


class ResidentPixels:
    """Pictures that lie on the device as bytes, so that a batch moves nothing but row numbers."""

    CHUNK = 8_192

    def __init__(self, data: Collection, rows: Rows, device: torch.device) -> None:
        size = data.stores[0].size
        self._place = np.full(int(rows.max()) + 1, -1, np.int64)
        self._place[rows] = np.arange(len(rows))
        self._bytes = torch.empty((len(rows), size, size, 3), dtype=torch.uint8, device=device)
        for start in range(0, len(rows), self.CHUNK):
            part = data.pixels(rows[start : start + self.CHUNK])
            self._bytes[start : start + len(part)] = torch.from_numpy(part)

    def images(self, rows: Rows, mirrored: Bool[np.ndarray, " batch"] | None = None) -> Images:
        """See `Pixels`."""
        device = self._bytes.device
        found = self._bytes[moved(torch.from_numpy(self._place[rows]), device)]
        if mirrored is not None:
            which = moved(torch.from_numpy(mirrored), device)[:, None, None, None]
            found = torch.where(which, found.flip(2), found)
        return as_floats(found)


def images_on(pixels: UInt8[np.ndarray, "batch size size 3"], device: torch.device) -> Images:
    """`pixels` as float images in [0, 1] on `device`, channels last in memory, moved as bytes."""
    return as_floats(moved(torch.from_numpy(pixels), device))


def moved(values: Tensor, device: torch.device) -> Tensor:
    """`values` on `device`.

    Only CUDA is not waited for: it puts what lies in ordinary memory aside before it returns, while an Apple GPU would
    go on reading where something else may lie by then.
    """
    return values.to(device, non_blocking=device.type == "cuda")


def as_floats(pixels: UInt8[Tensor, "batch size size 3"]) -> Images:
    """Bytes as floats in [0, 1], channels last in memory."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32).mul_(1.0 / 255)
