"""Batches: pictures from the memory map, mirrored, as floats on the device, faces first."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.data.sampling import EndlessSampler
from vaelab.rng import generator, numpy_generator
from vaelab.training.distributed import Ranks

Rows = Int[np.ndarray, " faces"]


@dataclass(frozen=True)
class Batch:
    """This rank's share of one global batch.

    Attributes:
        images: faces first, then non-faces.
        num_faces: how many of them are faces.
        face_positions: which training faces they are, counted within the training faces.
        eps: noise for the latents of the pictures that the VAE learns from, the first ones: the faces, or all where the
            mask is as published; None where nothing is decoded.
        features: what a frozen backbone sees in the faces; None where there is none.
    """

    images: Float[Tensor, "batch 3 size size"]
    num_faces: int
    face_positions: Rows
    eps: Float[Tensor, "drawn latent"] | None
    features: Float[Tensor, "faces features"] | None = None


class Feed:
    """Makes the batch of any clock value; the same one on every machine and for every number of ranks.

    Attributes:
        features: of each training face, and with `flip` of its mirror image behind it, where a backbone is frozen.
    """

    def __init__(self, data: Collection, config: TrainConfig, device: torch.device, ranks: Ranks) -> None:
        self._data, self._config, self._device, self._ranks = data, config, device, ranks
        self.face_rows = data.rows("train", is_face=True, limit=config.data.max_faces)
        seed = config.run.seed
        self.faces = EndlessSampler(len(self.face_rows), seed, "faces")
        self.faces_per_batch = config.optim.batch_size
        self.features: Float[np.ndarray, "rows variants features"] | None = None
        if config.needs_nonfaces:
            self.nonface_rows = data.rows("train", is_face=False)
            self.nonfaces = EndlessSampler(len(self.nonface_rows), seed, "nonfaces")
            self.faces_per_batch //= 2

    def batch(self, images_seen: int) -> Batch:
        """The batch that a training which saw `images_seen` images takes next."""
        step = images_seen // self._config.optim.batch_size
        clock, stripe, seed = step * self.faces_per_batch, self._ranks.stripe(), self._config.run.seed
        positions = self.faces.draw(clock, self.faces_per_batch)[stripe]
        pixels = self._data.pixels(self.face_rows[positions])
        mirrored = np.zeros(len(positions), dtype=bool)
        if self._config.data.flip:
            mirrored = numpy_generator(seed, "mirror", step).random(self.faces_per_batch)[stripe] < 0.5
            pixels[mirrored] = pixels[mirrored, :, ::-1]
        if self._config.needs_nonfaces:
            others = self.nonfaces.draw(clock, self.faces_per_batch)[stripe]
            pixels = np.concatenate([pixels, self._data.pixels(self.nonface_rows[others])])
        eps = None
        if self._config.has_decoder:
            kinds = ("eps", "eps of non-faces") if self._config.loss.mask == "as-published" else ("eps",)
            shape = (self.faces_per_batch, self._config.model.latent)
            noise = [torch.randn(shape, generator=generator(seed, kind, step))[stripe] for kind in kinds]
            eps = torch.cat(noise).to(self._device)
        features = None
        if self.features is not None:
            kept = self.features[positions, mirrored.astype(np.int64)].astype(np.float32)
            features = torch.from_numpy(kept).to(self._device, non_blocking=True)
        return Batch(images_on(pixels, self._device), len(positions), positions, eps, features)


def images_on(pixels: np.ndarray, device: torch.device) -> Float[Tensor, "batch 3 size size"]:
    """`pixels` as float images in [0, 1] on `device`, channels last in memory, moved as bytes."""
    moved = torch.from_numpy(pixels).to(device, non_blocking=True)
    return moved.permute(0, 3, 1, 2).to(torch.float32).mul_(1.0 / 255)
