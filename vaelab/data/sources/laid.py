"""Faces laid into photos: what a search meets at a face, and what it meets around one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8
from PIL import Image

from vaelab.data.sources.base import Listing, Source
from vaelab.data.sources.cuts import SCALE, SHIFT
from vaelab.data.sources.files import FilesReader, files_reader
from vaelab.data.sources.windows import LONGEST_SIDE, photos_in, square_of
from vaelab.data.splits import PHOTO_FRACTIONS, split_of
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError
from vaelab.rng import numpy_generator

EDGE = 0.12
"""Share of a crop's side over which it fades into the photo, so that its edge is nothing to go by."""
SIDES = (0.08, 0.6)
"""Sides of the faces, in the shorter side of their photo; the logarithm is drawn evenly."""
SMALLEST_FACE = 32
"""Smaller ones have no detail left, pixels of the photo."""
BESIDE = "beside a face"
"""What a square around a face is called as an object class."""
AROUND: tuple[tuple[str, tuple[float, float]], ...] = (
    ("beside", (0.8, 1.25)), ("wide", (1.9, 3.2)), ("tight", (0.3, 0.5)),
)  # fmt: skip
"""Squares that hold a face wrongly, and their sides in sides of its square; all share under a third of the union."""
OF_PHOTOS = {"train": "train", "val": "calibration", "calibration": "calibration", "test": "test"}
"""Which photos the faces of a split are laid into."""

Photo = UInt8[np.ndarray, "height width 3"]
Crop = UInt8[np.ndarray, "side side 3"]


@dataclass(frozen=True)
class Laid(Source):
    """Each face of a store laid into a photo: its square, not quite in place, and a square around it that is no face.

    Crops end where a face does. A detector that learned from them alone takes half a face, a face and the shoulders
    under it, or a nose, for one: it has never seen them. Faces and photos keep the split they have.

    Attributes:
        root: folder of the store of faces; one of twice the wanted size keeps them sharp.
        photos: folder or tar of photos.
        leave_out: text file with the names of photos to pass over, one per line: those that show people.
        cuts: photos that each training face is laid into.
        seed: of photos, places and sizes.
        terms: licence line of the photos, for the manifest.
    """

    name: ClassVar[str] = "laid"
    summary: ClassVar[str] = "the faces of a prepared data set laid into photos, and squares around them"

    root: Path
    photos: Path
    leave_out: Path | None = None
    cuts: int = 1
    seed: int = 0
    terms: str = ""

    def __post_init__(self) -> None:
        """Refuses to lay a face into no photo."""
        if self.cuts < 1:
            raise DataError(f"cuts must be at least 1, met {self.cuts}")

    def listing(self) -> Listing:
        """By photo, two squares for each face laid into it.

        Raises:
            DataError: no store, one without faces, no photo, or a list that cannot be read.
        """
        store = DatasetStore.open(self.root)
        rows = store.indices(is_face=True)
        if not len(rows):
            raise DataError(f"{self.root} holds no face to lay into photos; name a data set of faces")
        index, names, notes = photos_in(self.photos, self.leave_out)
        random = numpy_generator(self.seed, "laid")
        splits = store.labels["split"].iloc[rows].to_numpy(dtype=str)
        copies = np.repeat(rows, np.where(splits == "train", self.cuts, 1))
        into = _photos_for(store.labels["split"].iloc[copies].to_numpy(dtype=str), names, random)
        known = store.labels.iloc[copies].reset_index(drop=True)
        known = known.assign(_row=copies, _photo=into, _number=known.groupby("image_id").cumcount())
        kept = known[known["_photo"] >= 0].sort_values(["_photo", "_row", "_number"], kind="stable")
        places = random.uniform(size=(len(kept), 3))
        faces = _records(kept, places, _near(len(kept), random), "", is_face=True)
        around = _records(kept, places, _around(len(kept), random), "beside-", is_face=False)
        records = pd.concat([faces, around], ignore_index=True).sort_values("_photo", kind="stable")
        files = index.table([names[photo] for photo in records["_photo"]])
        return Listing(pd.concat([records.reset_index(drop=True), files], axis=1), tuple(index.rejected), notes)

    @contextmanager
    def reader(self) -> Iterator[LaidReader]:
        """Opens the store and the photos."""
        with files_reader([self.photos], "whole") as files:
            yield LaidReader(DatasetStore.open(self.root), files)

    def licence_line(self) -> str:
        """That of the store the faces are of, and the terms of the photos, or that they are unknown."""
        return f"{DatasetStore.open(self.root).manifest.licence}; laid into photos: {self.terms or self.licence}"

    def identity(self) -> str:
        """The store's fingerprint."""
        return DatasetStore.open(self.root).fingerprint


@dataclass(frozen=True)
class LaidReader:
    """Lays faces into photos and cuts the squares out; neighbouring records of one photo share its decoding."""

    store: DatasetStore
    files: FilesReader

    def read(self, records: pd.DataFrame, size: int) -> list[np.ndarray | str]:
        """One (size, size, 3) uint8 RGB picture per record, or the reason why there is none."""
        found: list[np.ndarray | str] = []
        name = ""
        photo: np.ndarray | str = "not read"
        columns = ["_file", "_row", "_x", "_y", "_size", "_right", "_down", "_side"]
        for place, (file, row, x, y, wide, right, down, side) in enumerate(records[columns].itertuples(index=False)):
            if file != name:
                name, photo = file, next(iter(self.files.whole(records.iloc[[place]], LONGEST_SIDE)))
            if isinstance(photo, str):
                found.append(photo)
            elif min(photo.shape[:2]) < SMALLEST_FACE / SIDES[1]:
                found.append(f"too small: {photo.shape[1]}x{photo.shape[0]}, and the smallest face is {SMALLEST_FACE}")
            else:
                scene, (left, top, edge) = laid(photo, np.asarray(self.store.pixels[int(row)]), x, y, wide)
                centre = left + (0.5 + right) * edge, top + (0.5 + down) * edge
                found.append(square_of(scene, *centre, side * edge, size))
        return found


def laid(photo: Photo, face: Crop, x: float, y: float, wide: float) -> tuple[Photo, tuple[int, int, int]]:
    """A face in a copy of a photo.

    Args:
        x, y, wide: in [0, 1): where it lies, from the leftmost and highest place that it has room in, and how large.

    Returns:
        The photo, and left, top and side of the face's square in it, pixels.
    """
    height, width = photo.shape[:2]
    low, high = (max(SMALLEST_FACE, share * min(height, width)) for share in SIDES)
    side = round(low * (high / low) ** wide)
    left, top = round(x * (width - side)), round(y * (height - side))
    scene = photo.copy()
    crop = Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    fade_in(scene[top : top + side, left : left + side], np.asarray(crop))
    return scene, (left, top, side)


def fade_in(place: Crop, crop: Crop) -> None:
    """Put a square crop over a part of a photo, in place, fading out towards its edges."""
    side = len(crop)
    near = np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5) / (EDGE * side)
    weight = np.clip(np.minimum.outer(near, near), 0.0, 1.0)[..., None]
    place[:] = np.rint(weight * crop + (1 - weight) * place).astype(np.uint8)


def _photos_for(splits: np.ndarray, names: list[str], random: np.random.Generator) -> np.ndarray:
    """A photo of its split for each face, as a place in `names`; -1 where the split has none."""
    of_photos = np.array([split_of(Path(name).name, PHOTO_FRACTIONS) for name in names])
    drawn, chosen = random.uniform(size=len(splits)), np.full(len(splits), -1)
    for split, other in OF_PHOTOS.items():
        photos = np.flatnonzero(of_photos == other)
        if len(photos):
            faces = splits == split
            chosen[faces] = photos[(drawn[faces] * len(photos)).astype(np.int64)]
    return chosen


Square = Float[np.ndarray, "n 3"]
"""Right and down from the face's centre and side, all in sides of the face's square."""


def _near(count: int, random: np.random.Generator) -> Square:
    shifts = random.uniform(-SHIFT, SHIFT, (count, 2))
    return np.column_stack([shifts, SCALE ** random.uniform(-1.0, 1.0, count)])


def _around(count: int, random: np.random.Generator) -> Square:
    kinds = random.integers(0, len(AROUND), count)
    low, high = np.array([sides for _, sides in AROUND])[kinds].T
    sides = low + random.uniform(size=count) * (high - low)
    within = random.uniform(-0.5, 0.5, (count, 2)) * np.abs(sides - 1.0)[:, None]  # the smaller one inside the larger
    angle, far = random.uniform(0, 2 * np.pi, count), random.uniform(0.6, 1.0, count) * (1.0 + sides) / 2
    beside = np.column_stack([np.cos(angle), np.sin(angle)])
    beside = beside / np.abs(beside).max(axis=1, keepdims=True) * far[:, None]
    is_beside = kinds == 0
    return np.column_stack([np.where(is_beside[:, None], beside, within), sides])


def _records(known: pd.DataFrame, places: np.ndarray, squares: Square, mark: str, *, is_face: bool) -> pd.DataFrame:
    numbers = [f"{name}#{mark}{number}" for name, number in zip(known["image_id"], known["_number"], strict=True)]
    image_ids = pd.Series(numbers, dtype="str", index=known.index)
    if is_face:
        table = known.drop(columns="_number").assign(object_class=pd.Series([None] * len(known), known.index, "str"))
    else:  # the labels are the face's, and no longer true of what lies beside it
        table = known[["split", "_row", "_photo"]].assign(is_face=False, object_class=BESIDE)
    return table.assign(
        image_id=image_ids, split_key=image_ids,
        _x=places[:, 0], _y=places[:, 1], _size=places[:, 2],
        _right=squares[:, 0], _down=squares[:, 1], _side=squares[:, 2],
    )  # fmt: skip
