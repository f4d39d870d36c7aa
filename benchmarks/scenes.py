"""Photos with known faces: held-out face crops laid into photos without any, at known places and sizes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vaelab.data.left_out import LeftOut
from vaelab.data.sources.laid import fade_in
from vaelab.data.splits import PHOTO_FRACTIONS, split_of
from vaelab.photos import read_photo
from vaelab.rng import numpy_generator

SIDES = (56.0, 220.0)
"""Smallest and largest crop in a photo of 640 pixels; the logarithm of the side is drawn evenly."""
MOST_FACES = 4


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo and the squares in it that are faces.

    Attributes:
        faces: (n, 3) centre x, centre y and side, pixels; the crop's, with FairFace's margin of a quarter.
    """

    name: str
    photo: np.ndarray
    faces: np.ndarray


def held_out_photos(folder: Path, leave_out: Path) -> list[Path]:
    """Photos without faces of the test split: no detector was trained on squares of them, and no threshold set."""
    left_out, paths = LeftOut.read(leave_out), sorted(folder.glob("*.webp"))
    for note in left_out.notes(path.name for path in paths):
        print(f"note: {note}", file=sys.stderr)
    kept = [path for path in paths if path.name not in left_out]
    return [path for path in kept if split_of(path.name, PHOTO_FRACTIONS) == "test"]


def make_scenes(photos: list[Path], faces: list[Path], seed: int) -> list[Scene]:
    """One scene of each photo; no face is used twice."""
    random = numpy_generator(seed, "scenes")
    waiting = iter(random.permutation(len(faces)).tolist())
    return [_scene(path, [faces[next(waiting)] for _ in range(MOST_FACES)], random) for path in photos]


def _scene(path: Path, faces: list[Path], random: np.random.Generator) -> Scene:
    photo = read_photo(path.read_bytes()).copy()
    height, width = photo.shape[:2]
    largest = min(SIDES[1], 0.6 * min(height, width))
    squares: list[tuple[float, float, float]] = []
    for face in faces[: int(random.integers(1, MOST_FACES + 1))]:
        side = round(float(np.exp(random.uniform(np.log(min(SIDES[0], largest)), np.log(largest)))))
        for _ in range(20):  # a place that is still free; a face that finds none is left out
            left, top = int(random.integers(0, width - side + 1)), int(random.integers(0, height - side + 1))
            x, y = left + side / 2, top + side / 2
            if all(max(abs(x - a), abs(y - b)) > (side + other) / 2 for a, b, other in squares):
                crop = np.asarray(Image.open(face).convert("RGB").resize((side, side), Image.Resampling.LANCZOS))
                fade_in(photo[top : top + side, left : left + side], crop)
                squares.append((x, y, float(side)))
                break
    return Scene(path.name, photo, np.array(squares))
