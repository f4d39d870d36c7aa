"""Batches: pictures, mirrored, as floats on the device, faces first; their noise; their features."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.data.groups import ABOUT_THE_FILE, Grouping, grouped
from vaelab.data.sampling import EndlessSampler
from vaelab.rng import generator, numpy_generator
from vaelab.training.distributed import Ranks
from vaelab.training.pixels import Images, moved, training_pixels

Rows = Int[np.ndarray, " faces"]

BLOCK = 65_536
"""Faces whose labels are read at a time: those of a million are too many to keep."""
AHEAD, AHEAD_BYTES = 16, 8 * 2**20
"""Batches that are drawn and gathered together, at most, and bytes of their pictures: a training step leaves nothing of
what that needs in the processor's caches."""


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


@dataclass(frozen=True)
class Drawn:
    """The random part of this rank's share of a batch.

    Attributes:
        faces: positions within the training faces.
        rows: the pictures' rows in the data, faces first.
        mirrored: which of the pictures are.
        eps: see `Batch`; on the CPU.
    """

    faces: Rows
    rows: Int[np.ndarray, " batch"]
    mirrored: Bool[np.ndarray, " batch"]
    eps: Float[Tensor, "drawn latent"] | None


class Feed:
    """Makes the batch of any clock value; the same one on every machine and for every number of ranks.

    Attributes:
        features: of each training face, and with `flip` of its mirror image behind it, where a backbone is frozen.
        pixels: where the training pictures come from.
    """

    def __init__(self, data: Collection, config: TrainConfig, device: torch.device, ranks: Ranks) -> None:
        self._data, self._config, self._device, self._ranks = data, config, device, ranks
        self.face_rows = data.rows("train", is_face=True, limit=config.data.max_faces)
        seed = config.run.seed
        self.faces = EndlessSampler(len(self.face_rows), seed, "faces")
        self.features: Float[np.ndarray, "rows variants features"] | None = None
        if config.needs_nonfaces:
            self.nonface_rows = data.rows("train", is_face=False)
            self.nonfaces = EndlessSampler(len(self.nonface_rows), seed, "nonfaces")
        others = self.nonface_rows if config.needs_nonfaces else self.face_rows[:0]
        self.pixels = training_pixels(data, np.concatenate([self.face_rows, others]), device)
        bytes_of_batch = config.optim.batch_size * 3 * config.data.size**2
        self._num_ahead = min(max(1, AHEAD_BYTES // bytes_of_batch), AHEAD)
        self._ahead: dict[int, tuple[Drawn, Callable[[], Images]]] = {}
        self._ahead_by = self.faces.sample_probs

    @cached_property
    def groups(self) -> dict[str, Grouping]:
        """The training faces by each label that sorts them; read once, and kept in a byte for each face and label."""
        blocks = [self.face_rows[start : start + BLOCK] for start in range(0, len(self.face_rows), BLOCK)]
        found = {}
        for column in (name for name in self._data.columns if name not in ABOUT_THE_FILE):
            if grouping := grouped((self._data.table(rows, [column]) for rows in blocks), column):
                found[column] = grouping
        return found

    def batch(self, images_seen: int) -> Batch:
        """The batch that a training which saw `images_seen` images takes next."""
        drawn, images = self._next(images_seen // self._config.optim.batch_size)
        eps = None if drawn.eps is None else moved(drawn.eps, self._device)
        features = None
        if self.features is not None:
            mirrored = drawn.mirrored[: len(drawn.faces)].astype(np.int64)
            kept = self.features[drawn.faces, mirrored].astype(np.float32)
            features = moved(torch.from_numpy(kept), self._device)
        return Batch(images(), len(drawn.faces), drawn.faces, eps, features)

    def _next(self, step: int) -> tuple[Drawn, Callable[[], Images]]:
        """What is drawn for a step, and its pictures; with it for those that follow, while the probabilities stay."""
        probs = self.faces.sample_probs
        if step not in self._ahead or self._ahead_by is not probs:
            steps = range(step, step + self._num_ahead)
            drawn = [self._draw(later) for later in steps]
            images = self.pixels.later([one.rows for one in drawn], [one.mirrored for one in drawn])
            self._ahead_by = probs
            self._ahead = dict(zip(steps, zip(drawn, images, strict=True), strict=True))
        return self._ahead[step]

    def _draw(self, step: int) -> Drawn:
        count, stripe, seed = self._config.faces_per_batch, self._ranks.stripe(), self._config.run.seed
        faces = self.faces.draw(step * count, count)[stripe]
        rows = self.face_rows[faces]
        if self._config.needs_nonfaces:
            rows = np.concatenate([rows, self.nonface_rows[self.nonfaces.draw(step * count, count)[stripe]]])
        mirrored = np.zeros(len(rows), bool)
        if self._config.data.flip:
            mirrored[: len(faces)] = numpy_generator(seed, "mirror", step).random(count)[stripe] < 0.5
        eps = None
        if self._config.has_decoder:
            kinds = ("eps", "eps of non-faces") if self._config.loss.mask == "as-published" else ("eps",)
            shape = (count, self._config.model.latent)
            eps = torch.cat([torch.randn(shape, generator=generator(seed, kind, step))[stripe] for kind in kinds])
            if self._device.type == "cuda":
                eps = eps.pin_memory()  # however large, its copy is not waited for
        return Drawn(faces, rows, mirrored, eps)
