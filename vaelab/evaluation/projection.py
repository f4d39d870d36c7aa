"""Faces laid out on a map: principal components at once, UMAP in a while, and how far either can be trusted.

Faces are compared as the nearest-face search does: each latent in units of its posterior deviation, so that one which
the encoder never reads counts for little.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.intervals import MeanWithInterval, mean_with_interval
from vaelab.rng import numpy_generator, stream_seed
from vaelab.wording import counted

Features = Float[np.ndarray, "faces features"]
Places = Float[np.ndarray, "faces dims"]

METHODS = ("umap", "pca")
MIN_FACES = 40
"""Fewer have no neighbourhoods that a map could show."""
ROWS = 1024
"""Faces whose distances to all others are computed at once."""
FRAME_QUANTILE = 0.002
"""Share of faces beyond either edge of the frame, which a few strays must not widen."""
SOME_ROWS = 100
"""Sampled faces whose distances are in memory at once: 36 MB among 45,000 faces."""
SAMPLE = 1000
"""Faces whose neighbourhoods are looked at to say how far a map can be trusted."""


@dataclass(frozen=True)
class MapSettings:
    """What decides a map, besides the latents.

    Attributes:
        method: one of METHODS.
        dims: 2 or 3 axes.
        neighbours: faces that make a neighbourhood: in UMAP's graph, and in what is measured.
        min_dist: how near UMAP lets faces come, on its own scale.
        seed: of UMAP's negative samples.

    Raises:
        ConfigError: a value out of bounds.
    """

    method: str = "umap"
    dims: int = 2
    neighbours: int = 15
    min_dist: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"a map is {self.method!r}; choose one of {', '.join(METHODS)}")
        if self.dims not in (2, 3):
            raise ConfigError(f"a map of {self.dims} dimensions; take 2 or 3")
        if not 2 <= self.neighbours <= 200:
            raise ConfigError(f"neighbourhoods of {self.neighbours} faces; take 2 to 200")
        if not 0.0 <= self.min_dist <= 1.0:
            raise ConfigError(f"min_dist is {self.min_dist}; take 0 to 1")


@dataclass(frozen=True)
class Quality:
    """How far neighbourhoods on a map are those among the latents; means over sampled faces.

    Attributes:
        trustworthiness: 1 where all who are near on the map are near among the latents; 0.5 is about chance.
        preserved: share of a face's nearest among the latents who are also its nearest on the map.
        neighbours: faces that make a neighbourhood.
    """

    trustworthiness: MeanWithInterval
    preserved: MeanWithInterval
    neighbours: int

    @classmethod
    def of_record(cls, about: Mapping[str, Any]) -> Quality:
        """What `asdict` made of one.

        Raises:
            KeyError, TypeError: it did not.
        """
        return cls(
            MeanWithInterval(**about["trustworthiness"]), MeanWithInterval(**about["preserved"]), about["neighbours"]
        )


def layout(features: Features, settings: MapSettings) -> Places:
    """A place for every face, in the frame of `framed`; the same again for the same features and settings.

    Raises:
        DataError: fewer than MIN_FACES faces, too few features, or numbers that are not finite.
    """
    if len(features) < max(MIN_FACES, settings.neighbours + 2) or features.shape[1] < settings.dims:
        raise DataError(
            f"a map of {counted(len(features), 'face')} with {counted(features.shape[1], 'latent')}; it takes at "
            f"least {MIN_FACES} faces, more than there are in a neighbourhood ({settings.neighbours}), and "
            f"{settings.dims} latents"
        )
    if not np.isfinite(features).all():
        raise DataError("the latents of a map are not all finite numbers; encode the faces again")
    components = principal_places(features, settings.dims)
    return components if settings.method == "pca" else framed(umap_places(features, components, settings))


def principal_places(features: Features, dims: int) -> Places:
    """The first `dims` principal components, framed; signs are fixed, for an eigenvector's is chance."""
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :dims]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(dims)])
    return framed(centred @ axes)


def framed(places: Places) -> Places:
    """The same map, moved and scaled evenly so that all but a few strays lie from -1 to 1; float32."""
    low, high = np.quantile(places.astype(np.float64), [FRAME_QUANTILE, 1 - FRAME_QUANTILE], axis=0)
    half = max(float((high - low).max()) / 2, 1e-12)
    return np.asarray((places - (low + high) / 2) / half, np.float32)


def exact_neighbours(
    features: Features, count: int
) -> tuple[Int[np.ndarray, "faces count"], Float[np.ndarray, "faces count"]]:
    """The `count` nearest of every face and their distances, the nearest first; each face is its own first one.

    All pairs are compared: that costs 0.3 s for 4,000 faces and some ten for 45,000, and spares numba from compiling
    an approximate search, which takes longer than either.
    """
    table = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    squares = table.square().sum(dim=1)
    rows = np.empty((len(features), count), np.int64)
    for start in range(0, len(features), ROWS):
        part = slice(start, start + ROWS)
        apart = torch.addmm(squares, table[part], table.T, alpha=-2.0)  # plus the row's own square, the same for all
        apart[torch.arange(len(apart)), torch.arange(start, start + len(apart))] = -torch.inf
        rows[part] = apart.topk(count, dim=1, largest=False).indices.numpy()
    exact = np.asarray(features, np.float64)
    distances = np.empty(rows.shape)
    for start in range(0, len(rows), ROWS):
        part = slice(start, start + ROWS)
        distances[part] = np.linalg.norm(exact[rows[part]] - exact[part, None], axis=2)
    distances[:, 0] = -1.0  # of two equal faces, either stays its own first one
    order = np.argsort(distances, axis=1, kind="stable")
    distances[:, 0] = 0.0
    return np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1).astype(np.float32)


def quality(features: Features, places: Places, neighbours: int, sample: int = SAMPLE, seed: int = 0) -> Quality:
    """Trustworthiness and preserved neighbourhoods, by ranks among all faces, on `sample` of them.

    Source: Venna and Kaski, Neighborhood preservation in nonlinear projection methods (ICANN 2001), equation 2.
    Differs: a mean over sampled faces, with its interval, in place of the sum over all.

    Raises:
        DataError: half of the faces or more would make a neighbourhood.
    """
    count = len(features)
    if 2 * neighbours >= count:
        raise DataError(f"neighbourhoods of {neighbours} among {count} faces; take fewer than half of them")
    some = numpy_generator(seed, "map quality").permutation(count)[:sample]
    worst = neighbours * (2 * count - 3 * neighbours - 1) / 2
    trusts, shares = np.empty(len(some)), np.empty(len(some))
    wide, flat = features.astype(np.float64), places.astype(np.float64)
    for start in range(0, len(some), SOME_ROWS):
        rows = some[start : start + SOME_ROWS]
        far, near = _squares(wide, rows), _squares(flat, rows)
        closest = np.argpartition(near, neighbours, axis=1)[:, :neighbours]
        for index, (apart, found) in enumerate(zip(far, closest, strict=True), start):
            ranks = 1 + (apart[None, :] < apart[found, None]).sum(axis=1)
            trusts[index] = 1.0 - np.maximum(ranks - neighbours, 0).sum() / worst
            shares[index] = (ranks <= neighbours).mean()
    return Quality(mean_with_interval(trusts), mean_with_interval(shares), neighbours)


def inside(places: Float[np.ndarray, "faces 2"], area: Float[np.ndarray, "corners 2"]) -> Int[np.ndarray, " inside"]:
    """Rows of the faces inside a polygon, by the even-odd rule; none where it has fewer than three corners."""
    x, y = places[:, 0].astype(np.float64), places[:, 1].astype(np.float64)
    is_inside = np.zeros(len(places), bool)
    for (x1, y1), (x2, y2) in zip(area, np.roll(area, 1, axis=0), strict=True):
        if y1 != y2:
            is_inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return np.flatnonzero(is_inside) if len(area) >= 3 else np.empty(0, np.int64)


def _squares(table: Float[np.ndarray, "faces axes"], rows: Int[np.ndarray, " some"]) -> Float[np.ndarray, "some faces"]:
    """Squared distances from some faces to all; a face is infinitely far from itself."""
    squares = np.square(table).sum(axis=1)
    apart = squares[rows, None] - 2.0 * table[rows] @ table.T + squares[None, :]
    apart[np.arange(len(rows)), rows] = np.inf
    return np.asarray(apart)


def umap_places(features: Features, start: Places, settings: MapSettings) -> Places:
    """UMAP from `start`, as the principal components: both maps then lie alike, and no start is left to chance.

    One thread and a seed, so that it is the same every time; exact neighbours, so that numba compiles less.
    Source: McInnes et al., UMAP: Uniform Manifold Approximation and Projection (2018).
    """
    from umap import UMAP  # seconds of importing, then of compiling: never in a server's process

    indices, distances = exact_neighbours(features, settings.neighbours)
    reducer = UMAP(
        n_components=settings.dims,
        n_neighbors=settings.neighbours,
        min_dist=settings.min_dist,
        init=np.array(start),
        random_state=stream_seed(settings.seed, "umap") % 2**32,
        n_jobs=1,
        precomputed_knn=(indices, distances),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that new faces cannot be placed by it, which is done otherwise
        return np.asarray(reducer.fit_transform(np.asarray(features, np.float32)), np.float32)
