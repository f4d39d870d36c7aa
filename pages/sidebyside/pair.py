"""What the compare page shows: two models, one face, one path; a frozen record that links carry."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.shell.kept import Kept
from pages.shell.links import is_link, link_was_read, page_query
from pages.studio.photo import photo_start

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vaelab.evaluation.latents import StoredLatents
    from vaelab.inference import FaceModel

PAIR, LINK = "compare.pair", "compare.link"
MINE = "photo"
"""Stands for the visitor's photo where a stored face's id is expected; no id is this short."""
BETWEEN = "between"
"""The path from one stored face to another, instead of an attribute's key."""


@dataclass(frozen=True)
class Pair:
    """Two models, one face, one path.

    Attributes:
        first, second: run ids.
        face: an image_id that both store, or MINE.
        along: key of an attribute that both know, or BETWEEN.
        to: the face at the other end where `along` is BETWEEN.
    """

    first: str
    second: str
    face: str = ""
    along: str = ""
    to: str = ""

    def to_query(self) -> dict[str, str]:
        """Query parameters that `read_pair` turns back into this record."""
        named = {"a": self.first, "b": self.second, "face": self.face, "along": self.along, "to": self.to}
        return {name: value for name, value in named.items() if value}


def read_pair(query: Mapping[str, str], default: Pair) -> Pair:
    """The pair in a link; what is missing keeps its value. `fit_pair` looks at whether any of it exists."""
    names = {"a": "first", "b": "second", "face": "face", "along": "along", "to": "to"}
    return dataclasses.replace(default, **{field: query[name][:200] for name, field in names.items() if name in query})


def fit_pair(pair: Pair, models: tuple[FaceModel, FaceModel]) -> tuple[Pair, list[str]]:
    """The pair with everything replaced that the two models do not share, and a sentence for each.

    The face stays empty where there is none that both can show.
    """
    notes: list[str] = []
    faces = shared_faces(models)
    known = [*faces, *([MINE] if photo_for(models) is not None else [])]
    if pair.face not in known:
        if pair.face:
            notes.append("The face asked for is not stored by both models; here is another.")
        pair = dataclasses.replace(pair, face=known[0] if known else "")
    ways = [*shared_attributes(models), *([BETWEEN] if len(faces) > 1 else [])]
    if pair.along not in ways:
        if pair.along:
            notes.append("The two models do not share the path asked for; here is another.")
        pair = dataclasses.replace(pair, along=ways[0] if ways else "")
    if pair.along == BETWEEN and (pair.to not in faces or pair.to == pair.face):
        if pair.to:
            notes.append("The other face asked for is not stored by both models; here is another.")
        pair = dataclasses.replace(pair, to=next(face for face in faces if face != pair.face))
    return pair, notes


def shared_faces(models: tuple[FaceModel, FaceModel]) -> list[str]:
    """Ids of the faces that both models store, in the first one's order."""
    first, second = (model.latents for model in models)
    if first is None or second is None:
        return []
    return list(_in_both(first, second))


@functools.lru_cache(maxsize=8)
def _in_both(first: StoredLatents, second: StoredLatents) -> tuple[str, ...]:
    """As above; thousands of ids, and each turn of the page asks twice."""
    others = set(second.labels["image_id"].tolist())
    return tuple(face for face in first.labels["image_id"].tolist() if face in others)


def shared_attributes(models: tuple[FaceModel, FaceModel]) -> dict[str, str]:
    """Attributes that both models have learned a direction for: names by key, in the first one's order."""
    first, second = (model.directions for model in models)
    if first is None or second is None:
        return {}
    return {about.key: about.name for about in first.learned if about.key in second.keys}


def photo_for(models: tuple[FaceModel, FaceModel]) -> NDArray[np.uint8] | None:
    """The visitor's cropped photo, (size, size, 3), where both models take pictures of its size."""
    photo = photo_start()
    if photo is None or any(model.size != photo.pixels.shape[0] for model in models):
        return None
    return photo.pixels


pair = Kept[Pair](PAIR)
keep_pair, change_pair = pair.keep, pair.change


def open_pair(run_ids: Sequence[str]) -> list[str]:
    """Decide what the page shows: a link, else what it showed before, else the first two models."""
    default = Pair(run_ids[0], run_ids[1])
    link = read_pair(page_query(), default) if is_link(LINK) else None
    opened = link or pair.before() or default
    notes = []
    if not {opened.first, opened.second} <= set(run_ids):
        notes.append("A model asked for is not on this machine; here are two that are.")
        opened = dataclasses.replace(opened, first=default.first, second=default.second)
    keep_pair(opened)
    link_was_read(LINK)
    return notes
