"""A map of a model's stored faces that goes both ways: from a latent to its place, and from a place to a latent.

A place between faces is no latent, and many latents share a place, so either way is a blend of a few neighbours: the
same for one question alone as in a batch, in milliseconds, without compiling anything. On a face's own place, or for a
face's own latent, the blend is that face exactly, and it changes continuously in between, so films have no jumps.

Source: Franke and Little's modification of Shepard's interpolation (1980).
Differs: umap-learn's `transform` begins with such a blend and then optimises it; compiling that takes a minute, and
where it puts a face depends on the others in the batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from vaelab.errors import CheckpointError, ConfigError, DataError
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings, Places, Quality, layout, quality
from vaelab.runs.arrays import read_arrays, write_arrays
from vaelab.runs.maps import map_path
from vaelab.runs.store import Run

Latents = Float[np.ndarray, "points latent"]
Points = Float[np.ndarray, "points dims"]
PerPoint = Float[np.ndarray, " points"]

FORMAT = 1
"""Part of a map's key: to be raised when the same settings give another map."""
BLENDED = 8
"""Faces in a blend. More make every place look like the average face, fewer make paths jerk."""
FLATTEST = 1e-9
"""Share of the reach under which a distance counts as none."""


@dataclass(frozen=True, eq=False)
class FaceMap:
    """Places of stored faces, in the rows of the latents it was made from.

    Attributes:
        places: (faces, dims) float32; all but a few strays lie from -1 to 1.
        quality: how far neighbourhoods on the map are those among the latents.
        key: what it was made from and how, 16 hex digits.
    """

    settings: MapSettings
    places: Places
    quality: Quality
    key: str

    @classmethod
    def of(cls, latents: StoredLatents, settings: MapSettings) -> FaceMap:
        """The map of the stored faces.

        Raises:
            DataError: too few faces are stored.
        """
        found = features(latents.mu, latents)
        places = layout(found, settings)
        return cls(settings, places, quality(found, places, settings.neighbours), map_key(latents, settings))

    @classmethod
    def of_run(
        cls, run: Run, latents: StoredLatents, settings: MapSettings, tell: Callable[[str], None] | None = None
    ) -> FaceMap:
        """The map that is kept with the run, or else a new one that is kept from then on; `tell` hears of a new one.

        Raises:
            DataError: see `of`.
        """
        if (kept := cls.read(run, latents, settings)) is not None:
            return kept
        if tell is not None:
            tell(f"laying out {len(latents.mu):,} faces")
        made = cls.of(latents, settings)
        made.write(run)
        return made

    def write(self, run: Run) -> None:
        """Keep in the run's folder."""
        record = {"settings": asdict(self.settings), "quality": asdict(self.quality), "key": self.key}
        write_arrays(run, map_path(run, self.key), {"places": self.places}, record)

    @classmethod
    def read(cls, run: Run, latents: StoredLatents, settings: MapSettings) -> FaceMap | None:
        """The kept map of these latents with these settings; None where none is kept, or an unreadable one."""
        key = map_key(latents, settings)
        path = map_path(run, key)
        if not path.is_file():
            return None
        try:
            stored = read_arrays(path)
            places = stored.arrays["places"]
            found = Quality.of_record(stored.record["quality"])
        except (CheckpointError, KeyError, TypeError):  # damaged: it is made again from what it was made from
            return None
        if stored.record.get("key") != key or places.shape != (len(latents.mu), settings.dims):
            return None
        return cls(settings, places, found, key)

    def placed(self, mu: Latents, latents: StoredLatents) -> Points:
        """Where faces with posterior means `mu` belong on the map of `latents`."""
        known = features(latents.mu, latents)
        return np.stack([_mixed(self.places, *blend(one, known)) for one in features(mu, latents)])

    def inverse(self, points: Points, latents: StoredLatents) -> Latents:
        """A latent for each place: a blend of the faces nearest on the map.

        Raises:
            DataError: places of another number of dimensions, or not finite.
        """
        return np.stack([_mixed(latents.mu, *blend(point, self.places)) for point in self._checked(points)])

    def support(self, points: Points) -> PerPoint:
        """How much data stands behind each place, 0 to 1: the share of faces that lie in no denser surroundings.

        Surroundings are as dense as the BLENDED-th nearest face is near; a face's own does not count among its.
        """
        reaches = np.array([np.sort(_distances(point, self.places))[BLENDED - 1] for point in self._checked(points)])
        return np.asarray((self.own_reaches[None, :] >= reaches[:, None] * (1 - 1e-6)).mean(axis=1))

    @cached_property
    def own_reaches(self) -> Float[np.ndarray, " faces"]:
        """From each face to the BLENDED-th nearest other one on the map."""
        from scipy.spatial import cKDTree  # a second of importing

        found: Float[np.ndarray, " faces"] = cKDTree(self.places).query(self.places, BLENDED + 1)[0][:, -1]
        return found

    def _checked(self, points: Points) -> Points:
        if points.ndim != 2 or points.shape[1] != self.settings.dims or not np.isfinite(points).all():
            raise DataError(
                f"places of shape {points.shape} on a map; expected finite numbers of shape (n, {self.settings.dims})"
            )
        return points


def features(mu: Latents, latents: StoredLatents) -> Latents:
    """Posterior means in units of the posterior deviations of `latents`; between them faces are compared."""
    return np.asarray(mu / latents.posterior_std, np.float32)


def map_key(latents: StoredLatents, settings: MapSettings) -> str:
    """16 hex digits that change with the latents, the weights they are of, and the settings."""
    said = json.dumps([FORMAT, latents.weights_fingerprint, latents.mu.shape, asdict(settings)])
    digest = hashlib.sha256(said.encode())
    for array in (latents.mu, latents.posterior_std):
        digest.update(np.ascontiguousarray(array, np.float32).tobytes())
    return digest.hexdigest()[:16]


def blend(
    point: Float[np.ndarray, " dims"], known: Float[np.ndarray, "faces dims"]
) -> tuple[Int[np.ndarray, " blended"], Float[np.ndarray, " blended"]]:
    """Rows of the BLENDED nearest of `known` and their weights, which add up to 1; the nearest first.

    A weight falls to 0 at the distance of the next nearest, so that a face which leaves the blend has left it already.

    Raises:
        ConfigError: there are not more than BLENDED known ones.
    """
    if len(known) <= BLENDED:
        raise ConfigError(f"{len(known)} faces are stored; a blend takes more than {BLENDED}: encode more")
    distances = _distances(point, known)
    rows = np.argsort(distances, kind="stable")[: BLENDED + 1]
    near, reach = distances[rows[:-1]], distances[rows[-1]]
    if near[0] <= FLATTEST * reach or reach == 0.0:
        weights = np.zeros(BLENDED)
        weights[0] = 1.0
    else:
        weights = np.square((reach - near) / (reach * near))
        weights = np.ones(BLENDED) / BLENDED if not weights.any() else weights / weights.sum()  # all equally far
    return rows[:-1], weights


def _distances(point: np.ndarray, known: np.ndarray) -> Float[np.ndarray, " faces"]:
    """In float64 and one point at a time: the same for a point whatever else is asked."""
    return np.asarray(np.linalg.norm(known.astype(np.float64) - point.astype(np.float64), axis=1))


def _mixed(values: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray(weights @ values[rows].astype(np.float64), np.float32)
