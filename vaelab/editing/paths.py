"""Ways between faces, and around one: paths, arithmetic, grids, posterior samples, nearest stored faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from vaelab.editing.recipe import FaceRecipe
from vaelab.editing.sliders import STEP, Slider, edited_latent, ends, start_latent
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.priors import whitened
from vaelab.rng import numpy_generator

if TYPE_CHECKING:  # pages speak of paths before torch is there
    from vaelab.evaluation.latents import StoredLatents
    from vaelab.inference import FaceModel

Latent = Float[np.ndarray, " latent"]
Points = Float[np.ndarray, "points latent"]
Frames = Float[np.ndarray, "frames latent"]

PATHS: dict[str, str] = {
    "linear": "Straight",
    "spherical": "Around the origin",
    "prior": "Around the average face",
}
"""Ways from one latent to the next, in words; see `path_through`."""

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue. Source: ITU-R BT.601."""
PARALLEL = 1e-6
"""Sine under which two directions count as the same or as opposite."""
TYPICAL_FROM = 500
"""Stored faces whose own nearest neighbour is looked up to say what distance is usual."""
VERY_NEAR = 0.5
"""Share of the usual distance under which a face counts as (nearly) the stored one."""


def path_through(model: FaceModel, points: Points, kind: str, frames: int, loop: bool = False) -> Frames:
    """Latents along a way through `points`, equally many from each point to the next, so every face gets its turn.

    Every point is met exactly. `linear` goes straight, which in many dimensions passes nearer to the average face
    than any real one lies; `spherical` turns the direction at even speed while the length changes evenly;
    `prior` does the same where the fitted prior is a standard one, that is around the average face of the data.

    Args:
        points: two or more latents.
        frames: steps from each point to the next; the path has `frames * (points - 1) + 1` rows.
        loop: go on from the last point to the first, and leave out the last row, which would repeat the first:
            `frames * points` rows.

    Raises:
        DataError: fewer than two points, no frames, or numbers that are not finite.
        ConfigError: there is no such kind, or `prior` is asked of a model without stored latents.

    Source: White, Sampling Generative Networks (2016), for the spherical one.
    Differs: lengths are interpolated too; Shoemake's formula is for unit vectors and bulges otherwise.
    """
    if kind == "linear":
        return linear_path(points, frames, loop)
    if kind == "spherical":
        return spherical_path(points, frames, loop)
    if kind != "prior":
        raise ConfigError(f"a path is {kind!r}; choose one of {', '.join(PATHS)}")
    stored = _stored(model, "a path through the fitted prior")
    _check(points, frames)
    inner = whitened(points, stored.prior_mean, stored.prior_factor)
    way = spherical_path(inner, frames, loop) @ stored.prior_factor.T + stored.prior_mean
    return _exact(way.astype(np.float32), points, frames)


def linear_path(points: Points, frames: int, loop: bool = False) -> Frames:
    """Straight lines through `points`; see `path_through`."""
    return _path(points, frames, loop, lambda a, b, t: a + t * (b - a))


def spherical_path(points: Points, frames: int, loop: bool = False) -> Frames:
    """Arcs around the origin through `points`; see `path_through`.

    A zero vector has no direction and takes its neighbour's. Between opposite points every arc is as short as any
    other: the one is taken that bends towards the latent which either point uses least. With a
    single latent arcs are straight lines.
    """
    return _path(points, frames, loop, _arc)


def arithmetic(a: Latent, b: Latent, c: Latent, strength: float = 1.0) -> Latent:
    """A - B + C: `a + strength * (c - b)`, the face A changed by what leads from B to C; A itself at strength 0.

    Source: Radford et al., DCGAN (ICLR 2016), section 6.3.2.
    """
    return np.asarray(a + np.float32(strength) * (c - b), np.float32)


def grid_positions(slider: Slider, start: Latent, count: int) -> list[float]:
    """`count` positions of a slider within its ends around `start`, where a recipe can hold them.

    The start itself, at 0, is one of them; the others lie evenly to either side of it.
    """
    low, high = (int(end / STEP) * STEP for end in ends(slider, start))
    num_below = round((count - 1) * low / (low - high))
    below, above = np.linspace(0.0, low, num_below + 1), np.linspace(0.0, high, count - num_below)
    return [round(float(position), 2) + 0.0 for position in (*below[::-1], *above[1:])]


def traversal_grid(
    model: FaceModel, recipe: FaceRecipe, across: Slider, down: Slider, count: int
) -> tuple[Float[np.ndarray, "count count latent"], list[list[FaceRecipe]]]:
    """Latents of the recipe's face with two sliders set to each pair of positions, and the recipe of each.

    Rows go down as `down` rises, columns right as `across` rises. Each is exactly the face that its recipe draws.

    Raises:
        DataError: both sliders are the same, or the grid has fewer than two positions to a side.
    """
    if across.key == down.key or count < 2:
        raise DataError(
            f"a grid of {count} by {count} over {across.key} and {down.key}; take two different sliders and at least "
            "2 positions"
        )
    start = start_latent(model, recipe)
    recipes = [
        [recipe.edited(across.key, x).edited(down.key, y) for x in grid_positions(across, start, count)]
        for y in grid_positions(down, start, count)
    ]
    return np.stack([np.stack([edited_latent(model, cell) for cell in row]) for row in recipes]), recipes


def posterior_samples(model: FaceModel, mu: Latent, std: Latent, count: int, seed: int) -> Frames:
    """`count` latents of N(mu, std^2): what one picture could have been, as far as the encoder can tell.

    Raises:
        DataError: `mu` or `std` is not as long as the model's latents.
    """
    if len(mu) != model.latent_size or len(std) != model.latent_size:
        raise DataError(f"a posterior of {len(mu)} means and {len(std)} deviations; {model.run_id} has "
                        f"{model.latent_size} latents")  # fmt: skip
    noise = numpy_generator(seed, "posterior samples").standard_normal((count, model.latent_size))
    return np.asarray(mu + std * noise, np.float32)


def pixel_uncertainty(
    model: FaceModel, mu: Latent, std: Latent, count: int, seed: int
) -> Float[np.ndarray, "size size"]:
    """Standard deviation of each pixel's luminance over posterior samples, in units of 0..255.

    It says where the model would draw otherwise for a latent as likely; what its decoder never draws, it knows
    nothing of.

    Raises:
        DataError: fewer than two samples.
    """
    if count < 2:
        raise DataError(f"a deviation of {count} samples; take at least 2")
    luminance = model.decode(posterior_samples(model, mu, std, count, seed)).astype(np.float32) @ LUMINANCE
    return np.asarray(luminance.std(axis=0, ddof=1), np.float32)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Stored faces nearest to a latent.

    Attributes:
        rows: of the stored latents, the nearest first.
        distances: to each, in standard deviations of the posteriors, or in units of z where there are none.
        usual: median distance of a stored face to its nearest other one.
    """

    rows: Int[np.ndarray, " count"]
    distances: Float[np.ndarray, " count"]
    usual: float

    def in_words(self, index: int) -> str:
        """How near one of them is, against how near stored faces lie to each other."""
        share = float(self.distances[index]) / self.usual
        if share < PARALLEL:
            return "the same face"
        if share < VERY_NEAR:
            return f"almost the same face ({share:.0%} of the usual distance between neighbours)"
        return f"{share:.1f} times the usual distance between neighbours"


def nearest(model: FaceModel, z: Latent, count: int) -> Neighbours:
    """The `count` stored faces nearest to `z`: those that the encoder can tell from it least.

    Each latent is measured in units of its posterior deviation, so one that the encoder never reads counts for
    little; without posteriors all are measured as they are. A drawn face far nearer to a stored training face than
    stored faces lie to each other would be that face remembered; a face that was held out cannot be.

    Differs: distance in units of the fitted prior (Mahalanobis) weighs all 128 latents alike, and on the shipped
    model finds faces that look twice as different: 53 levels of 255 a pixel on average, against 25 (60 faces).

    Raises:
        ConfigError: the model stores no latents.
    """
    stored = _stored(model, "nearest faces")
    spread = stored.posterior_std.astype(np.float64) if model.has_posteriors else np.ones(model.latent_size)
    faces = stored.mu / spread
    distances = np.linalg.norm(faces - z / spread, axis=1)
    rows = np.argsort(distances, kind="stable")[:count]
    return Neighbours(rows, distances[rows].astype(np.float32), _usual_distance(faces))


def _usual_distance(faces: Points) -> float:
    """Median distance from some of the faces to their nearest other face."""
    some = np.linspace(0, len(faces) - 1, min(TYPICAL_FROM, len(faces))).astype(int)
    squares = np.square(faces).sum(axis=1)
    apart = squares[some, None] + squares[None, :] - 2.0 * faces[some] @ faces.T
    apart[np.arange(len(some)), some] = np.inf
    return float(np.sqrt(np.maximum(np.median(apart.min(axis=1)), 1e-12)))


def _path(
    points: Points, frames: int, loop: bool, between: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
) -> Frames:
    _check(points, frames)
    ends = np.concatenate([points, points[:1]]) if loop else points
    shares = np.arange(frames)[:, None] / frames
    pairs = zip(ends[:-1].astype(np.float64), ends[1:].astype(np.float64), strict=True)
    way = np.concatenate([between(a, b, shares) for a, b in pairs])
    if not loop:
        way = np.concatenate([way, points[-1:]])
    return _exact(way.astype(np.result_type(points, np.float32)), points, frames)


def _check(points: Points, frames: int) -> None:
    if len(points) < 2 or frames < 1 or not np.isfinite(points).all():
        raise DataError(
            f"a path through {len(points)} points in {frames} steps each; it takes two or more points of finite "
            "numbers, and at least one step"
        )


def _exact(way: Frames, points: Points, frames: int) -> Frames:
    """The path with its points put in as they are, without what rounding made of them."""
    way[::frames] = points
    return way


def _arc(a: np.ndarray, b: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Points at `shares` (n, 1) of the way from `a` to `b`: directions turn evenly, lengths change evenly."""
    if len(a) == 1:  # on a line nothing can turn
        return np.asarray(a + shares * (b - a))
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    lengths = length_a + shares * (length_b - length_a)
    if length_a == 0.0 or length_b == 0.0:
        longest = a if length_b == 0.0 else b
        return np.asarray(lengths * longest / max(length_a, length_b, 1e-300))
    start, end = a / length_a, b / length_b
    angle = 2.0 * np.arctan2(np.linalg.norm(start - end), np.linalg.norm(start + end))
    aside = end - (start @ end) * start
    if np.linalg.norm(aside) < PARALLEL:
        axis = np.zeros_like(start)
        axis[np.abs(start).argmin()] = 1.0
        aside = axis - (start @ axis) * start
        if angle < 1.0:  # the same direction: nowhere to turn
            return np.asarray(lengths * start)
    aside /= np.linalg.norm(aside)
    return np.asarray(lengths * (np.cos(shares * angle) * start + np.sin(shares * angle) * aside))


def _stored(model: FaceModel, wanted: str) -> StoredLatents:
    if model.latents is None:
        raise ConfigError(f"{model.run_id} stores no latents, which {wanted} needs; `python -m vaelab encode "
                          f"{model.run_id}` makes them")  # fmt: skip
    return model.latents
