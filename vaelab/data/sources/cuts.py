"""Faces as a search through a photo meets them: not quite in the middle, not quite as large, not quite upright."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from PIL import Image

from vaelab.data.sources.base import Listing, Source
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError
from vaelab.rng import numpy_generator

SHIFT = 0.1
"""Most that a cut's centre lies beside the face's, in sides of its picture; half the trunk's stride is 0.125."""
SCALE = 1.2
"""Most that a cut is larger or smaller than the picture; three levels per octave are off by 1.12 at most."""
PART_SIDES = (0.2, 0.45)
"""Sides of parts of a face, in sides of its picture; from brows to chin a face fills two thirds of that."""
SQUARE_SIDES = (0.5, 1.0)
"""Sides of the squares of pictures that are no faces, in sides of the picture."""
PART = "part of a face"
"""What such a part is called as an object class."""
OVERSAMPLED = 2
"""Pixels that are turned for each that is kept, across and down; turning alone would alias."""


@dataclass(frozen=True)
class Cuts(Source):
    """The faces of a store, each cut anew at several places, sizes and angles; and parts of faces, which are none.

    A detector that was trained on centred crops alone is unsure between the steps of a search, and calls an eye or a
    mouth a face. Beyond the picture's edge it is continued by its mirror image. Only training faces are cut more than
    once; everything keeps the split that its face had, so that nothing held out is trained on. The pictures of a store
    without faces are cut into squares, as a search cuts what it meets.

    Attributes:
        root: folder of the store; one of twice the wanted size keeps the cuts sharp.
        cuts: of each training face.
        parts: share of the cuts that a part of a face is added to.
        turn: largest angle to either side, degrees.
        seed: of places, sizes and angles.
    """

    name: ClassVar[str] = "cuts"
    summary: ClassVar[str] = "the faces of a prepared data set, cut as a search through photos meets them"

    root: Path
    cuts: int = 2
    parts: float = 0.25
    turn: float = 15.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses numbers that cut nothing."""
        if self.cuts < 1 or not 0.0 <= self.parts <= 1.0 or not 0.0 <= self.turn <= 180.0:
            raise DataError(
                f"cuts must be at least 1, parts in [0, 1] and turn in [0, 180] degrees, met {self.cuts}, "
                f"{self.parts:g} and {self.turn:g}"
            )

    def listing(self) -> Listing:
        """The cuts of one face after another, then the parts.

        Raises:
            DataError: no store.
        """
        store = DatasetStore.open(self.root)
        has_faces = bool(store.is_face.any())
        rows = store.indices(is_face=has_faces)
        random = numpy_generator(self.seed, "cuts")
        is_training = (store.labels["split"].iloc[rows] == "train").to_numpy(dtype=bool)
        copies = np.repeat(rows, np.where(is_training, self.cuts, 1))
        if not has_faces:
            known = store.labels.iloc[copies].reset_index(drop=True)
            return Listing(self._squares(known, copies, SQUARE_SIDES, random, ""))
        faces = self._faces(store, copies, random)
        halves = copies[random.uniform(size=len(copies)) < self.parts]
        known = store.labels[["image_id", "split"]].iloc[halves].reset_index(drop=True)  # no label is true of an ear
        parts = self._squares(known.assign(is_face=False, object_class=PART), halves, PART_SIDES, random, "part-")
        return Listing(pd.concat([faces, parts], ignore_index=True))

    @contextmanager
    def reader(self) -> Iterator[CutsReader]:
        """Opens the store."""
        yield CutsReader(DatasetStore.open(self.root))

    def licence_line(self) -> str:
        """That of the store the faces are of."""
        return DatasetStore.open(self.root).manifest.licence

    def identity(self) -> str:
        """The store's fingerprint."""
        return DatasetStore.open(self.root).fingerprint

    def _faces(self, store: DatasetStore, rows: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
        known = store.labels.iloc[rows].reset_index(drop=True)
        table = known.assign(object_class=pd.Series([None] * len(known), dtype="str"))
        sides = SCALE ** random.uniform(-1.0, 1.0, len(rows))
        places = 0.5 + random.uniform(-SHIFT, SHIFT, (len(rows), 2))
        return self._records(table, rows, places, sides, random, "")

    def _squares(
        self, table: pd.DataFrame, rows: np.ndarray, bounds: tuple[float, float], random: np.random.Generator, mark: str
    ) -> pd.DataFrame:
        """Squares anywhere within the pictures, their sides within bounds."""
        sides = random.uniform(*bounds, len(rows))
        places = random.uniform(sides[:, None] / 2, 1.0 - sides[:, None] / 2, (len(rows), 2))
        return self._records(table, rows, places, sides, random, mark)

    def _records(
        self, table: pd.DataFrame, rows: np.ndarray, places: np.ndarray, sides: np.ndarray, random: np.random.Generator,
        mark: str,
    ) -> pd.DataFrame:  # fmt: skip
        number = table.groupby("image_id").cumcount()
        marks = [f"{name}#{mark}{place}" for name, place in zip(table["image_id"], number, strict=True)]
        image_ids = pd.Series(marks, dtype="str")
        return table.assign(
            image_id=image_ids, split_key=image_ids, _row=rows, _x=places[:, 0], _y=places[:, 1], _side=sides,
            _turn=random.uniform(-self.turn, self.turn, len(rows)),
        )  # fmt: skip


@dataclass(frozen=True)
class CutsReader:
    """Cuts pictures out of those of a store."""

    store: DatasetStore

    def read(self, records: pd.DataFrame, size: int) -> list[np.ndarray | str]:
        """One (size, size, 3) uint8 RGB picture per record."""
        where = records[["_row", "_x", "_y", "_side", "_turn"]].itertuples(index=False)
        return [cut(np.asarray(self.store.pixels[int(row)]), x, y, side, turn, size) for row, x, y, side, turn in where]


def cut(picture: np.ndarray, x: float, y: float, side: float, turn: float, size: int) -> np.ndarray:
    """A turned square of a square picture.

    Args:
        picture: (side, side, 3) uint8 RGB.
        x, y: centre of the square, in sides of the picture, from its upper left corner.
        side: of the square, in sides of the picture.
        turn: degrees counter-clockwise that the square is turned by.
        size: side of the result, pixels.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    whole = len(picture)
    border = min(whole - 1, math.ceil((max(x, 1 - x, y, 1 - y) - 1 + side * math.sqrt(0.5)) * whole) + 2)
    border = max(border, 2)
    mirrored = np.pad(picture, ((border, border), (border, border), (0, 0)), mode="reflect")
    fine = OVERSAMPLED * size
    step = side * whole / fine
    across, down = step * math.cos(math.radians(turn)), step * math.sin(math.radians(turn))
    left = border + x * whole - (across + down) * fine / 2
    top = border + y * whole - (across - down) * fine / 2
    turned = Image.fromarray(mirrored).transform(
        (fine, fine), Image.Transform.AFFINE, (across, down, left, -down, across, top), Image.Resampling.BILINEAR
    )
    return np.asarray(turned.resize((size, size), Image.Resampling.LANCZOS))
