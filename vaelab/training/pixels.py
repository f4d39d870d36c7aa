"""Training pictures as floats on the device: read from the memory map, or kept on a GPU that has room for all."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from vaelab.data.collection import Collection

Rows = Int[np.ndarray, " batch"]
Marks = Bool[np.ndarray, " batch"]
Images = Float[Tensor, "batch 3 size size"]

MOST_OF_FREE_MEMORY = 0.4
"""Part of a GPU's free memory that pictures may take; activations and the optimizer need the rest."""


@runtime_checkable
class Pixels(Protocol):
    """Where pictures come from. Both ways give the same bits."""

    def images(self, rows: Rows, dtype: torch.dtype = torch.float32) -> Images:
        """The pictures of some rows of the data as floats in [0, 1]."""
        ...

    def later(self, rows: Sequence[Rows], mirrored: Sequence[Marks]) -> list[Callable[[], Images]]:
        """Calls that make the images of several batches, those pictures mirrored that are marked so.

        What is quicker for all of them at once is done now.
        """
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

    def images(self, rows: Rows, dtype: torch.dtype = torch.float32) -> Images:
        """See `Pixels`."""
        return images_on(self._data.pixels(rows), self._device, dtype)

    def later(self, rows: Sequence[Rows], mirrored: Sequence[Marks]) -> list[Callable[[], Images]]:
        """See `Pixels`. All are gathered now: a training step leaves nothing of what that needs in the processor's
        caches, so that each by itself takes twice as long.
        """
        batches = [self._data.pixels(some) for some in rows]
        for pixels, marks in zip(batches, mirrored, strict=True):
            pixels[marks] = torch.from_numpy(pixels[marks]).flip(2).numpy()  # four times as fast as numpy's
        return [partial(images_on, pixels, self._device) for pixels in batches]


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

    def images(self, rows: Rows, dtype: torch.dtype = torch.float32) -> Images:
        """See `Pixels`."""
        return as_floats(self._found(rows), dtype)

    def later(self, rows: Sequence[Rows], mirrored: Sequence[Marks]) -> list[Callable[[], Images]]:
        """See `Pixels`."""
        return [partial(self._mirrored, some, marks) for some, marks in zip(rows, mirrored, strict=True)]

    def _mirrored(self, rows: Rows, mirrored: Marks) -> Images:
        found = self._found(rows)
        which = moved(torch.from_numpy(mirrored), found.device)[:, None, None, None]
        return as_floats(torch.where(which, found.flip(2), found))

    def _found(self, rows: Rows) -> UInt8[Tensor, "batch size size 3"]:
        return self._bytes[moved(torch.from_numpy(self._place[rows]), self._bytes.device)]


def images_on(
    pixels: UInt8[np.ndarray, "batch size size 3"], device: torch.device, dtype: torch.dtype = torch.float32
) -> Images:
    """`pixels` as float images in [0, 1] on `device`, channels last in memory, moved as bytes."""
    return as_floats(moved(torch.from_numpy(pixels), device), dtype)


def moved(values: Tensor, device: torch.device) -> Tensor:
    """`values` on `device`.

    Only CUDA is not waited for: it puts what lies in ordinary memory aside before it returns, while an Apple GPU would
    go on reading where something else may lie by then.
    """
    return values.to(device, non_blocking=device.type == "cuda")


def as_floats(pixels: UInt8[Tensor, "batch size size 3"], dtype: torch.dtype = torch.float32) -> Images:
    """Bytes as floats in [0, 1], channels last in memory; in `dtype` they are the float32 ones, rounded once."""
    return pixels.permute(0, 3, 1, 2).to(dtype).mul_(1.0 / 255)
