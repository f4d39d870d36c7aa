"""The pages: their files, names, addresses, and what can be done there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGES_DIR = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Place:
    """A page.

    Attributes:
        file: its name in `pages/`.
        title: as the navigation calls it.
        path: in the address; empty for the page that opens first.
        about: what can be done there, in a sentence.
    """

    file: str
    title: str
    path: str
    about: str


PLACES = (
    Place("explore.py", "Explore", "", "Start from a face and move the dimensions a model uses most."),
    Place(
        "paths.py",
        "Studio",
        "studio",
        "Ways between faces, arithmetic, grids, uncertainty, neighbours, and films of them.",
    ),
    Place("compare.py", "Compare", "compare", "Two models on the same faces and the same path."),
    Place("walk.py", "Counterfactual", "counterfactual", "Move a face until a detector stops seeing one."),
    Place("detect.py", "Detect", "detect", "Photos with many faces: what each detector sees, and what it looks at."),
    Place(
        "audit.py",
        "Audit",
        "audit",
        "Is it fairer? Detectors with and without debiasing, by group, at the same false-positive rate.",
    ),
    Place("prior.py", "Prior", "prior", "Where new faces are drawn from, and the holes between encoded faces."),
    Place("map.py", "Map", "map", "All stored faces laid out by what a model sees in them; decode, select, walk."),
    Place("recipes.py", "Recipes", "recipes", "Every training with a name: explained, started, and what came of it."),
    Place("train.py", "Train", "train", "Start a training, watch it, change it while it goes."),
    Place("runs.py", "Runs", "runs", "All trainings: search, label, compare, export, import, delete."),
    Place("data.py", "Data", "data", "What is prepared, what is in it, and new data sets."),
    Place("models.py", "Models", "models", "The card and the measured results of every model on this machine."),
)
OTHER_PATHS = {"explore": "", "walk": "counterfactual"}
"""Paths that people type or were once given, and those that they stand for."""


def file_of(path: str) -> Path:
    """The file of the page with this path in the address.

    Raises:
        KeyError: there is none.
    """
    return PAGES_DIR / {place.path: place.file for place in PLACES}[path]
