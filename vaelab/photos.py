"""A photo -> the faces in it -> the crops that the training data has.

FairFace's crops were made with dlib: a face detector, five landmarks (corners of the eyes, base of the nose), and the
square that the similarity transform of these landmarks gives, turned upright, with a margin of a quarter of the face.
The same code and the same landmark model do it here. Only the search is another: dlib's network takes 9 microseconds
per pixel and thread, its older detector a fiftieth of that, so the older one proposes and the network is asked only
where that one is in doubt. Source: Karkkainen and Joo, FairFace (WACV 2021), and its published `predict.py`.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vaelab.data.images import MAX_PIXELS, PictureError, TooManyPixels, UnknownFormat, read_sized_picture
from vaelab.errors import DataError

Photo = UInt8[np.ndarray, "height width 3"]

MAX_PHOTO_BYTES = 20 * 2**20
"""The largest file that pages and server take; `server.maxUploadSize` in .streamlit/config.toml says it to browsers."""
LONGEST_SIDE = 1600
"""Photos are read at most this large, pixels: a 64-pixel crop needs no more, and the search takes time by area."""
PADDING = 0.25
"""Margin around the face as a share of its size: that of FairFace's crops which the data sets are made from."""
CHIP = 224
"""Side of FairFace's published crops; a crop passes through it before it is made smaller."""
MIN_SIDE = 32
"""A crop of fewer pixels than this has too little to encode."""
SURE, POSSIBLE = 0.0, -0.8
"""Scores of the older detector: above the first a face, between them a proposal that the network decides on."""
SURE_WHEN_TURNED = 0.5
"""Score from which a face is believed in a photo that was turned to find it; three turns see three times as much."""
MAX_PROPOSALS = 4
PATCH = 160
"""Side of the patch the network looks at for one proposal; it finds faces of 80 pixels and more."""
SAME_PLACE = 0.3
"""The two detectors mean the same face if their centres are nearer than this share of its width."""
OVERVIEW = 360
"""Longest side at which the network searches a whole photo: 0.8 s, faces that fill a quarter of it."""
ENLARGE_BELOW = 800
"""A photo of a shorter longest side is searched at twice its size: the older detector needs faces of 80 pixels."""

_FOREIGN = ((b"%PDF", "a PDF document"), (b"ftypheic", "a HEIC photo"), (b"ftypmif1", "a HEIC photo"))
_loading = threading.Lock()


class PhotoError(DataError):
    """A photo cannot be used; the text is a sentence for the person who chose it."""


@dataclass(frozen=True)
class FaceBox:
    """The square of a photo that becomes a crop, margin included.

    Attributes:
        x, y: its centre, pixels from the left and top of the upright photo.
        side: its side, pixels.
        angle: by how much the face leans clockwise, degrees; the crop is turned back by it.
        score: how sure the detector was, larger is surer; 0 where a person drew the box.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0
    score: float = 0.0


def read_photo(data: bytes) -> Photo:
    """The photo of a file as RGB, upright by its EXIF entry, its longest side at most `LONGEST_SIDE`.

    Raises:
        PhotoError: the file is empty, no picture, damaged, or of more than 100 megapixels.
    """
    return read_sized_photo(data)[0]


def read_sized_photo(data: bytes) -> tuple[Photo, tuple[int, int]]:
    """The photo as by `read_photo`, and the width and height that it has in its file, upright, pixels."""
    if not data:
        raise PhotoError("This file is empty (0 bytes). Choose it again, or take another one.")
    for mark, name in _FOREIGN:
        if mark in data[:16]:
            raise PhotoError(f"This is {name}, whatever its name says. Save it as JPEG or PNG and choose that file.")
    try:
        return read_sized_picture(data, LONGEST_SIDE)
    except TooManyPixels as error:
        raise PhotoError(
            f"This photo has too many pixels: {error.megapixels:,} million, and up to {MAX_PIXELS // 10**6} million "
            "are taken. Save it smaller and choose it again."
        ) from error
    except UnknownFormat as error:
        raise PhotoError(
            "This file cannot be read as a photo: it is not recognised as a picture. Take a JPEG, PNG or WebP file."
        ) from error
    except PictureError as error:
        raise PhotoError(
            f"This file cannot be read as a photo: {error}. Take another JPEG, PNG or WebP file."
        ) from error


def find_faces(photo: Photo) -> list[FaceBox]:
    """The faces in a photo, the most prominent (by size and score) first; empty where none is found.

    Looked for in this order, until one way finds any: upright faces that are beyond doubt; the photo turned by a
    quarter either way and upside down; upright faces that the network confirms; large ones of any pose; small ones.

    Raises:
        PhotoError: dlib or its models are not installed.
    """
    dlib_models()
    enlarged = max(photo.shape[:2]) < ENLARGE_BELOW
    upright = _proposed(photo, 2.0 if enlarged else 1.0)
    if any(box.score > SURE - POSSIBLE for box in upright):
        return _apart(upright)
    searches: tuple[Callable[[], list[FaceBox]], ...] = (
        # Before doubtful ones: of a face that lies on its side, the network confirms proposals that do not.
        lambda: _turned(photo),
        lambda: upright,
        lambda: _by_network(photo),
        lambda: [] if enlarged else _proposed(photo, 2.0),
    )
    for search in searches:
        if found := _apart(search()):
            return found
    return []


def crop_face(photo: Photo, box: FaceBox, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The square of `box`, upright, as the training crops are made; black outside the photo, as theirs.

    Raises:
        PhotoError: the box is smaller than `MIN_SIDE` pixels, not finite or outside the photo; or dlib is not
            installed.
    """
    height, width = photo.shape[:2]
    if not all(math.isfinite(value) for value in (box.x, box.y, box.side, box.angle)):
        raise PhotoError("The box has no finite place in the photo. Draw it again.")
    if box.side < MIN_SIDE:
        raise PhotoError(
            f"This face is too small: its box is {box.side:.0f} pixels wide, and {MIN_SIDE} are needed. "
            "Take a closer photo, or one of higher resolution."
        )
    if not (0 <= box.x <= width and 0 <= box.y <= height) or box.side > 4 * max(width, height):
        raise PhotoError("The box lies outside the photo. Draw it around a face.")
    dlib = dlib_models().dlib
    half = box.side / 2
    square = dlib.drectangle(box.x - half, box.y - half, box.x + half - 1, box.y + half - 1)
    side = max(CHIP, size)
    chip = dlib.extract_image_chip(
        np.ascontiguousarray(photo),
        dlib.chip_details(square, dlib.chip_dims(side, side), math.radians(box.angle)),
    )
    return np.array(Image.fromarray(chip).resize((size, size), Image.Resampling.LANCZOS))


def rescaled(box: FaceBox, size: tuple[int, int], other: tuple[int, int]) -> FaceBox:
    """A box in a photo of one width and height, in pixels of the same photo at another."""
    across, down = other[0] / size[0], other[1] / size[1]
    return replace(box, x=box.x * across, y=box.y * down, side=box.side * (across + down) / 2)


@dataclass(frozen=True)
class DlibModels:
    """dlib with its two detectors and its landmark model. Not for two threads at once: hold `lock`."""

    dlib: Any
    detector: Any
    network: Any
    landmarks: Any
    lock: threading.Lock


def dlib_models() -> DlibModels:
    """dlib and its models, loaded at the first call (half a second).

    Raises:
        PhotoError: they are not installed.
    """
    with _loading:
        return _load_models()


@functools.cache
def _load_models() -> DlibModels:
    # Only its files are wanted: importing face_recognition_models needs a setuptools that still has pkg_resources.
    package = importlib.util.find_spec("face_recognition_models")
    if package is None or not package.submodule_search_locations or importlib.util.find_spec("dlib") is None:
        raise PhotoError(
            "Finding faces in photos needs two packages that are not installed here: "
            "pip install dlib-bin face_recognition_models"
        )
    import dlib  # type: ignore[import-untyped]

    folder = Path(package.submodule_search_locations[0]) / "models"
    return DlibModels(
        dlib,
        dlib.get_frontal_face_detector(),
        dlib.cnn_face_detection_model_v1(str(folder / "mmod_human_face_detector.dat")),
        dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")),
        threading.Lock(),
    )


def _proposed(photo: Photo, scale: float) -> list[FaceBox]:
    """Faces of 80 pixels and more at `scale`: sure ones, and doubtful ones that the network confirms."""
    scaled = _scaled(photo, scale)
    found, asked = [], 0
    for rectangle, score in _detections(scaled, POSSIBLE):
        if score <= SURE:
            asked += 1
            if asked > MAX_PROPOSALS or not _confirmed(scaled, rectangle):
                continue
        found.append(_box(scaled, rectangle, score - POSSIBLE, scale))
    return found


def _detections(scaled: Photo, least: float) -> list[tuple[Any, float]]:
    """What the older detector finds with at least this score, the surest first."""
    models = dlib_models()
    with models.lock:
        rectangles, scores, _ = models.detector.run(scaled, 0, least)
    return sorted(zip(rectangles, scores, strict=True), key=lambda pair: -pair[1])


def _confirmed(scaled: Photo, rectangle: Any) -> bool:
    """Whether the network sees a face where the older detector proposes one, not merely beside it."""
    centre, side = rectangle.center(), 2.0 * rectangle.width()
    left, top = (int(max(0, place - side / 2)) for place in (centre.x, centre.y))
    part = scaled[top : int(centre.y + side / 2), left : int(centre.x + side / 2)]
    models, scale = dlib_models(), PATCH / side
    with models.lock:
        seen = [found.rect.center() for found in models.network(_scaled(part, scale), 0)]
    distances = [math.hypot(spot.x / scale + left - centre.x, spot.y / scale + top - centre.y) for spot in seen]
    return bool(min(distances, default=math.inf) < SAME_PLACE * rectangle.width())


def _by_network(photo: Photo) -> list[FaceBox]:
    """Large faces of any pose."""
    scale = min(1.0, OVERVIEW / max(photo.shape[:2]))
    models, scaled = dlib_models(), _scaled(photo, scale)
    with models.lock:
        seen = [(found.rect, found.confidence) for found in models.network(scaled, 0)]
    # The landmarks are looked for where there are more pixels than the network was shown.
    full = [(_enlarged(rectangle, 1.0 / scale), score) for rectangle, score in seen]
    return [_box(photo, rectangle, score, 1.0) for rectangle, score in full]


def _turned(photo: Photo) -> list[FaceBox]:
    """Faces in a photo that lies on a side or its head without saying so."""
    scale = ENLARGE_BELOW / max(photo.shape[:2])
    small = _scaled(photo, scale)
    ways = []
    for quarters in (1, 3, 2):  # np.rot90 turns counter-clockwise
        turned = np.ascontiguousarray(np.rot90(small, quarters))
        found = [
            _box(turned, rectangle, score - POSSIBLE, 1.0) for rectangle, score in _detections(turned, SURE_WHEN_TURNED)
        ]
        ways.append([_turned_back(box, quarters, small.shape[1], small.shape[0]) for box in found])
    best = max(ways, key=lambda boxes: max((box.score for box in boxes), default=0.0))
    return [replace(box, x=box.x / scale, y=box.y / scale, side=box.side / scale) for box in best]


def _turned_back(box: FaceBox, quarters: int, width: int, height: int) -> FaceBox:
    """A box found in a picture after so many quarter turns counter-clockwise, in that picture of `width` x `height`."""
    places = {1: (width - box.y, box.x), 2: (width - box.x, height - box.y), 3: (box.y, height - box.x)}
    x, y = places[quarters]
    return replace(box, x=x, y=y, angle=(box.angle + 90.0 * quarters + 180.0) % 360.0 - 180.0)


def _box(scaled: Photo, rectangle: Any, score: float, scale: float) -> FaceBox:
    """The crop square that the landmarks in `rectangle` give, in pixels of the photo that was scaled by `scale`."""
    models = dlib_models()
    with models.lock:
        chip = models.dlib.get_face_chip_details(models.landmarks(scaled, rectangle), CHIP, PADDING)
    square = chip.rect
    return FaceBox(
        x=(square.left() + square.right() + 1) / 2 / scale,
        y=(square.top() + square.bottom() + 1) / 2 / scale,
        side=square.width() / scale,
        angle=math.degrees(chip.angle),
        score=float(score),
    )


def _apart(boxes: list[FaceBox]) -> list[FaceBox]:
    """Boxes, the most prominent first, without those whose centre lies in a better one's middle."""
    kept: list[FaceBox] = []
    for box in sorted(boxes, key=lambda box: -box.score * box.side):
        if all(math.hypot(box.x - other.x, box.y - other.y) > 0.4 * min(box.side, other.side) for other in kept):
            kept.append(box)
    return kept


def _scaled(photo: Photo, scale: float) -> UInt8[np.ndarray, "rows columns 3"]:
    """The photo with sides `scale` times as long."""
    if scale == 1.0:
        return np.ascontiguousarray(photo)
    size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    return np.array(Image.fromarray(photo).resize(size, Image.Resampling.BILINEAR))


def _enlarged(rectangle: Any, factor: float) -> Any:
    """A dlib rectangle in a picture that is `factor` times as large."""
    sides = (rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1)
    left, top, right, bottom = (round(side * factor) for side in sides)
    return dlib_models().dlib.rectangle(left, top, right - 1, bottom - 1)
