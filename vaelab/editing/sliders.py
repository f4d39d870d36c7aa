"""What can be moved: attributes, principal components and raw latents, all as steps added to the starting latent."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from vaelab.editing.recipe import PRIOR_OF, FaceRecipe, unpack_latent
from vaelab.errors import DataError

if TYPE_CHECKING:  # pages speak of sliders before torch is there
    from vaelab.evaluation.directions import Directions
    from vaelab.inference import FaceModel

Latent = Float[np.ndarray, " latent"]

STEP = 0.05
"""Distance between two positions of a slider, in steps of its direction."""
REACH = 3.0
"""Ends of attribute and principal sliders: three standard deviations to either side."""
FAMILIES = {"attribute": "Attributes", "principal": "Principal", "raw": "Raw latents"}
ACTIVE_NATS = 0.01
"""A latent that carries less does nothing one could see."""
ACTIVE_VARIANCE = 0.01
"""The same where there are no posteriors: its variance over faces as a share of that of the average latent."""


@dataclass(frozen=True, eq=False)
class Slider:
    """One thing to move.

    Attributes:
        key: as in a recipe's edits.
        name: for people.
        family: attribute, principal or raw.
        vector: what one step adds to z, (latent,) float32.
        low, high: ends of the slider, in steps.
        detail: what is known about it, in a few words.
        is_dead: whether it moves nothing worth seeing.
    """

    key: str
    name: str
    family: str
    vector: Latent
    low: float
    high: float
    detail: str
    is_dead: bool = False


def sliders(model: FaceModel, method: str, names: Mapping[str, str] | None = None) -> list[Slider]:
    """All sliders of a model, in the order they are shown.

    Attributes go by how well they are told apart, questions of yes or no (a smile, glasses) before the others;
    components and latents go by what they carry.

    Args:
        method: how attribute directions are learned.
        names: given by people, by key; they replace the sliders' own.
    """
    names = names or {}
    found: list[Slider] = []
    if model.directions is not None:
        for row in attribute_order(model.directions):
            about = model.directions.learned[row]
            area = about.auc[method]
            detail = f"AUC {area.value:.2f} [{area.low:.2f}, {area.high:.2f}], n = {about.num_held_out:,}"
            vector = model.directions.attributes[method][row]
            found.append(Slider(f"a.{about.key}", about.name, "attribute", vector, -REACH, REACH, detail))
        for row, vector in enumerate(model.directions.principal):
            share = model.directions.principal_share[row]
            name = f"Component {row + 1}"
            found.append(Slider(f"p{row}", name, "principal", vector, -REACH, REACH, f"{share:.1%} of the variance"))
    carried = _carried(model)
    for dim in (int(dim) for dim in model.dims_by_information):
        low, high = model.slider_range(dim)
        vector = np.zeros(model.latent_size, np.float32)
        vector[dim] = 1.0
        found.append(Slider(f"d{dim}", f"Latent {dim}", "raw", vector, low, high, *carried[dim]))
    return [_renamed(slider, names.get(slider.key, "")) for slider in found]


def _carried(model: FaceModel) -> list[tuple[str, bool]]:
    """What each raw latent carries, in words, and whether that is next to nothing."""
    if model.latents is None:
        return [("", False)] * model.latent_size
    if model.has_posteriors:
        nats = model.latents.kl_per_dim.tolist()
        return [(f"{kl:.1f} nats" if kl >= 0.05 else f"{kl:.3f} nats", kl < ACTIVE_NATS) for kl in nats]
    variances = model.latents.mu.var(axis=0)
    shares = (variances / max(float(variances.sum()), 1e-12)).tolist()
    return [(f"{share:.1%} of the variance", share * len(shares) < ACTIVE_VARIANCE) for share in shares]


def told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Names of sliders by key, each that another one has too with its key behind it: `smile (p3)`."""
    counts = Counter(names.values())
    return {key: name if counts[name] == 1 else f"{name} ({key})" for key, name in names.items()}


def attribute_order(directions: Directions) -> list[int]:
    """Rows of the attributes as people are shown them: by how well they are told apart, yes-or-no questions first."""
    return sorted(range(len(directions.learned)), key=lambda row: directions.learned[row].positive != "yes")


def find_slider(model: FaceModel, method: str, key: str, names: Mapping[str, str] | None = None) -> Slider:
    """The slider with this key, under its own name or the one given by people.

    Raises:
        DataError: the model has none.
    """
    for slider in sliders(model, method, names):
        if slider.key == key:
            return slider
    raise DataError(f"{model.run_id} has no slider {key!r}; `python -m vaelab directions` lists those it has")


def start_latent(model: FaceModel, recipe: FaceRecipe) -> Latent:
    """z of the starting face, shape (latent,)."""
    if recipe.start == "latent":
        return unpack_latent(recipe.z)
    if recipe.start == "stored" and model.latents is not None:
        row = int(np.flatnonzero(np.asarray(model.latents.labels["image_id"] == recipe.face))[0])
        return np.asarray(model.latents.mu[row], dtype=np.float32)
    sampled: Latent = sampled_latents(model, recipe.start, (recipe.seed,), recipe.temperature)[0]
    return sampled


def sampled_latents(
    model: FaceModel, start: str, seeds: tuple[int, ...], temperature: float
) -> Float[np.ndarray, "seeds latent"]:
    """z drawn from a prior, one face per seed, so that each face has a link of its own."""
    prior = PRIOR_OF.get(start, "standard")
    draws = [model.sample_latents(1, seed, prior=prior, temperature=temperature) for seed in seeds]
    return np.concatenate(draws)


def step_vector(model: FaceModel, recipe: FaceRecipe, slider: Slider) -> Latent:
    """What one step of `slider` adds to z once the recipe's held attributes are held fixed."""
    return step_vectors(model, recipe, [slider])[0]


def step_vectors(model: FaceModel, recipe: FaceRecipe, chosen: Sequence[Slider]) -> list[Latent]:
    """`step_vector` of each slider; what is held is worked out once for all that hold the same.

    The slider of a held attribute keeps its own: whoever moves it means to.
    """
    directions = model.directions
    if directions is None or not recipe.hold:
        return [slider.vector for slider in chosen]
    from vaelab.evaluation.directions import outside

    space = functools.cache(directions.held_space)
    held = [tuple(key for key in recipe.hold if slider.key != f"a.{key}") for slider in chosen]
    return [outside(space(keys), slider.vector) for keys, slider in zip(held, chosen, strict=True)]


def edited_latent(model: FaceModel, recipe: FaceRecipe) -> Latent:
    """z of the face that the recipe describes, shape (latent,) float32.

    Added up in float64 in the order of the edits, one after the other: the page in the browser does the same, so
    both come to the same bits.

    Raises:
        DataError: the model has no such slider.
    """
    by_key = {slider.key: slider for slider in sliders(model, recipe.method)} if recipe.edits else {}
    z = start_latent(model, recipe).astype(np.float64)
    for key, _ in recipe.edits:
        if key not in by_key:
            raise DataError(f"{model.run_id} has no slider {key!r}; `python -m vaelab directions` lists those it has")
    vectors = step_vectors(model, recipe, [by_key[key] for key, _ in recipe.edits])
    for (_, steps), vector in zip(recipe.edits, vectors, strict=True):
        z += steps * vector.astype(np.float64)
    return z.astype(np.float32)


def ends(slider: Slider, start: Latent) -> tuple[float, float]:
    """Ends of the slider around a starting face, in steps.

    A raw latent goes where the prior goes, so its ends depend on where it starts, and always include the start.
    """
    if slider.family != "raw":
        return slider.low, slider.high
    begin = float(start[int(slider.key[1:])])
    return min(slider.low - begin, 0.0), max(slider.high - begin, 0.0)


def reach(slider: Slider, start: Latent) -> tuple[float, float]:
    """The same on the grid of STEP, the next position outside where they lie between two."""
    low, high = ends(slider, start)
    return round(math.floor(low / STEP + 1e-6) * STEP, 2), round(math.ceil(high / STEP - 1e-6) * STEP, 2)


def _renamed(slider: Slider, name: str) -> Slider:
    return dataclasses.replace(slider, name=name) if name else slider
