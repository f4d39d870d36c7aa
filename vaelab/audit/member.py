"""One member of an audit: trained, its exposure kept, scored on the held-out pictures.

What is drawn by rarity depends on how densely the latents around a face are filled. For held-out faces that density is
found in the same way: histograms of the training faces' posterior means, one per active latent, logarithms summed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from vaelab.audit.exposure import exposure_of
from vaelab.audit.pictures import HeldOut, training_config
from vaelab.audit.store import Audit
from vaelab.config import differences
from vaelab.data.collection import Collection
from vaelab.debiasing import log_rarities
from vaelab.errors import DataError, RunError
from vaelab.inference import FaceModel
from vaelab.passes import encoded_rows, face_logits_of_rows
from vaelab.portraits.windows import window_logits
from vaelab.runs.store import Run
from vaelab.settings import DebiasConfig
from vaelab.training.job import run_training
from vaelab.training.step import pick_device

Report = Callable[[dict[str, Any]], None]
READ = 64
"""Whole pictures in memory at a time, each with all its windows."""
DENSITY_FACES = 4_000
"""Training faces, spread evenly over all, that the histograms are made of: a bin's share errs by 0.8 % at most."""


def finish_member(audit: Audit, arm: str, seed: int, held_out: HeldOut, on_report: Report | None = None) -> None:
    """Train a member from where it is to its end and score it. Finished parts are not done again.

    Args:
        held_out: the audit's pictures, opened once for all members of a process.
        on_report: called with each line of the training's metrics.

    Raises:
        TrainingDiverged, Cancelled: as training does; what was saved stays.
        RunError: the member was begun with other settings.
        DataError: the data are not those that the audit began with.
    """
    _check_data(audit, held_out)
    run = _member_run(audit, arm, seed)
    if run.status.state != "done":
        run_training(run, on_report)
    model = FaceModel.load(run, pick_device(run.config.run.device).type, with_latents=False)
    training = Collection.open(run.config.data.datasets, audit.experiment.data_dir, run.config.data.size)
    is_plain = audit.experiment.portraits == "as prepared"  # windows have no latents of their own
    if run.config.debias.aggregation != "none":
        audit.write_exposure(arm, seed, exposure_of(run, training))
    density = _density(model, training, run.config.debias) if model.has_decoder and is_plain else None
    logits = functools.partial(_logits, model, portraits=audit.experiment.portraits)
    same = {"calibration": logits(held_out.others, held_out.others.rows("calibration", is_face=False))}
    if held_out.hard is not None:
        same["hard_negatives"] = logits(held_out.hard, held_out.hard_rows())
    for split in audit.splits:
        rows = held_out.faces.rows(split, is_face=True)
        arrays = {"faces": logits(held_out.faces, rows)}
        arrays["negatives"] = logits(held_out.others, held_out.others.rows(split, is_face=False))
        if density is not None:
            arrays["log_density"] = density(encoded_rows(model, held_out.faces, rows)[0])
        audit.write_scores(split, arm, seed, {**arrays, **same})


def _check_data(audit: Audit, held_out: HeldOut) -> None:
    known = audit.data_fingerprints
    for name, fingerprint in held_out.fingerprints.items():
        if known.get(name) != fingerprint:
            raise DataError(
                f"data set {name} is not the one that audit {audit.name} began with: fingerprint {fingerprint[:12]}, "
                f"then {known.get(name, 'none')[:12]}; put the old one back, or start a new audit on this one"
            )


def _member_run(audit: Audit, arm: str, seed: int) -> Run:
    """The member's run, made if there is none yet.

    Raises:
        RunError: it was begun with other settings.
    """
    config = training_config(audit.experiment, arm, seed)
    run = audit.member(arm, seed)
    if run is None:
        folder = audit.member_dir(arm, seed)
        return Run.create(config, folder.parent, folder.name)
    if found := differences(run.config, config):
        raise RunError(f"member {run.id} of audit {audit.name} was begun with {'; '.join(found)}; start a new audit")
    run.clear_cancel()
    return run


def _logits(model: FaceModel, data: Collection, rows: np.ndarray, portraits: str) -> np.ndarray:
    if portraits == "as prepared":
        return face_logits_of_rows(model, data, rows)
    parts = [window_logits(model, data.pixels(rows[start : start + READ])) for start in range(0, len(rows), READ)]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _density(model: FaceModel, training: Collection, debias: DebiasConfig) -> Callable[[np.ndarray], np.ndarray]:
    """A function from posterior means to log densities among the training faces."""
    limit = model.config.data.max_faces
    rows = training.rows("train", is_face=True, limit=limit)
    if len(rows) > DENSITY_FACES:
        rows = rows[np.linspace(0, len(rows) - 1, DENSITY_FACES).round().astype(int)]
    known, _ = encoded_rows(model, training, rows)
    active = known.var(axis=0) >= debias.inactive_variance

    def of(mu: np.ndarray) -> np.ndarray:
        if not active.any():
            return np.zeros(len(mu))
        return np.asarray(-log_rarities(known[:, active], debias, mu[:, active]).sum(axis=1))

    return of
