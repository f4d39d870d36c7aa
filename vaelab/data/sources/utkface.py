"""UTKFace: about 23,700 faces whose file names carry age, gender and race."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from vaelab.data.manifest import Rejected
from vaelab.data.sources.base import Listing, Source
from vaelab.data.sources.files import FilesReader, files_reader, index_files
from vaelab.errors import DataError

GENDERS = ("Male", "Female")
RACES = ("White", "Black", "Asian", "Indian", "Others")
MAX_AGE = 116


@dataclass(frozen=True)
class Person:
    """What a file name says."""

    age: int
    gender: str
    race: str


def _stem(path: str) -> str:
    """The file's name up to its first dot: `25_0_1_20170116174525125` in every copy of the data set."""
    return path.rsplit("/", 1)[-1].split(".", 1)[0]


def parse_name(path: str) -> Person | str:
    """The labels in `age_gender_race_datetime.jpg.chip.jpg`, or the reason why there are none.

    Only the first three fields count; whatever follows the date (`.jpg.chip.jpg`, `.jpg`, nothing) may
    differ. Some published names lack a field (`61_1_20170109142408075.jpg.chip.jpg`): nobody can
    say which one.
    """
    fields = _stem(path).split("_")
    if len(fields) < 4 or "" in fields[:3]:
        return "malformed name: fewer than four fields"
    if not all(field.isascii() and field.isdigit() for field in fields[:3]):
        return "malformed name: age, gender or race is no number"
    age, gender, race = (int(field) for field in fields[:3])
    if age > MAX_AGE:
        return f"malformed name: age above {MAX_AGE}"
    if gender >= len(GENDERS):
        return "malformed name: gender is neither 0 nor 1"
    if race >= len(RACES):
        return "malformed name: race above 4"
    return Person(age, GENDERS[gender], RACES[race])


@dataclass(frozen=True)
class UTKFace(Source):
    """UTKFace, aligned and cropped or in the wild: all files under a folder or in a tar.

    Source: Zhang, Song and Qi, Age progression/regression by conditional adversarial autoencoder, CVPR 2017.
    Ages are estimates, checked by annotators; gender and race are annotators' perception. The pictures circulate in
    several folders side by side (`UTKFace`, `crop_part1`): what goes by one name in all of them stays in one split.

    Attributes:
        root: folder (with sub-folders) or tar.
        crop: which square of a picture is kept.
    """

    name: ClassVar[str] = "utkface"
    summary: ClassVar[str] = "UTKFace: files named age_gender_race_datetime.jpg.chip.jpg"
    licence: ClassVar[str] = (
        "UTKFace (Zhang, Song and Qi, CVPR 2017): non-commercial research; copyright stays with the owners"
    )

    root: Path
    crop: str = "centre-square"

    def listing(self) -> Listing:
        """Reads the names of all files; malformed ones are rejected, and counted by reason in the notes."""
        index = index_files(self.root)
        people: list[Person] = []
        names: list[str] = []
        rejected: list[Rejected] = []
        for name in index.sorted_names():
            person = parse_name(name)
            if isinstance(person, str):
                rejected.append(Rejected(name, person))
            else:
                people.append(person)
                names.append(name)
        if not people:
            raise DataError(
                f"{self.root} holds no file named like 25_0_1_20170116174525125.jpg.chip.jpg "
                f"(age_gender_race_datetime); met {len(rejected)} other files"
            )
        image_ids = pd.Series(names, dtype="str")
        records = pd.DataFrame(
            {
                "image_id": image_ids,
                "is_face": np.ones(len(names), dtype=bool),
                "split": pd.Series([None] * len(names), dtype="str"),
                "split_key": pd.Series([_stem(name) for name in names], dtype="str"),
                "age": np.array([person.age for person in people], dtype=np.int64),
                "gender": pd.Series([person.gender for person in people], dtype="str"),
                "race": pd.Series([person.race for person in people], dtype="str"),
            }
        )
        counts = Counter(item.reason for item in rejected)
        notes = tuple(f"{count} files rejected: {reason}" for reason, count in sorted(counts.items()))
        return Listing(pd.concat([records, index.table(names)], axis=1), (*rejected, *index.rejected), notes)

    @contextmanager
    def reader(self) -> Iterator[FilesReader]:
        """Opens the folder or tar."""
        with files_reader([self.root], self.crop) as reader:
            yield reader
