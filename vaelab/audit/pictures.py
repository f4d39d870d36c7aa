"""Which pictures an audit trains on and scores, made ready once before its members begin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from vaelab.audit.experiment import SPLITS, Experiment
from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.data.groups import ABOUT_THE_FILE, Grouping
from vaelab.data.mapping import LabelMapping, mapped
from vaelab.data.prepare import prepare
from vaelab.data.sources.subset import Subset
from vaelab.data.store import DatasetStore
from vaelab.errors import ConfigError, DataError
from vaelab.portraits.treatment import treatment_sentence
from vaelab.wording import rate_name

LEAST_RESAMPLED = 0.1
"""Share of a training that has to be drawn by rarity for the arm to be called one that resamples."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What members are scored on.

    Attributes:
        faces: data sets of the test faces.
        others: data sets whose held-out non-faces set thresholds and raise false alarms.
        hard: data sets of non-faces that look like faces; None without any.
        treatment: how the pictures were framed, in a sentence for the record.
    """

    faces: Collection
    others: Collection
    hard: Collection | None
    treatment: str

    @classmethod
    def open(cls, experiment: Experiment) -> HeldOut:
        """Open all data sets that are scored.

        Raises:
            DataError: one is missing, has pictures of another size, or pictures that were framed in another way.
        """
        by_windows = experiment.portraits == "windows"
        names = (experiment.face_datasets, experiment.other_datasets, experiment.hard_negatives)
        found = [[DatasetStore.open(experiment.data_dir / name) for name in kind] for kind in names]
        manifests = list({store.path: store.manifest for kind in found for store in kind}.values())
        treatment = treatment_sentence(manifests, experiment.portraits)
        size = manifests[0].size if by_windows else experiment.base.data.size
        faces, others, hard = (Collection.open(kind, experiment.data_dir, size) if kind else None for kind in names)
        assert faces is not None
        assert others is not None
        return cls(faces, others, hard, treatment)

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of each data set by its name."""
        hard = {} if self.hard is None else self.hard.fingerprints
        return {**self.others.fingerprints, **self.faces.fingerprints, **hard}

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Splits that have both faces and non-faces.

        Raises:
            DataError: none has, there are no test pictures, or no non-faces are kept for calibration.
        """
        found = tuple(
            split
            for split in SPLITS
            if len(self.faces.rows(split, is_face=True)) and len(self.others.rows(split, is_face=False))
        )
        if "test" not in found:
            raise DataError(
                "an audit needs faces and non-faces in the split test; there are "
                f"{len(self.faces.rows('test', is_face=True)):,} faces in {', '.join(self.faces.fingerprints)} and "
                f"{len(self.others.rows('test', is_face=False)):,} non-faces in {', '.join(self.others.fingerprints)}"
            )
        if not len(self.others.rows("calibration", is_face=False)):
            raise DataError(
                f"no non-faces are kept for calibration in {', '.join(self.others.fingerprints)}; thresholds are set "
                "on them alone: train with a data set that has some, such as nonfaces-64"
            )
        return found

    def hard_rows(self) -> np.ndarray:
        """Non-faces of all splits of the hard data sets: no member has seen any of them."""
        assert self.hard is not None
        labels = self.hard.labels
        rows: np.ndarray = np.flatnonzero(~labels["is_face"].to_numpy(dtype=bool))
        return rows

    def face_labels(self, split: str, mappings: Sequence[LabelMapping]) -> pd.DataFrame:
        """Ids, data set and labels of a split's faces, with the mapped labels."""
        labels = _about_people(self.faces.labels.iloc[self.faces.rows(split, is_face=True)])
        return mapped(labels, mappings)[0]

    def negative_labels(self, split: str) -> pd.DataFrame:
        """Ids, data set and labels of a split's non-faces."""
        labels = self.others.labels.iloc[self.others.rows(split, is_face=False)]
        return _about_people(labels).dropna(axis=1, how="all")


def _about_people(labels: pd.DataFrame) -> pd.DataFrame:
    first = ["image_id", "dataset"]
    rest = [name for name in labels.columns if name not in ABOUT_THE_FILE]
    return labels[[*first, *rest]].reset_index(drop=True)


def check_pictures(experiment: Experiment, held_out: HeldOut) -> None:
    """Refuse labels to group by that no test face has, and mappings that do not fit.

    Raises:
        DataError: names the label and those there are.
    """
    labels = held_out.face_labels("test", experiment.mappings)
    if experiment.columns:
        Grouping.of(labels, experiment.columns)


def planted_source(experiment: Experiment) -> Subset | None:
    """The thinned training faces that the shares ask for; None where none are planted.

    Raises:
        DataError: no data set of the training has such labels.
    """
    for column, shares in experiment.shares.items():
        for name in experiment.base.data.datasets:
            store = DatasetStore.open(experiment.data_dir / name)
            if column in store.labels and store.labels["is_face"].any():
                return Subset(store.path, {column: dict(shares)})
        raise DataError(f"no data set of {', '.join(experiment.base.data.datasets)} has labels {column!r} to plant in")
    return None


def training_config(experiment: Experiment, arm: str, seed: int) -> TrainConfig:
    """Settings of one member, its data sets with the planted one in place of the whole."""
    config = experiment.config_of(arm, seed)
    source = planted_source(experiment)
    if source is None:
        return config
    names = tuple(_planted_name(source) if name == source.root.name else name for name in config.data.datasets)
    return replace(config, datasets=names)


def prepare_training(experiment: Experiment, progress: Callable[[int, int, float], None] | None = None) -> None:
    """Make the data set with the planted shares, unless it is there.

    Raises:
        DataError: shares that leave nothing, or a full disk.
    """
    source = planted_source(experiment)
    if source is not None:
        prepare(source, experiment.data_dir / _planted_name(source), size=experiment.base.data.size, progress=progress)


def check_resampling(experiment: Experiment, num_faces: int) -> None:
    """Refuse an arm that would draw uniformly (nearly) to its end: a comparison that shows nothing of resampling.

    Raises:
        ConfigError: names the arm and what to change.
    """
    for arm in experiment.resampling_arms:
        config = experiment.config_of(arm, experiment.seeds[0])
        every = config.images_between_resamplings(num_faces)
        first = every * max(1, -(-config.debias.resample_after // every))
        if first > (1 - LEAST_RESAMPLED) * config.optim.num_images:
            raise ConfigError(
                f"arm {arm} would hardly resample: its first time comes after {first:,} images, num_images is "
                f"{config.optim.num_images:,}; lower refresh_every or resample_after, or raise num_images, so that "
                f"{LEAST_RESAMPLED:.0%} at least are drawn by rarity"
            )


def check_primary_rate(experiment: Experiment, held_out: HeldOut) -> None:
    """Refuse a primary false-positive rate that the calibration negatives could never set a threshold for.

    Raises:
        ConfigError: names the number there is and the lowest rate it allows.
    """
    number = len(held_out.others.rows("calibration", is_face=False))
    if number < 10 / experiment.fpr:
        raise ConfigError(
            f"{number:,} non-faces are kept for calibration; verdicts at {rate_name(experiment.fpr)} false positives "
            f"need {10 / experiment.fpr:,.0f}: take another rate, such as {_rate_allowed(number):g}, or more non-faces"
        )


def _rate_allowed(number: int) -> float:
    """The lowest usual rate that so many calibration negatives set a threshold for."""
    return next((rate for rate in (0.001, 0.01, 0.05, 0.1, 0.2) if number >= 10 / rate), 0.5)


def _planted_name(source: Subset) -> str:
    """Name of the planted store: of the whole, the label, and 8 digits of what was asked for."""
    text = json.dumps([source.identity(), source.shares, source.seed], sort_keys=True)
    return f"{source.root.name}-{next(iter(source.shares))}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
