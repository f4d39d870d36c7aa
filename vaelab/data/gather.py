"""Pictures out of a file that may not fit into memory.

Through a memory map, pictures that lie in memory already are there at once. Of a file that does not fit, the system
reads 128 KiB around each place that is asked for, twelve times what a picture of 64x64 needs, and those drop out
others; there each picture is read by itself (`benchmarks/reading.py` measures both).
"""

from __future__ import annotations

import contextlib
import os
import weakref
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int, UInt8

from vaelab.errors import DataError

MOST_MAPPED = 0.25
"""Part of this machine's memory that a file may have to be read through its map: what is too much for the memory costs
much there, and what is read by itself without need costs little."""

CAN_READ_AT = hasattr(os, "preadv")


def is_mapped(num_bytes: int) -> bool:
    """Whether a file of so many bytes is read through its map."""
    return not CAN_READ_AT or num_bytes <= MOST_MAPPED * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@final
class PictureFile:
    """A file of pictures, one after the other, open for reading; removed in the meantime it is still there."""

    def __init__(self, path: Path, size: int) -> None:
        """Opens the file of pictures with sides of `size` pixels.

        Raises:
            DataError: it cannot be opened.
        """
        self._path, self._size = path, size
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise DataError(f"cannot open {path}: {error.strerror}; is the data set still there?") from error
        weakref.finalize(self, os.close, self._file)
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):  # some file systems take no advice
                os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_RANDOM)

    def gather(self, rows: Int[np.ndarray, " some"], into: UInt8[np.ndarray, "some size size 3"]) -> None:
        """Fill `into` with the pictures of some rows; neighbours are read at once.

        Raises:
            DataError: the file is shorter than it was.
        """
        begins = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        for begin, end in zip(begins, [*begins[1:], len(rows)], strict=False):  # no rows: an end and no beginning
            self._read(into[begin:end], int(rows[begin]))

    def _read(self, into: UInt8[np.ndarray, "some size size 3"], row: int) -> None:
        left, place = into.reshape(-1).data, row * 3 * self._size**2
        while left:
            count = os.preadv(self._file, [left], place)
            if not count:
                raise DataError(f"{self._path} ends before picture {row + len(into) - 1}; prepare the data set again")
            left, place = left[count:], place + count
