"""A map over training: the same faces laid out at each moment, aligned so that a face stays near its place.

Frames follow each other in time, so the picture of a moment owes nothing to what came later. Principal components are
found for each moment by itself; UMAP begins at the places of the frame before. Either is brought to one size and turned
to fit that frame.

Chosen by measuring 20 frames of 422 faces with 64 latents (`first-minute` on drawn faces): UMAP begun anew for each
frame moved a face by 0.31 of the map's radius from frame to frame, 0.12 once turned to fit, and 0.11 begun from the
frame before, in a third of the time and with neighbourhoods kept as well (trustworthiness 0.950, 0.950, 0.952).
Differs: `umap.AlignedUMAP` lays all frames out at once and ties each to those after it as well, takes no exact
neighbours, and what is compiled for it nothing else uses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from vaelab.errors import CheckpointError, ConfigError
from vaelab.evaluation.alignment import aligned, displacements, standardised, turned
from vaelab.evaluation.frames import TrainingFrames
from vaelab.evaluation.intervals import MeanWithInterval, mean_with_interval
from vaelab.evaluation.projection import (
    MapSettings,
    Places,
    Quality,
    exact_neighbours,
    framed,
    layout,
    quality,
    umap_places,
)
from vaelab.runs.arrays import read_arrays, write_arrays
from vaelab.runs.maps import film_path, films_of
from vaelab.runs.store import Run

FORMAT = 1
"""Part of a film's key: to be raised when the same frames and settings give another film."""
MIN_FRAMES = 2
LOOKED_AT = 300
"""Faces of a frame whose neighbourhoods are looked at: 40 frames then take about as long as one large map."""


@dataclass(frozen=True)
class Moment:
    """One frame in numbers.

    Attributes:
        images_seen: when it was.
        quality: how far neighbourhoods on the map are those among the latents then.
        kept_since: share of a face's nearest latents that were its nearest in the frame before too; None in the first.
        moved: mean distance on the map from the place in the frame before, where the map is 2 wide; None in the first.
    """

    images_seen: int
    quality: Quality
    kept_since: MeanWithInterval | None
    moved: float | None


@dataclass(frozen=True, eq=False)
class Film:
    """Places of the same faces at every moment that a training kept.

    Attributes:
        places: (frames, faces, 2) float32; all but a few strays lie from -1 to 1.
        moments: one for each frame.
        key: what it was made from and how, 16 hex digits.
    """

    settings: MapSettings
    places: Float[np.ndarray, "frames faces 2"]
    moments: tuple[Moment, ...]
    key: str

    @classmethod
    def of(cls, frames: TrainingFrames, settings: MapSettings) -> Film:
        """The film of these frames.

        Raises:
            ConfigError: three axes, or fewer than MIN_FRAMES frames.
            DataError: too few faces, or latents that are not finite.
        """
        if settings.dims != 2:
            raise ConfigError(f"a film of {settings.dims} axes; take 2")
        if len(frames.clocks) < MIN_FRAMES:
            raise ConfigError(
                f"{len(frames.clocks)} frame is kept, a film takes {MIN_FRAMES} or more; train longer, or set a "
                "smaller validate_every"
            )
        features = [frames.features(frame) for frame in range(len(frames.clocks))]
        places = _framed_together(_laid_out(features, settings))
        return cls(settings, places, _moments(frames, features, places, settings), film_key(frames, settings))

    @classmethod
    def of_run(
        cls, run: Run, frames: TrainingFrames, settings: MapSettings, tell: Callable[[str], None] | None = None
    ) -> Film:
        """The film that is kept with the run, or else a new one that is kept from then on; `tell` hears of a new one.

        Raises:
            ConfigError, DataError: see `of`.
        """
        if (kept := cls.read(run, frames, settings)) is not None:
            return kept
        if tell is not None:
            tell(f"laying out {len(frames.labels):,} faces at {len(frames.clocks)} moments")
        made = cls.of(frames, settings)
        made.write(run)
        return made

    def write(self, run: Run) -> None:
        """Keep in the run's folder, in place of a film that was made so from fewer frames."""
        record = {
            "settings": asdict(self.settings),
            "key": self.key,
            "moments": [asdict(moment) for moment in self.moments],
        }
        write_arrays(run, film_path(run, self.key), {"places": self.places}, record)
        for path in films_of(run):
            if path != film_path(run, self.key) and _settings_of(path) in (record["settings"], None):
                path.unlink(missing_ok=True)

    @classmethod
    def read(cls, run: Run, frames: TrainingFrames, settings: MapSettings) -> Film | None:
        """The kept film of these frames with these settings; None where none is kept, or an unreadable one."""
        key = film_key(frames, settings)
        path = film_path(run, key)
        if not path.is_file():
            return None
        try:
            stored = read_arrays(path)
            places = stored.arrays["places"]
            moments = tuple(_moment(about) for about in stored.record["moments"])
        except (CheckpointError, KeyError, TypeError):  # damaged: it is made again from what it was made from
            return None
        if stored.record.get("key") != key or places.shape != (len(moments), len(frames.labels), 2):
            return None
        return cls(settings, places, moments, key)


def film_key(frames: TrainingFrames, settings: MapSettings) -> str:
    """16 hex digits that change with the frames and the settings."""
    said = json.dumps([FORMAT, frames.fingerprint, asdict(settings)])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _laid_out(features: list[Places], settings: MapSettings) -> Float[np.ndarray, "frames faces 2"]:
    """One map for each frame, in one size and turned to fit the frame before."""
    if settings.method == "pca":
        return aligned([layout(found, settings) for found in features])
    maps = [standardised(layout(features[0], settings))]
    for found in features[1:]:
        maps.append(turned(standardised(umap_places(found, maps[-1], settings)), maps[-1]))
    return np.stack(maps)


def _framed_together(frames: Float[np.ndarray, "frames faces 2"]) -> Float[np.ndarray, "frames faces 2"]:
    """All frames moved and scaled as one, so that a face's place in one compares with its place in another."""
    return framed(frames.reshape(-1, 2)).reshape(frames.shape)


def _moments(
    frames: TrainingFrames,
    features: list[Places],
    places: Float[np.ndarray, "frames faces 2"],
    settings: MapSettings,
) -> tuple[Moment, ...]:
    count = settings.neighbours
    nearest = [exact_neighbours(found, count + 1)[0][:, 1:] for found in features]
    moved = displacements(places)
    found = []
    for place, clock in enumerate(frames.clocks):
        kept = None
        if place:
            both = [np.isin(now, then).sum() for now, then in zip(nearest[place], nearest[place - 1], strict=True)]
            kept = mean_with_interval(np.array(both, np.float64) / count, resamples=200)
        trusted = quality(features[place], places[place], count, LOOKED_AT)
        found.append(Moment(int(clock), trusted, kept, float(moved[place - 1]) if place else None))
    return tuple(found)


def _moment(about: dict[str, Any]) -> Moment:
    """What `asdict` made of it."""
    kept = about["kept_since"]
    since = None if kept is None else MeanWithInterval(**kept)
    return Moment(about["images_seen"], Quality.of_record(about["quality"]), since, about["moved"])


def _settings_of(path: Path) -> dict[str, Any] | None:
    """How a kept film was made; None where it cannot be read."""
    try:
        found: dict[str, Any] | None = read_arrays(path).record.get("settings")
    except CheckpointError:
        return None
    return found
