"""Several detectors on one photo: what each found, which of it they found both, and how light each face appears."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vaelab.detection.search import Search, find
from vaelab.detection.thresholds import AlarmThreshold
from vaelab.evaluation.lightness import CAVEATS, lightness
from vaelab.inference import FaceModel
from vaelab.photos import FaceBox, rescaled

Photo = UInt8[np.ndarray, "height width 3"]
FORMAT = "vaelab-detection-1"
SAME_FACE = 0.35
"""Two detectors mean the same face if their squares share more of their union than this."""


@dataclass(frozen=True, eq=False)
class Detector:
    """A model that detects, and the threshold it is held to."""

    model: FaceModel
    threshold: AlarmThreshold

    @property
    def name(self) -> str:
        """Run id."""
        return self.model.run_id


@dataclass(frozen=True)
class Found:
    """A face, by all the detectors that see it.

    Attributes:
        box: the square of the detector that is surest beyond its own threshold, pixels of the photo as it was searched.
        logits: by detector, the log-odds of that detector's own square; only of those that see the face.
        lightness: apparent lightness (ITA) in degrees, larger is lighter; None where too little looks like skin. Read
            it with `evaluation.lightness.CAVEATS` beside it.
    """

    box: FaceBox
    logits: Mapping[str, float]
    lightness: float | None


@dataclass(frozen=True, eq=False)
class Result:
    """What the detectors make of one photo.

    Attributes:
        searched: width and height of the photo as it was searched, which those of large files are made smaller for.
        whole: width and height of the photo in its file, upright; records and rows are in its pixels.
    """

    name: str
    searched: tuple[int, int]
    whole: tuple[int, int]
    detectors: tuple[str, ...]
    thresholds: tuple[AlarmThreshold, ...]
    search: Search
    faces: tuple[Found, ...]

    def seen_by(self, name: str) -> list[Found]:
        """The faces that one detector sees."""
        return [face for face in self.faces if name in face.logits]

    def in_file(self, face: Found) -> FaceBox:
        """The square of a face in pixels of the photo in its file, upright."""
        return rescaled(face.box, self.searched, self.whole)

    def in_words(self) -> str:
        """How many faces there are, and where the detectors differ, as a sentence."""
        if not self.faces:
            return f"{_listed(self.detectors)} {'sees' if len(self.detectors) == 1 else 'see'} no face here."
        told = [f"{name} sees {_counted(len(self.seen_by(name)))}" for name in self.detectors]
        if len(self.detectors) < 2:
            return f"{told[0]}."
        alone = {
            name: sum(set(face.logits) == {name} for face in self.faces) for name in self.detectors
        }  # fmt: skip
        shared = sum(len(face.logits) == len(self.detectors) for face in self.faces)
        parts = [f"{count} only {name}" for name, count in alone.items() if count]
        agreement = f"{shared} of {len(self.faces)} are seen by all" + (f", {', '.join(parts)}" if parts else "")
        return f"{_listed(told)}; {agreement}."

    def record(self) -> dict[str, Any]:
        """All of it, ready for JSON; x, y and side in pixels of the photo in its file, `width` by `height`, upright."""
        return {
            "format": FORMAT,
            "photo": self.name,
            "width": self.whole[0],
            "height": self.whole[1],
            "searched_width": self.searched[0],
            "searched_height": self.searched[1],
            "search": dataclasses.asdict(self.search),
            "detectors": [
                {"detector": name, "threshold": dataclasses.asdict(threshold)}
                for name, threshold in zip(self.detectors, self.thresholds, strict=True)
            ],
            "faces": [
                {
                    "x": box.x,
                    "y": box.y,
                    "side": box.side,
                    "face_logit": dict(face.logits),
                    "apparent_lightness_ita": face.lightness,
                }
                for face, box in ((face, self.in_file(face)) for face in self.faces)
            ],
            "caveats": CAVEATS,
        }


def detect(
    photo: Photo,
    detectors: Sequence[Detector],
    name: str = "",
    search: Search | None = None,
    whole: tuple[int, int] | None = None,
) -> Result:
    """The faces in a photo by every detector, each at its own threshold; the surest first.

    Args:
        whole: width and height that the photo has in its file, where it was made smaller than that.

    Raises:
        ConfigError: a model is no detector.
    """
    search = search or Search()
    groups: list[dict[str, FaceBox]] = []
    margins = {one.name: one.threshold.logit for one in detectors}
    for one in detectors:
        for box in find(one.model, photo, one.threshold.logit, search):
            apart = [group for group in groups if one.name not in group]
            nearest = max(apart, key=lambda group: _best_overlap(box, group), default=None)
            if nearest is not None and _best_overlap(box, nearest) > SAME_FACE:
                nearest[one.name] = box
            else:
                groups.append({one.name: box})
    faces = [_found(photo, group, margins) for group in groups]
    faces.sort(key=lambda face: -max(logit - margins[name] for name, logit in face.logits.items()))
    searched = photo.shape[1], photo.shape[0]
    thresholds = tuple(one.threshold for one in detectors)
    return Result(name, searched, whole or searched, tuple(margins), thresholds, search, tuple(faces))


def crop(photo: Photo, box: FaceBox, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The square of a box as the detector saw it, black outside the photo."""
    half = box.side / 2
    left, top, right, bottom = box.x - half, box.y - half, box.x + half, box.y + half
    picture = Image.fromarray(photo).crop((round(left), round(top), round(right), round(bottom)))
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0))


def overlap(one: FaceBox, other: FaceBox) -> float:
    """Share of the union of two squares that lies in both."""
    sides = [
        max(0.0, min(a + one.side / 2, b + other.side / 2) - max(a - one.side / 2, b - other.side / 2))
        for a, b in ((one.x, other.x), (one.y, other.y))
    ]
    shared = sides[0] * sides[1]
    return shared / (one.side**2 + other.side**2 - shared)


def columns(detectors: Sequence[str]) -> list[str]:
    """Names of the columns of `rows`, which an empty table has too."""
    logits = [f"{name} face_logit" for name in detectors]
    return ["photo", "face", "x", "y", "side", *logits, "apparent_lightness_ita"]


def rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row per face and photo, with a column of log-odds for each detector: empty where it does not see the face.

    x, y and side are in pixels of the photo in its file, upright.
    """
    return [
        {
            "photo": result.name,
            "face": number,
            "x": round(box.x, 1),
            "y": round(box.y, 1),
            "side": round(box.side, 1),
            **{
                f"{name} face_logit": round(face.logits[name], 4) if name in face.logits else None
                for name in result.detectors
            },
            "apparent_lightness_ita": None if face.lightness is None else round(face.lightness, 1),
        }
        for result in results
        for number, (face, box) in enumerate(((face, result.in_file(face)) for face in result.faces), 1)
    ]


def _found(photo: Photo, group: Mapping[str, FaceBox], thresholds: Mapping[str, float]) -> Found:
    surest = max(group, key=lambda name: group[name].score - thresholds[name])
    box = group[surest]
    ita = _lightness(crop(photo, box, 64))
    return Found(box, {name: box.score for name, box in group.items()}, ita)


def _lightness(pixels: UInt8[np.ndarray, "size size 3"]) -> float | None:
    ita = float(lightness(pixels[None]).ita[0])
    return ita if np.isfinite(ita) else None


def _best_overlap(box: FaceBox, group: Mapping[str, FaceBox]) -> float:
    return max(overlap(box, other) for other in group.values())


def _counted(count: int) -> str:
    return "no face" if count == 0 else "1 face" if count == 1 else f"{count} faces"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
