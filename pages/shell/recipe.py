"""The recipe of one face: few enough words for a link, exact enough to draw the same face again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

STARTS: dict[str, str] = {"fitted": "Fitted prior", "prior": "Standard prior", "stored": "Stored faces"}
"""Where a face begins, and what the page calls it."""

MAX_SEED = 2**31 - 1
TEMPERATURES = (0.1, 1.5)
LARGEST_VALUE = 20.0
"""No latent comes near this; a link that asks for more is garbage."""
LONGEST_FACE = 200


@dataclass(frozen=True)
class FaceRecipe:
    """A starting face and the latents that were set by hand afterwards."""

    model: str
    start: str = "fitted"
    seed: int = 7
    temperature: float = 0.8
    face: str = ""
    """`image_id` of the stored face that `start="stored"` begins at."""
    edits: tuple[tuple[int, float], ...] = ()
    """(dimension, value) pairs in order of dimension."""

    def edited(self, dim: int, value: float) -> FaceRecipe:
        """The recipe with latent `dim` set to `value`, rounded to what a link carries."""
        edits = {**dict(self.edits), dim: round(value, 2)}
        return dataclasses.replace(self, edits=tuple(sorted(edits.items())))

    def reset(self, dim: int) -> FaceRecipe:
        """The recipe with latent `dim` back at the starting face's value."""
        return dataclasses.replace(self, edits=tuple(edit for edit in self.edits if edit[0] != dim))

    def started(self, **changes: object) -> FaceRecipe:
        """The recipe of another starting face; what was set by hand is dropped."""
        return dataclasses.replace(self, **{**changes, "edits": ()})  # type: ignore[arg-type]

    def to_query(self) -> dict[str, str]:
        """Query parameters that `read_query` turns back into this recipe."""
        query = {"model": self.model, "from": self.start}
        if self.start == "stored":
            query["face"] = self.face
        else:
            query |= {"seed": str(self.seed), "t": f"{self.temperature:g}"}
        if self.edits:
            query["dims"] = "~".join(f"{dim}_{value:g}" for dim, value in self.edits)
        return query


def read_query(query: Mapping[str, str], default: FaceRecipe) -> tuple[FaceRecipe, list[str]]:
    """The recipe in a link, and one sentence for everything in it that could not be used.

    Whatever is missing or unusable keeps its value from `default`, so garbage still shows a face. Whether the
    model and its dimensions exist is not looked at here: see `fit_to_model`.
    """
    notes: list[str] = []
    changes: dict[str, object] = {}
    if model := query.get("model", ""):
        changes["model"] = model
    if (start := query.get("from", "")) in STARTS:
        changes["start"] = start
    elif start:
        notes.append(f"The link starts from “{_short(start)}”; expected one of {', '.join(STARTS)}.")
    if seed := query.get("seed", ""):
        if seed.isascii() and seed.isdigit() and int(seed[:12]) <= MAX_SEED:
            changes["seed"] = int(seed[:12])
        else:
            notes.append(f"The link's seed “{_short(seed)}” is not a whole number from 0 to {MAX_SEED}.")
    if text := query.get("t", ""):
        temperature = _number(text)
        if temperature is not None and TEMPERATURES[0] <= temperature <= TEMPERATURES[1]:
            changes["temperature"] = round(temperature, 2)
        else:
            low, high = TEMPERATURES
            notes.append(f"The link's temperature “{_short(text)}” is not a number from {low} to {high}.")
    if face := query.get("face", ""):
        changes["face"] = face[:LONGEST_FACE]
    edits, refused = _read_edits(query.get("dims", ""))
    if refused:
        shown = _short("~".join(refused))
        notes.append(f"The link's dimensions “{shown}” are not of the form 17_1.25 and were left out.")
    return dataclasses.replace(default, edits=edits, **changes), notes  # type: ignore[arg-type]


def fit_to_model(recipe: FaceRecipe, model: FaceModel) -> tuple[FaceRecipe, list[str]]:
    """The recipe with everything dropped that `model` does not have, and a sentence for each."""
    notes: list[str] = []
    latents = model.latents
    if latents is None and recipe.start != "prior":
        notes.append(f"{model.run_id} stores no latents, so faces start from the standard prior.")
        recipe = dataclasses.replace(recipe, start="prior")
    if latents is not None and recipe.start == "stored":
        faces = latents.labels["image_id"]
        if not bool((faces == recipe.face).any()):
            if recipe.face:
                notes.append(f"{model.run_id} stores no face “{_short(recipe.face)}”; the first one is shown.")
            recipe = dataclasses.replace(recipe, face=str(faces.iloc[0]))
    unknown = [dim for dim, _ in recipe.edits if dim >= model.latent_size]
    if unknown:
        notes.append(f"{model.run_id} has dimensions 0 to {model.latent_size - 1}; {unknown[0]} was left out.")
        kept = tuple(edit for edit in recipe.edits if edit[0] < model.latent_size)
        recipe = dataclasses.replace(recipe, edits=kept)
    return recipe, notes


def _read_edits(text: str) -> tuple[tuple[tuple[int, float], ...], list[str]]:
    """Edits in `17_1.25~3_-0.4`, and the pieces that are none."""
    edits: dict[int, float] = {}
    refused: list[str] = []
    for piece in filter(None, text.split("~")):
        dim, _, number = piece.partition("_")
        value = _number(number)
        if dim.isascii() and dim.isdigit() and len(dim) <= 5 and value is not None and abs(value) <= LARGEST_VALUE:
            edits[int(dim)] = round(value, 2)
        else:
            refused.append(piece)
    return tuple(sorted(edits.items())), refused


def _number(text: str) -> float | None:
    """The finite number in `text`, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _short(text: str) -> str:
    """`text`, short enough to be shown back to a visitor and without markdown in it."""
    plain = "".join(char if char.isalnum() or char in " .,:;_~+-/" else "·" for char in text)
    return plain if len(plain) <= 40 else plain[:39] + "…"
