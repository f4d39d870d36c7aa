"""A face moved along a direction under the eyes of face detectors: where does each stop seeing one?

Every detector is compared with itself along the walk, at a threshold that gives all of them the same false-positive
rate on photographs. Pictures drawn by a VAE are smoother than photographs, so how sure a detector is of them is no
measure of how good it is, and one face's story is no finding: `walk_many` tells how many faces share it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.special import expit

from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.paired import Paired, corrected, paired
from vaelab.evaluation.rates import Rate, rate
from vaelab.rng import numpy_generator
from vaelab.wording import rate_name, signed

Latent = Float[np.ndarray, " latent"]
Latents = Float[np.ndarray, "faces latent"]
Pixels = UInt8[np.ndarray, "batch size size 3"]

PRECISION = 0.01
"""How closely a crossing is found, in steps of the direction."""


@runtime_checkable
class Painter(Protocol):
    """What draws the faces: a `FaceModel` with a decoder."""

    @property
    def run_id(self) -> str: ...
    @property
    def size(self) -> int: ...
    def decode(self, z: Any) -> Any: ...


@runtime_checkable
class Judge(Protocol):
    """What looks at them: a `FaceModel` with a detector."""

    @property
    def run_id(self) -> str: ...
    @property
    def size(self) -> int: ...
    def face_logit(self, pixels: Any) -> Any: ...


@dataclass(frozen=True)
class Threshold:
    """The log-odds above which a detector is said to see a face.

    Attributes:
        fpr: share of pictures without a face that lie above; None where it was never measured.
        source: where the number comes from, for people.
    """

    logit: float
    fpr: float | None
    source: str


@dataclass(frozen=True, eq=False)
class Detector:
    """A model that detects, and the threshold it is held to."""

    model: Judge
    threshold: Threshold

    @property
    def name(self) -> str:
        """Run id."""
        return self.model.run_id

    def sees(self, pixels: Pixels) -> Bool[np.ndarray, " batch"]:
        """Whether each picture's log-odds lie above the threshold."""
        return np.asarray(self.model.face_logit(pixels) > self.threshold.logit)


@dataclass(frozen=True)
class Crossing:
    """A place where a detector changes its mind.

    Attributes:
        position: in steps of the direction, to `PRECISION`.
        is_loss: whether it stops seeing a face there, walking away from the start; else it begins to.
    """

    position: float
    is_loss: bool


@dataclass(frozen=True, eq=False)
class Sight:
    """What one detector sees along a walk."""

    detector: str
    threshold: Threshold
    face_logit: Float[np.ndarray, " steps"]
    crossings: tuple[Crossing, ...]

    @property
    def face_prob(self) -> Float[np.ndarray, " steps"]:
        """Probability of a face at each position."""
        return np.asarray(expit(self.face_logit.astype(np.float64)))


@dataclass(frozen=True, eq=False)
class Walk:
    """One face from -reach to +reach along a direction; the middle position is 0, the start itself."""

    positions: Float[np.ndarray, " steps"]
    latents: Float[np.ndarray, "steps latent"]
    pixels: UInt8[np.ndarray, "steps size size 3"]
    sights: tuple[Sight, ...]

    @property
    def reach(self) -> float:
        """Distance from the start to either end, in steps of the direction."""
        return float(self.positions[-1])


def threshold_of(reports: Mapping[str, Mapping[str, Any]], weights_fingerprint: str, fpr: float) -> Threshold:
    """The threshold that a run's reports hold for this false-positive rate.

    A run without one, or with reports of other weights, falls back to a probability of 0.5, and `source` says so.
    """
    for name in sorted(reports, key=lambda name: name != "test"):
        report = reports[name]
        found = report.get("detection", {}).get(f"fpr_{fpr:g}", {})
        if "threshold" in found and report.get("model", {}).get("weights") == weights_fingerprint:
            count = found["num_calibration"]
            return Threshold(
                float(found["threshold"]), fpr, f"{rate_name(fpr)} false positives on {count:,} pictures without a face"
            )
    return Threshold(0.0, None, "probability 0.5, as no report of these weights has a measured threshold")


def walk(
    model: Painter, detectors: Sequence[Detector], start: Latent, vector: Latent, reach: float, steps: int
) -> Walk:
    """`start` moved along `vector`, with what each detector makes of every picture.

    Args:
        vector: what one step of the direction adds to z.
        reach: how far to go to either side, in steps of the direction.
        steps: positions drawn on either side of the start. Crossings are refined between neighbours; a detector that
            changes its mind twice within one interval is not caught at it.

    Raises:
        ConfigError: nothing detects, a detector takes pictures of another size, or there is no way to go.
    """
    _check(model, detectors, vector, reach, steps)
    positions = walk_positions(reach, steps)
    latents = _moved(start, vector, positions)
    pixels = model.decode(latents)
    sights = []
    for detector in detectors:
        logits = detector.model.face_logit(pixels)
        crossings = _crossings(model, detector, start, vector, positions, logits > detector.threshold.logit)
        sights.append(Sight(detector.name, detector.threshold, logits, crossings))
    return Walk(positions, latents, pixels, tuple(sights))


def walk_positions(reach: float, steps: int) -> Float[np.ndarray, " steps"]:
    """2 * steps + 1 positions from -reach to +reach; the middle one is exactly 0."""
    outward = np.linspace(0.0, reach, steps + 1)
    return np.concatenate([-outward[:0:-1], outward])


def in_words(sight: Sight, reach: float) -> str:
    """What happened on a walk, as a sentence: `cnn stops seeing a face at +2.35.`"""
    starts_seeing = bool(sight.face_logit[len(sight.face_logit) // 2] > sight.threshold.logit)
    if not sight.crossings:
        if starts_seeing:
            return f"{sight.detector} sees a face along the whole walk, from {signed(-reach)} to {signed(reach)}."
        return f"{sight.detector} sees no face anywhere on this walk, from {signed(-reach)} to {signed(reach)}."
    sides = []
    for side in (-1, 1):
        outward = sorted((c for c in sight.crossings if c.position * side > 0), key=lambda c: abs(c.position))
        acts = [f"{'stops seeing a face' if c.is_loss else 'sees one again'} at {signed(c.position)}" for c in outward]
        if not starts_seeing and acts:
            acts[0] = acts[0].replace("sees one again", "begins to see one")
        if acts:
            sides.append(", ".join(acts))
        elif starts_seeing:
            sides.append(f"still does at {signed(side * reach)}")
    opening = sight.detector if starts_seeing else f"{sight.detector} sees no face at the start, but"
    if sides[0].startswith("still"):
        sides.reverse()
    return f"{opening} {'; '.join(sides)}."


@dataclass(frozen=True, eq=False)
class Survey:
    """The same walk of many faces.

    Attributes:
        positions: (steps,), the middle one 0.
        seen: by detector, (faces, steps): whether it sees the face there.
        control: the same, each face moved a way of its own as by `random_ways`; empty where none was walked.
    """

    positions: Float[np.ndarray, " steps"]
    seen: dict[str, Bool[np.ndarray, "faces steps"]]
    control: dict[str, Bool[np.ndarray, "faces steps"]]

    @property
    def num_faces(self) -> int:
        """Faces that walked."""
        return len(next(iter(self.seen.values())))

    def shares(self, detector: str, is_control: bool = False) -> list[Rate]:
        """Share of the faces that the detector sees at each position, with Wilson intervals."""
        seen = (self.control if is_control else self.seen)[detector]
        return [rate(int(hits), len(seen)) for hits in seen.sum(axis=0)]

    def comparisons(self) -> list[Paired]:
        """Each detector at either end against itself at the start and on random ways; then every two detectors."""
        middle, ends = len(self.positions) // 2, (0, len(self.positions) - 1)
        at = [f"at {signed(float(position))}" for position in self.positions]
        found = [
            paired(f"{name} {at[end]}", f"{name} at the start", seen[:, end], seen[:, middle])
            for name, seen in self.seen.items()
            for end in ends
        ]
        found += [
            paired(f"{name} {at[end]}", f"{name} {at[end]} of a random way", self.seen[name][:, end], control[:, end])
            for name, control in self.control.items()
            for end in ends
        ]
        found += [
            paired(f"{one} {at[end]}", f"{other} {at[end]}", self.seen[one][:, end], self.seen[other][:, end])
            for one, other in itertools.combinations(self.seen, 2)
            for end in ends
        ]
        return corrected(found)


def walk_many(
    model: Painter,
    detectors: Sequence[Detector],
    starts: Latents,
    vector: Latent,
    reach: float,
    steps: int,
    ways: Latents | None = None,
    progress: Callable[[float], None] | None = None,
) -> Survey:
    """The walk of `walk`, of many faces at once.

    Args:
        ways: what one step adds to each face on a walk of its own, as a control; see `random_ways`.
        progress: told the share that is done.

    Raises:
        ConfigError: as `walk`.
        DataError: there is no face.
    """
    _check(model, detectors, vector, reach, steps)
    if not len(starts):
        raise DataError("no face walks; choose at least one")
    positions = walk_positions(reach, steps)
    walks = [vector] if ways is None else [vector, ways]
    seen = [{one.name: np.empty((len(starts), len(positions)), bool) for one in detectors} for _ in walks]
    for column, position in enumerate(positions):
        for step, found in zip(walks, seen, strict=True):
            pixels = model.decode((starts.astype(np.float64) + position * step.astype(np.float64)).astype(np.float32))
            for detector in detectors:
                found[detector.name][:, column] = detector.sees(pixels)
        if progress is not None:
            progress((column + 1) / len(positions))
    return Survey(positions, seen[0], {} if ways is None else seen[1])


def random_ways(
    vector: Latent, prior_factor: Float[np.ndarray, "latent latent"], posterior_std: Latent, count: int, seed: int
) -> Latents:
    """One random direction for each of `count` faces, each as long as `vector`.

    Drawn from the fitted prior N(mean, factor @ factor.T). Length is measured in posterior deviations: a latent that
    the decoder ignores has wide ones and counts for little, so that a control changes the picture about as much as the
    walk itself, and what both lose is lost to change alone.
    """
    noise = numpy_generator(seed, "random ways").standard_normal((count, len(vector))) @ prior_factor.T
    lengths = np.linalg.norm(noise / posterior_std, axis=1, keepdims=True)
    return np.asarray(noise * np.linalg.norm(vector / posterior_std) / lengths, np.float32)


def _crossings(
    model: Painter,
    detector: Detector,
    start: Latent,
    vector: Latent,
    positions: Float[np.ndarray, " steps"],
    seen: Bool[np.ndarray, " steps"],
) -> tuple[Crossing, ...]:
    """Every change of mind between neighbouring positions, all bisected together."""
    changes = np.flatnonzero(seen[1:] != seen[:-1])
    if not len(changes):
        return ()
    low, high, seen_low = positions[changes], positions[changes + 1], seen[changes]
    for _ in range(max(0, math.ceil(math.log2((high - low).max() / PRECISION)))):
        middle = (low + high) / 2
        as_low = detector.sees(model.decode(_moved(start, vector, middle))) == seen_low
        low, high = np.where(as_low, middle, low), np.where(as_low, high, middle)
    found = (low + high) / 2
    return tuple(
        Crossing(float(position), bool(before) == bool(position > 0))
        for position, before in zip(found, seen_low, strict=True)
    )


def _moved(start: Latent, vector: Latent, positions: Float[np.ndarray, " steps"]) -> Float[np.ndarray, "steps latent"]:
    """z at each position; added in float64, as `edited_latent` does."""
    z = start.astype(np.float64) + positions[:, None] * vector.astype(np.float64)
    return np.asarray(z, np.float32)


def _check(model: Painter, detectors: Sequence[Detector], vector: Latent, reach: float, steps: int) -> None:
    if not detectors:
        raise ConfigError("no detector looks at the walk; choose at least one run with a detector, as cnn or dbvae")
    for detector in detectors:
        if detector.model.size != model.size:
            raise ConfigError(
                f"{detector.name} takes pictures of {detector.model.size} pixels, {model.run_id} draws "
                f"{model.size}; choose models of the same size"
            )
    if not (math.isfinite(reach) and reach > 0 and steps >= 1):
        raise ConfigError(f"a walk of {steps} steps to {reach:g} goes nowhere; both must be above 0")
    if not np.abs(vector).max() > 0:
        raise ConfigError("this direction moves nothing: all of it is held fixed; hold fewer attributes")
