"""What an audit compares: arms that differ in named settings, trained on the same data over the same seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaelab.config import TrainConfig, from_dict, replace
from vaelab.data.mapping import LabelMapping, read_mappings, written_mappings
from vaelab.errors import ConfigError, VaelabError
from vaelab.portraits.treatment import PORTRAITS
from vaelab.recipes import RECIPES

FORMAT = 1
SPLITS = ("val", "test")
"""Splits that members are scored on: choose on the first, report on the last."""
PRIMARY_FPR = 0.01
"""The false-positive rate that verdicts are given at, unless an experiment names another one."""
NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}")
TUPLES = ("seeds", "columns", "test_datasets", "negative_datasets", "hard_negatives")
NOT_OF_AN_ARM = ("seed", "datasets", "data_dir", "size", "max_faces", "batch_size", "num_images", "device", "precision")
"""Settings that are the same for all arms, or nothing could be credited to what differs."""
KNOWN_ARMS: dict[str, dict[str, Any]] = {
    "A": {"model": "cnn"},
    "B": {"aggregation": "none"},
    "C": {"aggregation": "max"},
}
"""A: the detector alone. B: the same network with the VAE's loss and faces drawn uniformly. C: the DB-VAE.

Without B nothing could be credited to the resampling: the VAE's loss alone changes a detector.
"""


@dataclass(frozen=True)
class Experiment:
    """All that decides an audit.

    Attributes:
        name: name of its folder.
        base: settings that all arms share; its seed is not used.
        arms: by name, the settings that an arm changes; the first is what the others are compared with.
        seeds: every arm is trained with each of them, so that arms are paired over seeds.
        columns: labels whose values, crossed where there are several, are the groups.
        test_datasets: where the test faces come from; none means from the training's data sets.
        negative_datasets: where the non-faces of thresholds and false alarms come from; none means likewise.
        hard_negatives: data sets of non-faces that look like faces, reported apart.
        shares: {column: {value: share}} that the training faces are thinned to; none leaves them as they are.
        mappings: labels that the user made of others.
        portraits: `as prepared`, or `windows` of whole pictures; see `vaelab.portraits`.
        fpr: the primary false-positive rate, chosen beforehand: verdicts are given at this one alone.
    """

    name: str
    base: TrainConfig
    arms: Mapping[str, Mapping[str, Any]]
    seeds: tuple[int, ...]
    columns: tuple[str, ...] = ("race",)
    test_datasets: tuple[str, ...] = ()
    negative_datasets: tuple[str, ...] = ()
    hard_negatives: tuple[str, ...] = ()
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    mappings: tuple[LabelMapping, ...] = ()
    portraits: str = "as prepared"
    fpr: float = PRIMARY_FPR

    def __post_init__(self) -> None:
        for what, name in [("an audit", self.name), *(("an arm", arm) for arm in self.arms)]:
            if not NAME.fullmatch(name):
                raise ConfigError(f"{name!r} cannot name {what}; use up to 64 letters, digits, '.', '_', '+' and '-'")
        if not self.arms:
            raise ConfigError("an audit needs at least one arm, such as A; two or more to compare")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"seeds are {list(self.seeds)}; give at least one, each once")
        if len(self.shares) > 1:
            raise ConfigError(f"shares are planted in {', '.join(self.shares)}; take one label column")
        if self.portraits not in PORTRAITS:
            raise ConfigError(f"portraits are {self.portraits!r}; choose one of: {', '.join(PORTRAITS)}")
        if not 0 < self.fpr < 1:
            raise ConfigError(f"the primary false-positive rate is {self.fpr}; give a share between 0 and 1, as 0.01")
        overlap = sorted(set(self.hard_negatives) & set(self.base.data.datasets))
        if overlap:
            raise ConfigError(f"{overlap[0]} is both trained on and a test of hard negatives; keep them apart")
        for arm in self.arms:
            self._check_arm(arm)

    def _check_arm(self, arm: str) -> None:
        shared = sorted(set(self.arms[arm]) & set(NOT_OF_AN_ARM))
        if shared:
            raise ConfigError(f"arm {arm} changes {shared[0]}, which all arms must share; change it for all")
        config = self.config_of(arm, self.seeds[0])
        if not config.needs_nonfaces:
            raise ConfigError(f"arm {arm} is a {config.model.model}, which does not detect; take model cnn or dbvae")

    def config_of(self, arm: str, seed: int) -> TrainConfig:
        """Settings of one member. Planted shares are not in them: they change the name of a data set.

        Raises:
            ConfigError: no such arm, an unknown setting, or settings that contradict each other; names the arm.
        """
        if arm not in self.arms:
            raise ConfigError(f"audit {self.name} has no arm {arm!r}; it has {', '.join(self.arms)}")
        try:
            return replace(self.base, **{**self.arms[arm], "seed": seed})
        except VaelabError as error:
            raise ConfigError(f"arm {arm}: {error}") from error

    def arm_in_words(self, arm: str) -> str:
        """What an arm is, as a phrase: its network, how it draws faces, and every other setting of its own.

        Raises:
            ConfigError: no such arm.
        """
        config = self.config_of(arm, self.seeds[0])
        said = ["model", "aggregation"]
        if not config.has_decoder:
            kind = f"plain {config.model.model}"
        elif config.debias.aggregation == "none":
            kind = f"{config.model.model} with faces drawn evenly"
        else:
            kind = f"{config.model.model} with faces re-drawn by {config.debias.aggregation}"
        own = [f"{name.replace('_', ' ')} {value}" for name, value in self.arms[arm].items() if name not in said]
        return ", ".join([kind, *own])

    def members(self) -> Iterator[tuple[str, int]]:
        """(arm, seed) in the order of training: all arms of a seed, then the next, so that pairs are complete early."""
        for seed in self.seeds:
            for arm in self.arms:
                yield arm, seed

    @property
    def data_dir(self) -> Path:
        """Folder of the data sets."""
        return Path(self.base.data.data_dir)

    @property
    def face_datasets(self) -> tuple[str, ...]:
        """Data sets whose held-out faces are scored."""
        return self.test_datasets or self.base.data.datasets

    @property
    def other_datasets(self) -> tuple[str, ...]:
        """Data sets whose held-out non-faces set thresholds and raise false alarms."""
        return self.negative_datasets or self.base.data.datasets

    @property
    def resampling_arms(self) -> tuple[str, ...]:
        """Arms that draw faces by their latents' rarity."""
        return tuple(arm for arm in self.arms if self.config_of(arm, self.seeds[0]).debias.aggregation != "none")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `experiment_from_dict` reads them back equal."""
        return {
            "format": FORMAT,
            "name": self.name,
            "base": self.base.to_dict(),
            "arms": {arm: dict(settings) for arm, settings in self.arms.items()},
            "seeds": list(self.seeds),
            "columns": list(self.columns),
            "test_datasets": list(self.test_datasets),
            "negative_datasets": list(self.negative_datasets),
            "hard_negatives": list(self.hard_negatives),
            "shares": {column: dict(shares) for column, shares in self.shares.items()},
            "mappings": written_mappings(self.mappings),
            "portraits": self.portraits,
            "fpr": self.fpr,
        }


def experiment_from_dict(values: Mapping[str, Any]) -> Experiment:
    """The experiment that `Experiment.to_dict` wrote.

    Raises:
        ConfigError: another format, an unknown or missing entry, or values that the experiment refuses.
        DataError: label mappings that cannot be read.
    """
    if values.get("format") != FORMAT:
        raise ConfigError(f"experiment has format {values.get('format')!r}; this version of vaelab reads {FORMAT}")
    missing = [name for name in ("name", "base", "arms", "seeds") if name not in values]
    unknown = sorted(set(values) - {"format"} - set(Experiment.__dataclass_fields__))
    if missing or unknown:
        raise ConfigError(f"the experiment lacks {missing or 'nothing'} and has unknown entries {unknown or 'none'}")
    arms = arms_from_dict(values["arms"])
    rest: dict[str, Any] = {name: tuple(values[name]) for name in TUPLES if name in values}
    rest |= {name: values[name] for name in ("shares", "portraits", "fpr") if name in values}
    mappings = read_mappings(values.get("mappings", {}))
    return Experiment(values["name"], from_dict(values["base"]), arms, mappings=mappings, **rest)


def arms_from_dict(arms: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Arms as `Experiment.to_dict` wrote them, with tuples where JSON has lists."""
    return {
        arm: {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
        for arm, settings in arms.items()
    }


def audit_base(**settings: Any) -> TrainConfig:
    """The recipe `dbvae` without resampling: what the arms share unless told otherwise.

    An arm that resamples does so after each pass, since an audit's trainings are too short to wait for two.
    A member is validated once, at its end, and saved four times: that is enough to resume from, and an audit looks at
    scores, not at curves.
    """
    base = replace(RECIPES["dbvae"], **{"aggregation": "none", "refresh_passes": 1.0, **settings})
    quiet = {"validate_every": base.optim.num_images, "checkpoint_every": max(base.optim.num_images // 4, 10_000)}
    return replace(base, **{name: value for name, value in quiet.items() if name not in settings})
