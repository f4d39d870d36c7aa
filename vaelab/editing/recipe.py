"""The recipe of one face: few enough words for a link, exact enough to draw the same face again."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from vaelab.errors import DataError
from vaelab.evaluation.attributes import METHODS

if TYPE_CHECKING:  # pages read recipes before torch is there
    from vaelab.inference import FaceModel

STARTS: dict[str, str] = {
    "fitted": "Fitted prior",
    "mixture": "Mixture prior",
    "second-stage": "Two-stage prior",
    "prior": "Standard prior",
    "stored": "Stored faces",
    "latent": "A latent of its own",
}
"""Where a face begins, in words. `latent` carries the vector itself: a photo's, or the result of a calculation."""

FORMAT = "vaelab-face-2"
PRIOR_OF: dict[str, str] = {
    "fitted": "fitted",
    "mixture": "mixture",
    "second-stage": "second-stage",
    "prior": "standard",
}
"""The model's name of the prior that each start draws from; links said `prior` for N(0, I) before there were others."""
START_OF: dict[str, str] = {prior: start for start, prior in PRIOR_OF.items()}
MAX_SEED = 2**31 - 1
TEMPERATURES = (0.1, 1.5)
LARGEST_VALUE = 20.0
"""No slider comes near this; a link that asks for more is garbage."""
LONGEST_FACE = 200
LONGEST_LATENT = 2048
MAX_LATENT = 1e4
SLIDER_KEY = re.compile(r"a\.[a-z0-9-]{1,60}|[pd](0|[1-9][0-9]{0,3})")
"""a.smile: an attribute; p3: the fourth principal component; d17: latent 17."""


@dataclass(frozen=True)
class FaceRecipe:
    """A starting face, and how far each slider was moved from there.

    Attributes:
        model: run id.
        start: one of STARTS, with `seed` and `temperature` for priors, `face` (an image_id) for stored faces, and
            `z` for `latent`: float16 values as `pack_latent` writes them.
        edits: (slider key, steps) in order of key; see `vaelab.editing.sliders` for what a step is.
        hold: attributes (their keys) that the moves must not change.
        method: how attribute directions are learned, one of METHODS.
    """

    model: str
    start: str = "fitted"
    seed: int = 7
    temperature: float = 0.8
    face: str = ""
    z: str = ""
    edits: tuple[tuple[str, float], ...] = ()
    hold: tuple[str, ...] = ()
    method: str = METHODS[0]

    def edited(self, key: str, steps: float) -> FaceRecipe:
        """The recipe with a slider at `steps`, rounded to what a link carries; at 0 it is no edit."""
        edits = {name: value for name, value in self.edits if name != key}
        if round(steps, 2):
            edits[key] = round(steps, 2)
        return dataclasses.replace(self, edits=tuple(sorted(edits.items())))

    def held(self, keys: list[str]) -> FaceRecipe:
        """The recipe with these attributes held fixed."""
        return dataclasses.replace(self, hold=tuple(sorted(set(keys))))

    def started(self, **changes: Any) -> FaceRecipe:
        """The recipe of another starting face; its sliders are at rest, what is held stays held."""
        return dataclasses.replace(self, **{**changes, "edits": ()})

    def to_query(self) -> dict[str, str]:
        """Query parameters that `read_query` turns back into this recipe."""
        query = {"model": self.model, "from": self.start}
        if self.start == "stored":
            query["face"] = self.face
        elif self.start == "latent":
            query["z"] = self.z
        else:
            query |= {"seed": str(self.seed), "t": f"{self.temperature:g}"}
        if self.edits:
            query["e"] = "~".join(f"{key}_{value:g}" for key, value in self.edits)
        if self.hold:
            query["hold"] = "~".join(self.hold)
        if self.method != METHODS[0]:
            query["how"] = self.method
        return query


def prior_starts(model: FaceModel) -> list[str]:
    """The starts among STARTS that draw from a prior which `model` has."""
    return [start for start, prior in PRIOR_OF.items() if prior in model.priors]


def pack_latent(z: Float[np.ndarray, " latent"]) -> str:
    """A latent vector as text for links: float16, little-endian, base64 for URLs."""
    return base64.urlsafe_b64encode(np.asarray(z, "<f2").tobytes()).decode().rstrip("=")


def unpack_latent(text: str) -> Float[np.ndarray, " latent"]:
    """The vector that `pack_latent` packed, float32.

    Raises:
        DataError: the text is none.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        z = np.frombuffer(data, "<f2").astype(np.float32)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"“{_short(text)}” is no packed latent: expected base64 of float16 numbers") from error
    if not len(z) or not np.isfinite(z).all():
        raise DataError(f"“{_short(text)}” is no packed latent: it is empty or not finite")
    return z


def read_query(query: Mapping[str, str], default: FaceRecipe) -> tuple[FaceRecipe, list[str]]:
    """The recipe in a link, and one sentence for everything in it that could not be used.

    Whatever is missing or unusable keeps its value from `default`, so garbage still shows a face. Whether the
    model has what is named is not looked at here: see `fit_to_model`.
    """
    notes: list[str] = []
    changes: dict[str, Any] = {"edits": (), "hold": ()}
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
    if packed := query.get("z", ""):
        changes["z"] = packed[: LONGEST_LATENT * 3]
    changes["edits"], refused = _read_edits(query.get("e", ""))
    if refused:
        shown = _short("~".join(refused))
        notes.append(f"The link's edits “{shown}” are not of the form a.smile_1.25 and were left out.")
    changes["hold"] = tuple(sorted(set(filter(None, query.get("hold", "")[:4000].split("~")))))
    if (method := query.get("how", "")) in METHODS:
        changes["method"] = method
    return dataclasses.replace(default, **changes), notes


def fit_to_model(recipe: FaceRecipe, model: FaceModel) -> tuple[FaceRecipe, list[str]]:
    """The recipe with everything dropped that `model` does not have, and a sentence for each."""
    recipe, notes = _fit_start(recipe, model)
    learned = model.directions.keys if model.directions else []
    num_principal = len(model.directions.principal) if model.directions else 0

    def is_known(key: str) -> bool:
        if key.startswith("a."):
            return key[2:] in learned
        return int(key[1:]) < (num_principal if key[0] == "p" else model.latent_size)

    unknown = [key for key, _ in recipe.edits if not is_known(key)] + [key for key in recipe.hold if key not in learned]
    if unknown:
        shown = ", ".join(_short(key) for key in unknown[:3])
        notes.append(f"{model.run_id} has no slider {shown}; what the link says of it was left out.")
        recipe = dataclasses.replace(
            recipe,
            edits=tuple(edit for edit in recipe.edits if is_known(edit[0])),
            hold=tuple(key for key in recipe.hold if key in learned),
        )
    return recipe, notes


def to_record(model: FaceModel, recipe: FaceRecipe, z: Float[np.ndarray, " latent"]) -> dict[str, Any]:
    """All that is needed to draw the same face again, ready for JSON; `z` is enough without the rest."""
    return {
        "format": FORMAT,
        "generated": True,
        "model": model.run_id,
        "weights_fingerprint": model.weights_fingerprint,
        "link": recipe.to_query(),
        "z": [float(f"{value:.9g}") for value in z],  # nine digits give back every float32 exactly
    }


def read_record(text: str | bytes) -> tuple[FaceRecipe, dict[str, Any]]:
    """The recipe in a JSON file that was kept, and the whole record.

    Raises:
        DataError: it is no such file, or something in it cannot be used.
    """
    try:
        record = json.loads(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"this is no JSON ({error}); expected a recipe that vaelab wrote") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT or not isinstance(record.get("link"), dict):
        met = record.get("format") if isinstance(record, dict) else type(record).__name__
        raise DataError(f"this is no recipe of a face: its format is {met!r}, expected {FORMAT!r}")
    recipe, notes = read_query({str(key): str(value) for key, value in record["link"].items()}, FaceRecipe(model=""))
    if notes:
        raise DataError(notes[0].replace("The link", "The recipe"))
    return recipe, record


def other_weights(record: Mapping[str, Any], model: FaceModel, what: str) -> str:
    """That a record was kept from other weights than the model's, in words that begin with `what`; empty if it was
    not.
    """
    kept = record.get("weights_fingerprint")
    if kept == model.weights_fingerprint:
        return ""
    return (
        f"{what} was kept from {_short(str(record.get('model')))} with weights {_short(str(kept))}, {model.run_id} has "
        f"{model.weights_fingerprint}: the same latent is another face there"
    )


def kept_latent(record: Mapping[str, Any]) -> Float[np.ndarray, " latent"]:
    """z of a record that `to_record` made, bit for bit.

    Raises:
        DataError: it holds none.
    """
    numbers = record.get("z")
    if not isinstance(numbers, list) or not 0 < len(numbers) <= LONGEST_LATENT:
        raise DataError(f"this recipe has no latent `z`: expected a list of 1 to {LONGEST_LATENT} numbers")
    if not all(type(number) in (int, float) and abs(number) < MAX_LATENT for number in numbers):
        raise DataError(f"the latent `z` of this recipe is not all finite numbers below {MAX_LATENT:g}")
    return np.array(numbers, np.float32)


def _fit_start(recipe: FaceRecipe, model: FaceModel) -> tuple[FaceRecipe, list[str]]:
    notes: list[str] = []
    latents = model.latents
    if recipe.start == "latent":
        try:
            count = len(unpack_latent(recipe.z))
        except DataError:
            count = 0
        if count == model.latent_size:
            return recipe, notes
        notes.append(f"The link's face has {count} latents, {model.run_id} takes {model.latent_size}: started anew.")
        recipe = dataclasses.replace(recipe, start="fitted", z="")
    if recipe.start in ("mixture", "second-stage") and recipe.start not in model.priors:
        notes.append(f"{model.run_id} has no {STARTS[recipe.start].lower()} for its weights: started from another.")
        recipe = dataclasses.replace(recipe, start="fitted")
    if latents is None and recipe.start in ("fitted", "stored"):
        notes.append(f"{model.run_id} stores no latents, so faces start from the standard prior.")
        recipe = dataclasses.replace(recipe, start="prior")
    if latents is not None and recipe.start == "stored":
        faces = latents.labels["image_id"]
        if not bool((faces == recipe.face).any()):
            if recipe.face:
                notes.append(f"{model.run_id} stores no face “{_short(recipe.face)}”; the first one is shown.")
            recipe = dataclasses.replace(recipe, face=str(faces.iloc[0]))
    return recipe, notes


def _read_edits(text: str) -> tuple[tuple[tuple[str, float], ...], list[str]]:
    """Edits in `a.smile_1.25~p3_-0.4`, and the pieces that are none."""
    edits: dict[str, float] = {}
    refused: list[str] = []
    for piece in filter(None, text.split("~")):
        key, _, number = piece.rpartition("_")
        value = _number(number)
        if SLIDER_KEY.fullmatch(key) and value is not None and abs(value) <= LARGEST_VALUE:
            edits[key] = round(value, 2)
        else:
            refused.append(piece)
    return tuple(sorted((key, value) for key, value in edits.items() if value)), refused


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
