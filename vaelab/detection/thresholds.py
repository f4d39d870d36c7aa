"""Where a detector's threshold lies, set at a stated number of false alarms per photo on photos without faces.

The false-positive rates of `vaelab.evaluation` are shares of pictures, each looked at once. In a photo thousands of
squares are looked at, and what counts is how many of them are called a face wrongly before anybody is annoyed.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from vaelab.counterfactual import threshold_of
from vaelab.detection.search import Search, find
from vaelab.errors import DataError
from vaelab.inference import FaceModel
from vaelab.wording import alarms_per_photo

Photo = UInt8[np.ndarray, "height width 3"]

REPORT = "photos"
"""Name of the report in the run's folder."""
RATES = (3.0, 1.0, 0.3, 0.1)
"""False alarms per photo that a threshold is set for."""
LEAST_ALARMS = 10
"""Fewer than this in all photos together are too few to set a threshold by."""
FALLBACK_RATE = 0.001


@dataclass(frozen=True)
class AlarmThreshold:
    """The log-odds above which a square of a photo counts as a face.

    Attributes:
        rate: false alarms per photo; None where that was never measured for these weights and this search.
        source: where the number comes from, for people.
    """

    logit: float
    rate: float | None
    source: str


def measure(
    model: FaceModel, photos: Iterable[Photo], search: Search | None = None, tell: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """What a detector calls a face in photos without any, as a report that `alarm_threshold` reads.

    Args:
        tell: hears how far it is.

    Raises:
        DataError: there is no photo.
        ConfigError: the model is no detector.
    """
    search = search or Search()
    scores: list[float] = []
    count, pixels, mark = 0, 0, hashlib.sha256()
    for photo in photos:
        scores += [face.score for face in find(model, photo, -np.inf, search)]
        count, pixels = count + 1, pixels + photo.shape[0] * photo.shape[1]
        mark.update(photo.tobytes())
        if tell is not None and count % 10 == 0:
            tell(f"{count} photos")
    if not count:
        raise DataError("there is no photo to count false alarms in; name a folder with photos without faces")
    ranked = sorted(scores, reverse=True)
    return {
        "model": {"model": model.run_id, "weights": model.weights_fingerprint},
        "num_photos": count,
        "mean_megapixels": round(pixels / count / 1e6, 3),
        "photos_fingerprint": mark.hexdigest(),
        "search": dataclasses.asdict(search),
        "false_alarms_per_photo": {f"{rate:g}": _threshold(ranked, rate, count) for rate in RATES},
    }


def _threshold(ranked: list[float], rate: float, num_photos: int) -> dict[str, Any]:
    """The lowest of the scores that leaves no more than `rate` alarms per photo above it."""
    allowed = int(rate * num_photos + 1e-9)
    if allowed < LEAST_ALARMS:
        return {"refused": f"needs {LEAST_ALARMS / rate:.0f} photos without a face, there are {num_photos}"}
    if allowed >= len(ranked):
        return {"refused": f"only {len(ranked)} squares were looked at; ask for fewer false alarms"}
    return {"threshold": ranked[allowed], "num_alarms": sum(score > ranked[allowed] for score in ranked[:allowed])}


def alarm_threshold(
    reports: Mapping[str, Mapping[str, Any]], weights_fingerprint: str, rate: float, search: Search
) -> AlarmThreshold:
    """The threshold that a run's reports hold for this many false alarms per photo.

    Another search than the one that was measured keeps its threshold, without a rate: it looks at more squares, or
    fewer. A run that was never measured on photos falls back to its strictest threshold on single pictures. `source`
    says so.
    """
    report = reports.get(REPORT, {})
    found = report.get("false_alarms_per_photo", {}).get(f"{rate:g}", {})
    if "threshold" in found and report.get("model", {}).get("weights") == weights_fingerprint:
        source = (
            f"{alarms_per_photo(rate)}, set on {report['num_photos']:,} photos without a face of "
            f"{report['mean_megapixels']:.1f} megapixels each"
        )
        logit, other = float(found["threshold"]), _differences(report.get("search", {}), search)
        if other:
            return AlarmThreshold(logit, None, f"{source}; not measured for this search ({other})")
        return AlarmThreshold(logit, rate, source)
    single = threshold_of(reports, weights_fingerprint, FALLBACK_RATE)
    return AlarmThreshold(
        single.logit, None, f"{single.source}; how many false alarms that is in a photo was not measured"
    )


def _differences(measured: Mapping[str, Any], search: Search) -> str:
    """Where a search differs from the one that was measured, in words; empty where it does not."""
    told = []
    for name, value in dataclasses.asdict(search).items():
        if measured.get(name) != value:
            known = f"{measured[name]:g}" if name in measured else "unknown"
            told.append(f"{name.replace('_', ' ')} {value:g}, measured with {known}")
    return "; ".join(told)
