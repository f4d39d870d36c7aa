"""The map of faces: seconds to principal components and to UMAP, milliseconds to place a photo, and whether two fresh
processes give the same coordinates.

`python -m benchmarks.mapping --faces 5000 20000 45000 --json FILE`; the faces are drawn, from a mixture whose latents
are as many and about as wide as those of the shipped model, so that every size can be had.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.kept import Rows
from benchmarks.own_process import answer_of
from vaelab.evaluation.facemap import FaceMap, features
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import SAMPLE, MapSettings, exact_neighbours, principal_places, quality
from vaelab.rng import numpy_generator

LATENT, CLUSTERS, PHOTOS = 128, 12, 50


def drawn_latents(count: int) -> StoredLatents:
    """Latents of `count` faces that were never there."""
    random = numpy_generator(0, "benchmark map")
    spread = np.geomspace(1.0, 0.02, LATENT)
    middles = random.standard_normal((CLUSTERS, LATENT)) * spread
    mu = middles[random.integers(0, CLUSTERS, count)] + 0.8 * random.standard_normal((count, LATENT)) * spread
    labels = pd.DataFrame({"image_id": [str(row) for row in range(count)], "split": "train"})
    std = np.full((count, LATENT), 0.3, np.float32)
    return StoredLatents.fit(mu.astype(np.float32), std, labels, np.arange(count), "benchmark")


def measure(count: int, with_default: bool = False) -> dict[str, Any]:
    """Times of this process, which has compiled nothing yet where it is a fresh one; compiling is part of UMAP's."""
    latents = drawn_latents(count)
    found = features(latents.mu, latents)
    result: dict[str, Any] = {"what": "a map of drawn faces", "faces": count, "latents": LATENT}
    started = time.perf_counter()
    principal_places(found, 2)
    result["pca_seconds"] = time.perf_counter() - started
    started = time.perf_counter()
    exact_neighbours(found, MapSettings().neighbours)
    result["exact_neighbours_seconds"] = time.perf_counter() - started
    started = time.perf_counter()
    made = FaceMap.of(latents, MapSettings())
    result["umap_seconds_cold"] = time.perf_counter() - started
    started = time.perf_counter()
    again = FaceMap.of(latents, MapSettings())
    result["umap_seconds_warm"] = time.perf_counter() - started
    result["same_again"] = bool(np.array_equal(made.places, again.places))
    result["places"] = hashlib.sha256(made.places.tobytes()).hexdigest()[:16]
    result["trustworthiness"] = made.quality.trustworthiness.mean
    result["trustworthiness_pca"] = FaceMap.of(latents, MapSettings("pca")).quality.trustworthiness.mean
    if with_default:
        result["trustworthiness_umap_learn"] = _by_default(found)
    photos = latents.mu[:PHOTOS] + np.float32(0.05)
    times = []
    for photo in photos:
        started = time.perf_counter()
        made.placed(photo[None], latents)
        times.append(time.perf_counter() - started)
    result["place_one_milliseconds"] = 1e3 * median(times)
    result["place_one_milliseconds_most"] = 1e3 * max(times)
    return result


def _by_default(found: np.ndarray) -> float:
    """Trustworthiness of umap-learn as it comes: approximate neighbours, spectral start, no seed."""
    from umap import UMAP

    places = np.asarray(UMAP().fit_transform(found), np.float32)
    return quality(found, places, MapSettings().neighbours, SAMPLE).trustworthiness.mean


def fresh(count: int, with_default: bool) -> dict[str, Any]:
    """`measure` in a process of its own."""
    found: dict[str, Any] = answer_of("benchmarks.mapping", "--one", count, *["--default"] * with_default)
    return found


def rows(sizes: Sequence[int]) -> Rows:
    """A row for each size, each from two fresh processes."""
    return [{**both(count, with_default=False), "what": f"a map of {count:,} drawn faces"} for count in sizes]


def both(count: int, with_default: bool) -> dict[str, Any]:
    """What the first of two fresh processes measured, and whether the second found the same coordinates."""
    first, second = fresh(count, with_default), fresh(count, False)
    return {**first, "same_in_two_fresh_processes": first["places"] == second["places"]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the map in fresh processes.")
    parser.add_argument("--faces", type=int, nargs="+", default=[1000], help="sizes of the map (default: 1000)")
    parser.add_argument("--default", action="store_true", help="also umap-learn with its own settings")
    parser.add_argument("--json", type=Path, help="file to keep the results in")
    parser.add_argument("--one", type=int, help="measure one size in this process and print it as JSON")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.default)))
        return
    results = []
    for count in arguments.faces:
        results.append(both(count, arguments.default))
        for name, value in results[-1].items():
            print(f"{name:32} {value:.4g}" if isinstance(value, float) else f"{name:32} {value}")
        print()
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
