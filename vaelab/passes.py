"""Many faces through a model on as many threads as torch would take: a model by itself takes one on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from vaelab.data.collection import Collection
from vaelab.inference import FaceModel

Latents = Float[np.ndarray, "n latent"]
Pixels = UInt8[np.ndarray, "n size size 3"]
PerImage = Float[np.ndarray, " n"]
Rows = Int[np.ndarray, " n"]
Result = TypeVar("Result")

CHUNK = 64
"""Rows that one thread takes at a time."""
READ = 1024
"""Pictures read from the disk at a time."""


def encoded(model: FaceModel, pixels: Pixels) -> tuple[Latents, Latents]:
    """`model.encode` of many pictures: posterior means and deviations."""
    mu, std = zip(*_in_parts(model.encode, pixels), strict=True)
    return np.concatenate(mu), np.concatenate(std)


def drawn(model: FaceModel, z: Latents) -> Pixels:
    """`model.decode` of many latent vectors."""
    return np.concatenate(_in_parts(model.decode, z))


def redrawn(model: FaceModel, z: Latents) -> Latents:
    """Posterior means of the pictures of many latent vectors, drawn and encoded anew."""
    return np.concatenate(_in_parts(lambda part: model.encode(model.decode(part))[0], z))


def face_logits(model: FaceModel, pixels: Pixels) -> PerImage:
    """`model.face_logit` of many pictures."""
    return np.concatenate(_in_parts(model.face_logit, pixels))


def encoded_rows(
    model: FaceModel, data: Collection, rows: Rows, tell: Callable[[str], None] | None = None
) -> tuple[Latents, Latents]:
    """`encoded` of stored pictures, a few of which are in memory at a time; `tell` hears how far it is."""
    parts = []
    for start in range(0, max(len(rows), 1), READ):
        if tell is not None:
            tell(f"encoding face {start + 1:,} of {len(rows):,}")
        parts.append(encoded(model, data.pixels(rows[start : start + READ])))
    mu, std = zip(*parts, strict=True)
    return np.concatenate(mu), np.concatenate(std)


def face_logits_of_rows(model: FaceModel, data: Collection, rows: Rows) -> PerImage:
    """`face_logits` of stored pictures, a few of which are in memory at a time."""
    starts = range(0, max(len(rows), 1), READ)
    return np.concatenate([face_logits(model, data.pixels(rows[start : start + READ])) for start in starts])


def _in_parts(through: Callable[[np.ndarray], Result], rows: np.ndarray) -> list[Result]:
    """Results of the parts in their order; one row at least makes one part."""
    parts = [rows[start : start + CHUNK] for start in range(0, max(len(rows), 1), CHUNK)]
    with ThreadPoolExecutor(max_workers=torch.get_num_threads()) as pool:
        return list(pool.map(through, parts))
