"""Named random streams: the same seed and names give the same numbers on every machine, whatever else was drawn."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # numpy users (renderer, store, pages) must not pay for importing torch
    import torch


def stream_seed(seed: int, *names: str | int) -> int:
    """63-bit seed of the stream `names` under `seed`: the head of SHA-256 over their text."""
    text = "/".join([str(seed), *(str(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """A fresh torch generator for the stream `names`; vaelab never draws from the global one."""
    import torch

    return torch.Generator(device=device).manual_seed(stream_seed(seed, *names))


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """A fresh numpy generator for the stream `names`."""
    return np.random.default_rng(stream_seed(seed, *names))


def random_rows(rows: np.ndarray, count: int, seed: int, *names: str | int) -> np.ndarray:
    """`count` of the rows, drawn without replacement by the stream `names`, in their order; all if they are no more.

    The first ones would be no sample: rows are sorted by file name within a data set, and data sets follow each other.
    """
    if count >= len(rows):
        return rows
    return np.sort(numpy_generator(seed, *names).choice(rows, count, replace=False))
