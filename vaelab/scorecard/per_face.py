"""A number for each of a run's stored faces, measured on its picture.

How far off the model's redrawing is, how light the face appears, or how sure a detector is of it. The run keeps latents
alone, so the pictures come from its prepared data sets; what was measured on them is kept in the run, and needs them no
more.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from vaelab.data.collection import Collection
from vaelab.data.store import DatasetStore
from vaelab.errors import CheckpointError, ConfigError, DataError
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.lightness import lightness
from vaelab.evaluation.reconstruction import rms_error
from vaelab.inference import FaceModel
from vaelab.passes import READ, drawn, encoded, face_logits_of_rows
from vaelab.runs.arrays import read_arrays, write_arrays
from vaelab.runs.maps import values_path
from vaelab.runs.store import Run

PerFace = Float[np.ndarray, " faces"]
Rows = Int[np.ndarray, " faces"]

ERROR, LIGHTNESS, SEEN = "error", "lightness", "seen"
KINDS = (ERROR, LIGHTNESS, SEEN)
FORMAT = 1
"""Part of a key: to be raised when the same measure gives other numbers."""
COMPARED = 16
"""Faces that are encoded again, to see whether the pictures are those that were encoded."""
FARTHEST_OFF = 0.2
"""Root mean square of what two encodings of a picture differ by, over the spread of the faces: rounding is hundreds of
times less, and two different faces are 1.4 of it apart."""


@dataclass(frozen=True)
class Measure:
    """What is measured.

    Attributes:
        kind: `error`: root mean squared difference between picture and redrawing, levels of 255; `lightness`: ITA,
            degrees; `seen`: log-odds that a detector gives the picture.
        detector: run id of the detector; empty but for `seen`.

    Raises:
        ConfigError: an unknown kind, or a detector where none is asked or missing where one is.
    """

    kind: str
    detector: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"a measure of faces is {self.kind!r}; choose one of {', '.join(KINDS)}")
        if bool(self.detector) != (self.kind == SEEN):
            raise ConfigError(f"a measure {self.kind!r} with the detector {self.detector!r}; only `seen` takes one")


def values_key(latents: StoredLatents, measure: Measure, detector_fingerprint: str = "") -> str:
    """16 hex digits that change with the faces, the weights of the model and of the detector, and the measure."""
    said = json.dumps([FORMAT, latents.weights_fingerprint, measure.kind, detector_fingerprint])
    digest = hashlib.sha256(said.encode())
    digest.update("\n".join(latents.labels["image_id"].astype(str)).encode())
    return digest.hexdigest()[:16]


def measured(run: Run, model: FaceModel, measure: Measure, detector: FaceModel | None = None) -> PerFace:
    """The measure of every stored face, from its picture; NaN where a picture has none.

    Raises:
        DataError: the pictures are not on this machine, or are others than those that were encoded.
        ConfigError: the model stores no faces, or the detector is missing, or takes pictures of another size.
    """
    if model.latents is None:
        raise ConfigError(f"{model.run_id} stores no latents; `python -m vaelab encode {model.run_id}` makes them")
    data, rows = pictures_of(run, model.latents)
    _check_pictures(model, data, rows)
    if measure.kind == SEEN:
        if detector is None or detector.size != model.size:
            met = "none" if detector is None else f"{detector.run_id}, which takes {detector.size} pixels"
            raise ConfigError(f"the detector is {met}; {model.run_id} has pictures of {model.size}: take one for these")
        return face_logits_of_rows(detector, data, rows)
    parts = []
    for start in range(0, len(rows), READ):
        some = slice(start, start + READ)
        pixels = data.pixels(rows[some])
        if measure.kind == ERROR:
            parts.append(rms_error(pixels, drawn(model, model.latents.mu[some])))
        else:
            parts.append(lightness(pixels).ita)
    return np.concatenate(parts)


def write_values(run: Run, key: str, values: PerFace, measure: Measure) -> None:
    """Keep a measure of all stored faces in the run's folder."""
    record = {"kind": measure.kind, "detector": measure.detector, "key": key}
    write_arrays(run, values_path(run, key), {"values": np.asarray(values, np.float32)}, record)


def read_values(run: Run, key: str, latents: StoredLatents) -> PerFace | None:
    """The kept measure; None where none is kept, or an unreadable one."""
    path = values_path(run, key)
    if not path.is_file():
        return None
    try:
        stored = read_arrays(path)
        values = stored.arrays["values"]
    except (CheckpointError, KeyError):  # damaged: it is measured again
        return None
    return values if stored.record.get("key") == key and values.shape == (len(latents.mu),) else None


def pictures_of(run: Run, latents: StoredLatents) -> tuple[Collection, Rows]:
    """The run's data sets that are on this machine, and the rows of the stored faces in them.

    Raises:
        DataError: some faces have no picture in any of them.
    """
    config = run.config.data
    stores, troubles = [], []
    for name in config.datasets:
        try:
            store = DatasetStore.open(Path(config.data_dir) / name)
        except DataError as error:
            troubles.append(str(error))
            continue
        if store.size == config.size:
            stores.append(store)
        else:
            troubles.append(f"data set {name} has pictures of {store.size} pixels, the model wants {config.size}")
    told = "; ".join(troubles)
    if not stores:
        raise DataError(f"the pictures of the stored faces are not on this machine: {told}")
    data = Collection(tuple(stores))
    faces = data.labels[data.labels["is_face"]].drop_duplicates("image_id")
    places = pd.Index(faces["image_id"]).get_indexer(pd.Index(latents.labels["image_id"]))
    if missing := int((places < 0).sum()):
        raise DataError(
            f"{missing:,} of the {len(places):,} stored faces have no picture in {', '.join(config.datasets)}"
            + (f" ({told})" if told else "")
            + f"; prepare the data that was encoded, or run `python -m vaelab encode {run.id}` anew"
        )
    return data, faces.index.to_numpy()[places]


def _check_pictures(model: FaceModel, data: Collection, rows: Rows) -> None:
    """Whether pictures of the same names are the same pictures.

    Raises:
        DataError: they are others.
    """
    assert model.latents is not None
    some = np.unique(np.linspace(0, len(rows) - 1, COMPARED).round().astype(np.int64))
    again, _ = encoded(model, data.pixels(rows[some]))
    off = np.square(again - model.latents.mu[some]).sum(axis=1).mean()
    apart = float(np.sqrt(off / max(model.latents.mu.var(axis=0).sum(), 1e-12)))
    if apart > FARTHEST_OFF:
        raise DataError(
            f"the pictures in {', '.join(model.config.data.datasets)} are not those that were encoded: their latents "
            f"are off by {apart:.2f} of the faces' spread, expected at most {FARTHEST_OFF}; prepare the same data "
            f"again, or run `python -m vaelab encode {model.run_id}` anew"
        )
