"""From recipes to latents to pixels: everything a page asks of a model, in numpy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from pages.shell.recipe import FaceRecipe

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

STEP = 0.05
"""Distance between two positions of a slider, in units of the prior's standard deviation."""
WALK_STEPS = 7
"""Faces in a dimension's strip."""

Latent = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def start_latent(model: FaceModel, recipe: FaceRecipe) -> Latent:
    """z of the starting face, shape (latent,)."""
    if recipe.start == "stored" and model.latents is not None:
        row = int(np.flatnonzero(np.asarray(model.latents.labels["image_id"] == recipe.face))[0])
        z: Latent = np.asarray(model.latents.mu[row], dtype=np.float32)
        return z
    sampled: Latent = sampled_latents(model, recipe.start, (recipe.seed,), recipe.temperature)[0]
    return sampled


def sampled_latents(model: FaceModel, start: str, seeds: tuple[int, ...], temperature: float) -> Latent:
    """z drawn from a prior, one face per seed, so that each face has a link of its own. Shape (seeds, latent)."""
    prior = "fitted" if start == "fitted" else "standard"
    draws = [model.sample_latents(1, seed, prior=prior, temperature=temperature) for seed in seeds]
    return np.concatenate(draws)


def current_latent(model: FaceModel, recipe: FaceRecipe) -> Latent:
    """z of the face that the recipe describes, edits included, shape (latent,)."""
    z = start_latent(model, recipe).copy()
    for dim, value in recipe.edits:
        z[dim] = value
    return z


def draw(model: FaceModel, z: Latent) -> Pixels:
    """Pixels (size, size, 3) of one latent (latent,)."""
    pixels: Pixels = model.decode(z[None])[0]
    return pixels


def slider_scale(model: FaceModel, dim: int, start_value: float) -> tuple[float, float]:
    """Ends of a dimension's slider: the prior's quantiles on a grid of `STEP`, widened to hold the starting face."""
    low, high = model.slider_range(dim)
    low, high = min(low, start_value), max(high, start_value)
    return round(math.floor(low / STEP + 1e-6) * STEP, 2), round(math.ceil(high / STEP - 1e-6) * STEP, 2)


def on_scale(value: float) -> float:
    """The slider position nearest to `value`."""
    return round(round(value / STEP) * STEP, 2) + 0.0


def walk_values(model: FaceModel, dim: int) -> list[float]:
    """Values of `dim` along its strip: the middles of equal parts of its range, as on the slider above it."""
    low, high = model.slider_range(dim)
    return [on_scale(low + (step + 0.5) * (high - low) / WALK_STEPS) for step in range(WALK_STEPS)]


def walk(model: FaceModel, recipe: FaceRecipe, dim: int) -> Pixels:
    """The starting face with only `dim` walked along its range, (WALK_STEPS, size, size, 3)."""
    z = np.repeat(start_latent(model, recipe)[None], WALK_STEPS, axis=0)
    z[:, dim] = walk_values(model, dim)
    return model.decode(z)


def signed(value: float) -> str:
    """`value` with two decimals and a real minus sign."""
    return f"{value:.2f}".replace("-", "−")


def described(recipe: FaceRecipe) -> str:
    """The face in words, for captions and alternative texts."""
    if recipe.start == "stored":
        origin = f"stored face {recipe.face}"
    else:
        prior = "fitted" if recipe.start == "fitted" else "standard"
        origin = f"seed {recipe.seed}, {prior} prior, temperature {recipe.temperature:g}"
    if not recipe.edits:
        return origin
    changed = "1 dimension changed" if len(recipe.edits) == 1 else f"{len(recipe.edits)} dimensions changed"
    return f"{origin}, {changed}"


def record(model: FaceModel, recipe: FaceRecipe) -> dict[str, object]:
    """All that is needed to draw the same face again, ready for JSON; `z` is enough without the rest."""
    prior = {"seed": recipe.seed, "temperature": recipe.temperature}
    return {
        "format": "vaelab-face-1",
        "generated": True,
        "model": model.run_id,
        "weights_fingerprint": model.weights_fingerprint,
        "start": recipe.start,
        **({"face": recipe.face} if recipe.start == "stored" else prior),
        "edits": {str(dim): value for dim, value in recipe.edits},
        "link": f"/?{urlencode(recipe.to_query())}",
        "z": [round(float(value), 6) for value in current_latent(model, recipe)],
    }
