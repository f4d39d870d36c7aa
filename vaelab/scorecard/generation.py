"""The four-way comparison: reconstruct, prior, fitted priors, interpolate, each against as many real faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from vaelab.data.collection import Collection
from vaelab.errors import ConfigError
from vaelab.evaluation.generation import MIN_PICTURES, Neighbours, frechet_with_interval
from vaelab.evaluation.intervals import bootstrapped_both
from vaelab.evaluation.reconstruction import sharpness
from vaelab.inference import FaceModel
from vaelab.passes import drawn, encoded
from vaelab.rng import random_rows
from vaelab.scorecard.extractors import Extractor
from vaelab.scorecard.training_faces import training_faces
from vaelab.scorecard.ways import ways_of

SEED = 0
REFERENCE = "real_faces"
"""The row that says what other real faces, in place of drawn ones, reach."""


def generation_section(
    model: FaceModel,
    data: Collection,
    faces: np.ndarray,
    num_generated: int,
    extractors: Sequence[Extractor],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Every way's sharpness against real faces, Frechet distances, precision, recall, density and coverage.

    The real faces are `num_generated` of `faces`, drawn at random; every way makes as many, so that figures compare.
    Precision and its like are on the first extractor's features.
    """
    faces = random_rows(faces, num_generated, SEED, "generation")
    if len(faces) < MIN_PICTURES:
        return {"refused": f"needs {MIN_PICTURES} faces, there are {len(faces)}"}
    real = data.pixels(faces)
    ways, missing = ways_of(model, encoded(model, real)[0], data.table(faces, ["image_id", "split"]), SEED)
    real_features = [extractor.features(real) for extractor in extractors]
    found: dict[str, Any] = {}
    for way in ways:
        tell(f"generation: {way.words}, {len(faces):,} faces")
        pixels = drawn(model, way.latents)
        found[way.name] = {"words": way.words, **_against(real, pixels, real_features, extractors, way.is_paired)}
    others = training_faces(model, data, len(faces), "other faces")
    if len(others) == len(faces):
        tell(f"generation: {len(others):,} training faces, for comparison")
        words = "training faces, as if they were drawn: what a perfect model would reach at this n"
        found[REFERENCE] = {"words": words, **_against(real, data.pixels(others), real_features, extractors)}
    else:
        missing[REFERENCE] = f"needs {len(faces):,} training faces, the run was given {len(others):,}"
    report = {"n": len(faces), "seed": SEED, "extractors": [extractor.about_at(model.size) for extractor in extractors]}
    return report | {"ways": found} | ({"not_measured": missing} if missing else {})


def _against(
    real: np.ndarray,
    pixels: np.ndarray,
    real_features: list[np.ndarray],
    extractors: Sequence[Extractor],
    paired: bool = False,
) -> dict[str, Any]:
    """The figures of one set of pictures; `paired` where each was made from the real one of its row."""
    ratio = bootstrapped_both(_ratio_of_medians, sharpness(real), sharpness(pixels), paired)
    found = {"sharpness_ratio": asdict(ratio)}
    for place, (extractor, features) in enumerate(zip(extractors, real_features, strict=True)):
        seen = extractor.features(pixels)
        found[extractor.measure] = asdict(frechet_with_interval(features, seen, paired=paired))
        if place == 0:
            scores = Neighbours.measure(features, seen).with_intervals(paired=paired)
            found |= {name: asdict(score) for name, score in scores.items()}
    return found


def _ratio_of_medians(real: np.ndarray, drawn: np.ndarray) -> float:
    return float(np.median(drawn)) / max(float(np.median(real)), 1e-6)


def check_extractors(extractors: Sequence[Extractor], size: int) -> None:
    """Refuse extractors that cannot look at the model's pictures, before anything long begins.

    Raises:
        DataError: one takes another size.
        ConfigError: two give a figure of the same name.
    """
    for extractor in extractors:
        extractor.check_size(size)
    if len({extractor.measure for extractor in extractors}) < len(extractors):
        raise ConfigError("two extractors give a figure of the same name; keep one of them")
