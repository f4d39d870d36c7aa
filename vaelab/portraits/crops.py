"""A source's pictures cut to the face in them, as the training crops of FairFace were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from vaelab.data.sources.base import Listing, Reader, Source
from vaelab.data.sources.files import FILE_COLUMNS, FilesReader
from vaelab.errors import DataError
from vaelab.photos import CHIP, LONGEST_SIDE, MIN_SIDE, PADDING, crop_face, dlib_models, find_faces

FACE_CROP = "face"
"""The crop's name in manifests and on the command line."""
_DECLARED = ("name", "store_stem", "licence", "fractions", "values", "published_counts")


@dataclass(frozen=True)
class FaceCrops(Source):
    """Another source, each picture cut to the most prominent face that the detector finds in it.

    Where none is found the picture is left out and the manifest says so: a share that may differ by group, so it
    belongs beside every figure. Pictures that show no face are refused: all but a few would be left out, and those
    few, in which the detector errs, would be cut to what it took for a face.

    Attributes:
        of: the source; one that reads picture files.
    """

    name: ClassVar[str] = "face-crops"
    summary: ClassVar[str] = "another source, cut to the faces that the detector finds"

    of: Source

    def __post_init__(self) -> None:
        for declared in _DECLARED:  # it is that source, cut otherwise: manifest, licence and shares of splits are its
            object.__setattr__(self, declared, getattr(self.of, declared))

    @property
    def crop_name(self) -> str:
        """`face`."""
        return FACE_CROP

    def listing(self) -> Listing:
        """That of the source.

        Raises:
            DataError: it reads no picture files, some of them show no faces, or dlib is not installed.
        """
        listing = self.of.listing()
        if not set(FILE_COLUMNS) <= set(listing.records):
            raise DataError(
                f"the source {self.of.name!r} reads no picture files, so there is no photo to find a face in"
            )
        others = int((~listing.records["is_face"].astype(bool)).sum())
        if others:
            raise DataError(
                f"{others:,} of {len(listing.records):,} pictures of the source {self.of.name!r} are said to show no "
                "face, so there is nothing to cut them to; prepare non-faces as a data set of their own, with another "
                "crop such as centre-square"
            )
        dlib_models()
        return listing

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Opens the source."""
        with self.of.reader() as reader:
            if not isinstance(reader, FilesReader):
                raise DataError(f"the source {self.of.name!r} reads no picture files")
            yield FaceCropReader(reader)

    def licence_line(self) -> str:
        """That of the source."""
        return self.of.licence_line()

    def identity(self) -> str:
        """That of the source, and what decides the crops."""
        return f"{self.of.identity()} face {LONGEST_SIDE} {PADDING} {CHIP}"

    def settings(self) -> dict[str, Any]:
        """Those of the source, with this crop in place of its own."""
        return {**self.of.settings(), "crop": FACE_CROP}


@dataclass(frozen=True)
class FaceCropReader:
    """Finds the face in each picture and cuts it out."""

    files: FilesReader

    def read(self, records: pd.DataFrame, size: int) -> list[np.ndarray | str]:
        """One entry per record: (size, size, 3) uint8 RGB, or the reason why there is none."""
        return [_face_in(photo, size) for photo in self.files.whole(records, LONGEST_SIDE)]


def _face_in(photo: np.ndarray | str, size: int) -> np.ndarray | str:
    if isinstance(photo, str):
        return photo
    faces = find_faces(photo)
    if not faces:
        return "no face was found"
    if faces[0].side < MIN_SIDE:
        return f"the face is too small: {faces[0].side:.0f} pixels, {MIN_SIDE} are needed"
    return crop_face(photo, faces[0], size)
