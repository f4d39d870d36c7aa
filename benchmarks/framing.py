"""How squares of other origin lie to those that FairFace's crops are: OpenCV's cascade, dlib, and marks made by eye.

`python -m benchmarks.framing --faces DIR --photos DIR --json FILE`, with training crops of FairFace, so that nothing is
learned from held-out ones. A crop is one square by definition: what finds its face and frames it otherwise says by how
much. Faces in photos have no such square; dlib, whose chips FairFace's crops are, says where it would lie.
`benchmarks.detecting` and `benchmarks.marked` bring boxes and marks into FairFace's frame by these figures.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from benchmarks.detecting import cascade_boxes
from benchmarks.marked import MARKED, paths_of, read_table_of_marks
from vaelab.evaluation.average_precision import overlaps
from vaelab.photos import find_faces, read_photo

CROP, BORDER = 160, 80
"""Side that a crop is brought to and the black border around it, pixels: a finder needs room beside a face."""
SAME_FACE = 0.15
"""Least share of the union of a mark and dlib's square of the same face; frames differ, neighbours are far."""
Squares = Float[np.ndarray, "n 3"]
"""Centre x, centre y and side."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of FairFace's training crops")
    parser.add_argument("--photos", type=Path, required=True, help="folder of the photos of photos-marked.csv")
    parser.add_argument("--num-faces", type=int, default=400, help="crops looked at (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file to keep the results in")
    arguments = parser.parse_args()
    paths = sorted(arguments.faces.glob("*.webp"))
    chosen = paths[:: max(1, len(paths) // arguments.num_faces)][: arguments.num_faces]
    crops = [np.asarray(Image.open(path).convert("RGB").resize((CROP, CROP))) for path in chosen]
    photos = [np.pad(crop, ((BORDER, BORDER), (BORDER, BORDER), (0, 0))) for crop in crops]
    true = np.array([BORDER + CROP / 2, BORDER + CROP / 2, CROP])
    results = {
        "cascade, its boxes and FairFace's squares": framing([(_cascade(photo), true[None]) for photo in photos]),
        "dlib, its chips and FairFace's squares": framing([(_dlib(photo), true[None]) for photo in photos]),
        "marks by eye and dlib's chips": framing(marks_beside_chips(arguments.photos)),
    }
    print(json.dumps(results, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def framing(pairs: list[tuple[Squares, Squares]]) -> dict[str, Any]:
    """What turns a square of the first kind into one of the second, over faces that both have.

    Args:
        pairs: of each picture, squares of the first kind and those of the second.

    Returns:
        `larger`: the second's side over the first's; `right` and `down`: from the first's centre to the second's, in
        sides of the second. Medians, with quartiles.
    """
    found = []
    for first, second in pairs:
        shared = overlaps(first, second)
        for column, (x, y, side) in enumerate(second):
            if len(first) and shared[:, column].max() > SAME_FACE:
                a, b, other = first[shared[:, column].argmax()]
                found.append((side / other, (x - a) / side, (y - b) / side))
    quartiles = np.quantile(np.array(found).reshape(-1, 3), [0.5, 0.25, 0.75], axis=0).round(4).tolist()
    names = ("larger", "right", "down")
    measured = {name: dict(zip(("median", "low", "high"), column, strict=True))
                for name, column in zip(names, zip(*quartiles, strict=True), strict=True)}  # fmt: skip
    return {"faces": sum(len(second) for _, second in pairs), "found": len(found)} | measured


def marks_beside_chips(folder: Path) -> list[tuple[Squares, Squares]]:
    """Sure marks as they were made, and dlib's squares, of every marked photo."""
    marked = read_table_of_marks(MARKED)
    photos = zip(marked, paths_of(marked, folder), strict=True)
    return [(photo.faces, _dlib(read_photo(path.read_bytes()))) for photo, path in photos]


def _dlib(photo: np.ndarray) -> Squares:
    return np.array([[face.x, face.y, face.side] for face in find_faces(photo)]).reshape(-1, 3)


def _cascade(photo: np.ndarray) -> Squares:
    boxes, _ = cascade_boxes(photo)
    return np.array([[x + w / 2, y + h / 2, w] for x, y, w, h in boxes]).reshape(-1, 3)


if __name__ == "__main__":
    main()
