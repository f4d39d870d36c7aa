"""An audit's folder made or extended: all that can be refused is refused before anything trains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vaelab.audit.experiment import Experiment
from vaelab.audit.history import as_kept, known_arms
from vaelab.audit.pictures import HeldOut, check_pictures, check_primary_rate, check_resampling, planted_source
from vaelab.audit.store import AUDITS_DIR, Audit
from vaelab.config import differences
from vaelab.data.collection import Collection
from vaelab.data.embedded import prepare_embedded
from vaelab.errors import RunError
from vaelab.jobs.queue import device_of
from vaelab.runs.files import telling


def begin(experiment: Experiment, root: Path = AUDITS_DIR) -> Audit:
    """The audit of this experiment: a new folder, or the one of this name with arms and seeds that came or went.

    Members that are there are kept; those of arms and seeds no longer named stay on the disk and count for nothing.
    What members are scored on stays what it was: a search that was given away with its validation scores goes on on
    validation faces alone.

    Raises:
        ConfigError: settings that this machine or the data cannot serve.
        DataError: data sets or labels are missing.
        RunError: it is at work, or the change would make what is finished untrue.
    """
    device_of(experiment.base)
    prepare_embedded(experiment.base.data)
    held_out = HeldOut.open(experiment)
    splits = held_out.splits
    check_pictures(experiment, held_out)
    check_resampling(experiment, num_training_faces(experiment))
    folder = root / experiment.name
    if (folder / "experiment.json").is_file():
        audit = Audit.open(folder)
        splits = tuple(split for split in splits if split in audit.splits)
        _check_change(audit, experiment, held_out.fingerprints)
        audit.write_experiment(experiment, splits, held_out.fingerprints, held_out.treatment)
    else:
        check_primary_rate(experiment, held_out)
        audit = Audit.create(experiment, splits, held_out.fingerprints, held_out.treatment, root)
    for split in splits:
        audit.write_pictures(split, "faces", held_out.face_labels(split, experiment.mappings))
        audit.write_pictures(split, "negatives", held_out.negative_labels(split))
    audit.write_calibration(held_out.negative_labels("calibration"))
    return audit


def num_training_faces(experiment: Experiment) -> int:
    """Faces that a member will draw from.

    Raises:
        DataError: a data set is missing, or has no labels to plant in.
    """
    data = experiment.base.data
    source = planted_source(experiment)
    names = [name for name in data.datasets if source is None or name != source.root.name]
    found = 0
    if source is not None:
        found += int(
            source.plan(Collection.open((source.root.name,), experiment.data_dir, data.size).labels)["kept"].sum()
        )
    if names:
        found += len(Collection.open(names, experiment.data_dir, data.size).rows("train", is_face=True))
    return min(found, data.max_faces) if data.max_faces else found


def _check_change(audit: Audit, experiment: Experiment, fingerprints: Mapping[str, str]) -> None:
    """Refuse what would make finished members untrue.

    Raises:
        RunError: names what changed.
    """
    if audit.status.is_alive:
        raise RunError(f"audit {audit.name} is at work in process {audit.status.pid}; stop it first")
    old = audit.experiment
    begun = [(arm, seed) for arm, seed in old.members() if audit.member(arm, seed) or audit.is_scored(arm, seed)]
    if not begun:
        return
    another = "; give the new audit another name"
    for arm, seed in begun:
        if arm in experiment.arms:
            found = differences(old.config_of(arm, seed), experiment.config_of(arm, seed))
            if found:
                raise RunError(f"member {arm}-{seed} of audit {audit.name} was begun with {'; '.join(found)}{another}")
    scored = {arm for split in audit.splits for arm, _ in audit.scored(split)}
    for arm, settings in known_arms(audit.history).items():
        comes_back = arm in experiment.arms and arm not in old.arms and arm in scored
        if comes_back and as_kept(experiment.arms[arm]) != settings:
            raise RunError(f"arm {arm} of audit {audit.name} was scored with settings {settings} before{another}")
    for what in ("shares", "face_datasets", "other_datasets", "hard_negatives", "portraits", "fpr"):
        before, after = getattr(old, what), getattr(experiment, what)
        if before != after:
            raise RunError(f"audit {audit.name} was begun with {what} {before!r}, not {after!r}{another}")
    for name, fingerprint in audit.data_fingerprints.items():
        if fingerprints.get(name, fingerprint) != fingerprint:
            raise RunError(f"data set {name} is not the one that audit {audit.name} began with{another}")


def clear_requests(audit: Audit) -> None:
    """Take a request to stop back."""
    with telling(f"cannot take back the request to stop audit {audit.name}", audit.dir):
        audit.cancel_path.unlink(missing_ok=True)
