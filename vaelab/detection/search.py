"""Faces in a photo: an image pyramid, a dense pass per level that proposes, the network itself on every proposal.

Windows lie on a grid, a quarter of their side apart, and a face between them is seen by several. A proposal is moved to
the mean of the windows around it, weighted by what the dense pass makes of them, before the network looks. Average
precision on faces laid into photos rose by that from 0.28 to 0.40 (`cnn`), 0.20 to 0.33 (`dbvae`) and 0.963 to 0.971
(`detector`): `python -m benchmarks.detecting` with and without.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from torchvision.ops import box_iou, nms

from vaelab.detection.dense import DenseDetector
from vaelab.errors import ConfigError
from vaelab.inference import FaceModel
from vaelab.photos import FaceBox

Photo = UInt8[np.ndarray, "height width 3"]
Pixels = UInt8[np.ndarray, "batch size size 3"]
Boxes = Float[np.ndarray, "batch 4"]
PerBox = Float[np.ndarray, " batch"]

SMALLEST_SIDES = (24.0, 1600.0)
"""Between these the smallest face may be set, pixels: below, a window would show a face enlarged until it has no
detail that a network could go by."""
MOST_LOOKED_THROUGH = 4096
"""Windows of a photo that anything more is asked of, the surest by the dense pass."""
NEIGHBOURS = 0.5
"""Of two proposals that share more of their union than this, only the better is looked at; and windows that share more
than this with a proposal have a say in where it lies."""
SOFTNESS = 5.0
"""Log-odds by which a window must be less sure than another to count 1/e as much for the place."""


@dataclass(frozen=True)
class Search:
    """How a photo is searched.

    Attributes:
        smallest: side of the smallest square looked at, pixels of the photo as searched. From brows to chin a face
            fills two thirds of it: FairFace's crops, which the detectors learned from, leave a quarter of that around.
        levels_per_octave: sizes of squares from one to twice that.
        num_proposals: places that the network itself is asked about, per photo.
        overlap: of two found squares that share more of their union than this, the surer one is kept.
    """

    smallest: float = 48.0
    levels_per_octave: int = 3
    num_proposals: int = 192
    overlap: float = 0.25

    def __post_init__(self) -> None:
        low, high = SMALLEST_SIDES
        if not low <= self.smallest <= high:
            raise ConfigError(f"the smallest face is {self.smallest:g} pixels wide; choose {low:g} to {high:g}")
        if self.levels_per_octave < 1 or self.num_proposals < 1 or not 0.0 < self.overlap <= 1.0:
            raise ConfigError(
                f"a search of {self.levels_per_octave} levels per octave, {self.num_proposals} proposals and overlap "
                f"{self.overlap:g} finds nothing; expected at least 1, at least 1, and in (0, 1]"
            )


@dataclass(frozen=True, eq=False)
class Level:
    """One level of a photo's pyramid.

    Attributes:
        picture: the photo made smaller or larger, with a black border of `border` pixels: faces at the edge of a photo
            reach beyond it with their margin, and FairFace's crops are black there too.
        scale: pixels of the level for one of the photo, across and down; not quite equal, as sides are whole numbers.
    """

    picture: Photo
    scale: tuple[float, float]
    border: int

    def boxes(self, lefts: Int[np.ndarray, " batch"], tops: Int[np.ndarray, " batch"], size: int) -> Boxes:
        """Left, top, right, bottom in the photo of windows with these corners in the level."""
        corners = np.stack([lefts, tops, lefts + size, tops + size], axis=1) - self.border
        return np.asarray(corners / np.tile(self.scale, 2), np.float64)


@dataclass(frozen=True, eq=False)
class Windows:
    """Some windows of a pyramid.

    Attributes:
        boxes: (n, 4) left, top, right, bottom in the photo, pixels.
        places: (n, 3) level, left and top in its picture.
        logits: (n,) what the dense pass makes of them.
    """

    boxes: Boxes
    places: Int[np.ndarray, "batch 3"]
    logits: PerBox

    def taken(self, rows: Int[np.ndarray, " some"]) -> Windows:
        """These rows of them."""
        return Windows(self.boxes[rows], self.places[rows], self.logits[rows])

    def likeliest(self, most: int) -> Windows:
        """The `most` surest of them, the surest first."""
        return self.taken(np.argsort(-self.logits, kind="stable")[:most])


def find(model: FaceModel, photo: Photo, threshold: float, search: Search | None = None) -> list[FaceBox]:
    """The faces in a photo, the surest first; the score of each is the network's own logit of its square.

    Of a square that reaches beyond the photo it is the smaller of two, with black there and with the photo's edge drawn
    out: beside black, plain grounds of the colour of skin are taken for faces.

    Args:
        threshold: log-odds above which a square counts as a face; see `thresholds`.

    Raises:
        ConfigError: the model is no detector.
    """
    search = search or Search()
    levels = list(pyramid(photo, model.size, search))
    if not levels:
        return []
    windows = all_windows(DenseDetector.of(model), levels).likeliest(MOST_LOOKED_THROUGH)
    proposed = proposals(windows, search)
    boxes = refined(proposed.boxes, windows)
    pixels = cut(levels, boxes, proposed.places[:, 0], model.size)
    logits = model.face_logit(pixels)
    height, width = photo.shape[:2]
    beyond = (boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2:] > (width, height)).any(axis=1)
    if beyond.any():
        again = drawn_out(pixels[beyond], boxes[beyond], width, height)
        logits[beyond] = np.minimum(logits[beyond], model.face_logit(again))
    kept = np.flatnonzero(logits > threshold)
    chosen = kept[suppressed(boxes[kept], logits[kept], search.overlap)]
    return [_face(boxes[row], float(logits[row])) for row in chosen]


def pyramid(photo: Photo, size: int, search: Search) -> Iterator[Level]:
    """The photo at every scale at which a window of `size` pixels shows a square of the search, the smallest first.

    Empty where even the smallest square is larger than the photo.
    """
    height, width = photo.shape[:2]
    picture, border = Image.fromarray(photo), size // 4
    octaves = math.log2(max(1.0, min(height, width) / search.smallest))
    for step in range(math.floor(octaves * search.levels_per_octave) + 1):
        scale = size / (search.smallest * 2.0 ** (step / search.levels_per_octave))
        columns, rows = round(width * scale), round(height * scale)
        if min(columns, rows) + 2 * border < size:
            return
        scaled = picture.resize((columns, rows), Image.Resampling.LANCZOS, reducing_gap=3.0)
        yield Level(
            np.pad(np.asarray(scaled), ((border, border), (border, border), (0, 0))),
            (columns / width, rows / height),
            border,
        )


def proposals(windows: Windows, search: Search) -> Windows:
    """The most promising windows by the dense pass, the best first, none beside a better one."""
    return windows.taken(suppressed(windows.boxes, windows.logits, NEIGHBOURS)[: search.num_proposals])


def refined(boxes: Boxes, windows: Windows) -> Boxes:
    """Each box moved to the weighted mean of the windows around it; where there are none, as it was."""
    moved = boxes.copy()
    shared = box_iou(torch.from_numpy(boxes), torch.from_numpy(windows.boxes)).numpy()
    for row, near in enumerate(shared > NEIGHBOURS):
        if near.any():
            logits = windows.logits[near].astype(np.float64)
            moved[row] = np.average(windows.boxes[near], axis=0, weights=np.exp((logits - logits.max()) / SOFTNESS))
    return moved


def all_windows(dense: DenseDetector, levels: list[Level]) -> Windows:
    """Every window of a pyramid at the stride of the network."""
    boxes, places, logits = [], [], []
    for number, level in enumerate(levels):
        values = dense.logits(level.picture)
        tops, lefts = (grid.ravel() * dense.stride for grid in np.indices(values.shape))
        boxes.append(level.boxes(lefts, tops, dense.size))
        places.append(np.stack([np.full_like(lefts, number), lefts, tops], axis=1))
        logits.append(values.ravel())
    return Windows(np.concatenate(boxes), np.concatenate(places), np.concatenate(logits).astype(np.float32))


def cut(levels: list[Level], boxes: Boxes, numbers: Int[np.ndarray, " batch"], size: int) -> Pixels:
    """The pixels of boxes of the photo, those of a window exactly as the dense pass saw them.

    Args:
        numbers: the level of each box, in which it is about as large as a window. One that reaches beyond the level is
            moved back into it.
    """
    pictures = [Image.fromarray(level.picture) for level in levels]
    pixels = np.empty((len(boxes), size, size, 3), np.uint8)
    for row, number in enumerate(numbers.tolist()):
        level, picture = levels[number], pictures[number]
        left, top, right, bottom = boxes[row] * np.tile(level.scale, 2) + level.border
        wide, high = min(right - left, picture.width), min(bottom - top, picture.height)
        left, top = min(max(left, 0.0), picture.width - wide), min(max(top, 0.0), picture.height - high)
        pixels[row] = np.asarray(
            picture.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + wide, top + high))
        )
    return pixels


def drawn_out(pixels: Pixels, boxes: Boxes, width: int, height: int) -> Pixels:
    """The pixels of boxes of a photo, with its edge drawn out over what lies beyond it."""
    drawn, size = np.empty_like(pixels), pixels.shape[1]
    for row, (left, top, right, bottom) in enumerate(boxes.tolist()):
        columns, rows = _nearest(left, right, width, size), _nearest(top, bottom, height, size)
        drawn[row] = pixels[row][rows][:, columns]
    return drawn


def _nearest(start: float, end: float, length: int, size: int) -> Int[np.ndarray, " size"]:
    """For each of `size` pixels from start to end, the nearest one that shows what lies between 0 and `length` alone.

    One more than reaches beyond is left out: it was mixed with its neighbour when the square was cut.
    """
    scale = size / (end - start)
    first = math.ceil(-start * scale) + 1 if start < 0 else 0
    last = math.floor((length - start) * scale) - 2 if end > length else size - 1
    return np.clip(np.arange(size), first, last)


def suppressed(boxes: Boxes, scores: PerBox, overlap: float) -> Int[np.ndarray, " kept"]:
    """Rows of the boxes that remain, the best first, when each removes those it shares more than `overlap` with."""
    rows = nms(torch.from_numpy(boxes.astype(np.float32)), torch.from_numpy(scores.astype(np.float32)), overlap)
    return np.asarray(rows.numpy(), np.int64)


def _face(box: Float[np.ndarray, " sides"], score: float) -> FaceBox:
    left, top, right, bottom = box.tolist()
    side = (right - left + bottom - top) / 2
    return FaceBox((left + right) / 2, (top + bottom) / 2, side, score=score)
