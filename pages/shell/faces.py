"""From recipes to pixels and words: what pages ask of a model, in numpy."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from vaelab.data.groups import group_columns
from vaelab.editing.recipe import STARTS, FaceRecipe, to_record
from vaelab.editing.sliders import STEP, edited_latent, find_slider, reach, start_latent, step_vector
from vaelab.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from vaelab.inference import FaceModel

WALK_STEPS = 7
"""Faces in a slider's strip."""

Latent = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def draw(model: FaceModel, z: Latent) -> Pixels:
    """Pixels (size, size, 3) of one latent (latent,)."""
    pixels: Pixels = model.decode(z[None])[0]
    return pixels


@functools.lru_cache(maxsize=4096)
def walk_values(low: float, high: float) -> tuple[float, ...]:
    """Positions along a slider's strip: the middles of equal parts of its range, on its grid."""
    middles = [low + (part + 0.5) * (high - low) / WALK_STEPS for part in range(WALK_STEPS)]
    return tuple(round(round(middle / STEP) * STEP, 2) + 0.0 for middle in middles)


def walk(model: FaceModel, recipe: FaceRecipe, key: str) -> Pixels:
    """The starting face with only the slider `key` walked along its range, (WALK_STEPS, size, size, 3).

    Raises:
        DataError: the model has no such slider.
    """
    slider = find_slider(model, recipe.method, key)
    start = start_latent(model, recipe)
    steps = np.array(walk_values(*reach(slider, start)), np.float32)
    return model.decode(start + steps[:, None] * step_vector(model, recipe, slider))


def described(model: FaceModel, recipe: FaceRecipe) -> str:
    """The face in words, for captions and alternative texts."""
    if recipe.start == "stored":
        origin = f"Stored face, labelled {spoken_labels(model, recipe.face)}"
    elif recipe.start == "latent":
        origin = "A face by its latent"
    else:
        origin = f"Seed {recipe.seed}, {STARTS[recipe.start].lower()}, temperature {recipe.temperature:g}"
    if not recipe.edits:
        return origin
    return f"{origin}, {counted(len(recipe.edits), 'slider')} moved"


def spoken_labels(model: FaceModel, face: str) -> str:
    """The labels of a stored face in one line, or its id where it has none."""
    if model.latents is None:
        return face
    labels = model.latents.labels
    row = labels[labels["image_id"] == face]
    if row.empty:
        return face
    return " · ".join(str(row[name].iloc[0]).replace("_", " ") for name in choices(labels)) or face


def choices(labels: pd.DataFrame) -> dict[str, list[str]]:
    """Labels worth choosing by, each with its values in a sensible order."""
    return {name: sorted(labels[name].dropna().astype(str).unique(), key=_by_number) for name in group_columns(labels)}


def record(model: FaceModel, recipe: FaceRecipe) -> dict[str, object]:
    """All that is needed to draw the same face again, ready for JSON."""
    kept = to_record(model, recipe, edited_latent(model, recipe))
    return {**kept, "address": f"/?{urlencode(recipe.to_query())}"}


def _by_number(value: str) -> tuple[float, str]:
    """Sort key that puts 3-9 before 10-19, and words after or among their numbers."""
    number = re.search(r"\d+", value)
    return (float(number.group()) if number else -1.0) + (0.5 if value.lower().startswith("more") else 0.0), value
