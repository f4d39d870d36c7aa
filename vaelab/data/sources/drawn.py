"""The embedded default: drawn faces with known factors, and drawn things that are not faces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from vaelab.data import synthetic
from vaelab.data.sources.base import Listing, Source
from vaelab.data.splits import HELD_OUT_CLASS_FRACTIONS, split_of
from vaelab.errors import DataError


@dataclass(frozen=True)
class Synthetic(Source):
    """Labelled faces, then non-faces with their `object_class`; drawn by `vaelab.data.synthetic`.

    Faces are split by hash 90 / 5 / 5; non-faces 44 / 5 / 33 / 18 with a calibration part, each picture for
    itself (there are too few kinds of things to hold whole ones out).

    Attributes:
        num_faces: how many faces.
        num_nonfaces: how many other things.
        seed: the same seed draws the same pictures.
        shares: factor -> value -> share of the faces, also joint; see `vaelab.data.synthetic.sample_factors`.
    """

    name: ClassVar[str] = "synthetic"
    summary: ClassVar[str] = "drawn faces with labelled factors, and drawn non-faces; needs no files"
    licence: ClassVar[str] = "drawn by vaelab itself: MIT, like the program; no real person is shown"

    num_faces: int = 8_000
    num_nonfaces: int = 2_000
    seed: int = 0
    shares: synthetic.Shares = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses counts below 0, and nothing to draw at all."""
        if min(self.num_faces, self.num_nonfaces) < 0 or self.num_faces + self.num_nonfaces == 0:
            raise DataError(
                f"num_faces and num_nonfaces must be 0 or more and not both 0, met {self.num_faces} and "
                f"{self.num_nonfaces}"
            )

    def listing(self) -> Listing:
        """Draws the factors of all pictures; labels of non-faces are their class alone."""
        faces = synthetic.sample_factors(self.num_faces, self.seed, dict(self.shares))
        things = synthetic.sample_nonfaces(self.num_nonfaces, self.seed)
        factors = pd.concat([faces, things], ignore_index=True)
        is_face = np.arange(len(factors)) < len(faces)
        names = [f"face-{row:06d}" for row in range(len(faces))]
        names += [f"thing-{row:06d}" for row in range(len(things))]
        image_ids = pd.Series(names, dtype="str")
        official = [None if name.startswith("face") else split_of(name, HELD_OUT_CLASS_FRACTIONS) for name in names]
        contract = pd.DataFrame(
            {
                "image_id": image_ids,
                "is_face": is_face,
                "split": pd.Series(official, dtype="str"),
                "split_key": image_ids,
            }
        )
        labels = faces[list(synthetic.FACTORS)].reindex(factors.index)
        labels["object_class"] = factors["object_class"] if len(things) else pd.Series([None] * len(names), dtype="str")
        drawing = factors.add_prefix("_")  # a non-face is coloured by factors too, but they are no labels of it
        return Listing(pd.concat([contract, labels, drawing], axis=1))

    @contextmanager
    def reader(self) -> Iterator[DrawingReader]:
        """Nothing to open: pictures are drawn from their rows."""
        yield DrawingReader()

    def identity(self) -> str:
        """Hash of the drawing code: a store drawn by another version of it is not the same."""
        digest = hashlib.sha256()
        for path in sorted(Path(synthetic.__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
        return digest.hexdigest()


class DrawingReader:
    """Draws pictures from their factors."""

    def read(self, records: pd.DataFrame, size: int) -> list[np.ndarray | str]:
        """One (size, size, 3) uint8 RGB picture per record."""
        factors = records[[name for name in records.columns if name.startswith("_")]]
        factors = factors.rename(columns=lambda name: name.removeprefix("_"))
        is_face = records["is_face"].to_numpy(dtype=bool)
        pixels = np.empty((len(records), size, size, 3), dtype=np.uint8)
        if is_face.any():
            pixels[is_face] = synthetic.render_faces(factors[is_face], size)
        if not is_face.all():
            pixels[~is_face] = synthetic.render_nonfaces(factors[~is_face], size)
        return list(pixels)
