"""Many faces through a model on as many threads as torch would take: a model by itself takes one on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, UInt8

from vaelab.inference import FaceModel

Latents = Float[np.ndarray, "n latent"]
Pixels = UInt8[np.ndarray, "n size size 3"]
Result = TypeVar("Result")

CHUNK = 64


def encoded(model: FaceModel, pixels: Pixels) -> tuple[Latents, Latents]:
    """`model.encode` of many pictures: posterior means and deviations."""
    mu, std = zip(*_in_parts(model.encode, pixels), strict=True)
    return np.concatenate(mu), np.concatenate(std)


def drawn(model: FaceModel, z: Latents) -> Pixels:
    """`model.decode` of many latent vectors."""
    return np.concatenate(_in_parts(model.decode, z))


def _in_parts(through: Callable[[np.ndarray], Result], rows: np.ndarray) -> list[Result]:
    """Results of the parts in their order; one row at least makes one part."""
    parts = [rows[start : start + CHUNK] for start in range(0, max(len(rows), 1), CHUNK)]
    with ThreadPoolExecutor(max_workers=torch.get_num_threads()) as pool:
        return list(pool.map(through, parts))
