"""Any folder of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from vaelab.data.sources.base import Listing, Source
from vaelab.data.sources.files import FilesReader, files_reader, index_files


@dataclass(frozen=True)
class Folder(Source):
    """Every file of a folder and its sub-folders, or of a tar; the image id is the path inside it.

    File names do not decide: what holds a picture is taken whatever its extension, and everything else is
    listed as rejected.

    Attributes:
        root: the folder or tar.
        crop: which square of a picture is kept.
        non_faces: whether these are pictures without a face.
        terms: licence line for the manifest.
    """

    name: ClassVar[str] = "folder"
    summary: ClassVar[str] = "any folder of pictures with its sub-folders, or a tar of pictures"

    root: Path
    crop: str = "centre-square"
    non_faces: bool = False
    terms: str = ""

    def listing(self) -> Listing:
        """Finds all files, naturally sorted."""
        index = index_files(self.root)
        names = index.sorted_names()
        image_ids = pd.Series(names, dtype="str")
        records = pd.DataFrame(
            {
                "image_id": image_ids,
                "is_face": np.full(len(names), not self.non_faces),
                "split": pd.Series([None] * len(names), dtype="str"),
                "split_key": image_ids,
            }
        )
        return Listing(pd.concat([records, index.table(names)], axis=1), tuple(index.rejected))

    @contextmanager
    def reader(self) -> Iterator[FilesReader]:
        """Opens the folder or tar."""
        with files_reader([self.root], self.crop) as reader:
            yield reader

    def licence_line(self) -> str:
        """The terms that were stated, or that they are unknown."""
        return self.terms or self.licence
