"""The config of a training: a frozen tree of the sections in `vaelab.settings`, checked as it is made.

A setting can be named without its section (`--learning-rate`, `replace(config, learning_rate=1e-3)`).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from vaelab.errors import ConfigError
from vaelab.settings import (
    OWN_SETTINGS,
    SECTIONS,
    DataConfig,
    DebiasConfig,
    LossConfig,
    ModelConfig,
    OptimConfig,
    Option,
    RunConfig,
)

FORMAT = 1
"""Number written with every config; raised when an old file would be read wrongly."""
CADENCE = ("report_every", "validate_every", "checkpoint_every")
"""Settings that change what is written down on the way, not what is learned."""

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
"""Types of settings, for people."""


@dataclass(frozen=True)
class TrainConfig:
    """All that decides a training."""

    recipe: str = "custom"
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    loss: LossConfig = LossConfig()
    debias: DebiasConfig = DebiasConfig()
    optim: OptimConfig = OptimConfig()
    run: RunConfig = RunConfig()

    def __post_init__(self) -> None:
        for section in SECTIONS:
            _check_fields(getattr(self, section))
        if self.data.size % 16:
            raise ConfigError(f"size is {self.data.size}; the networks halve it four times: take a multiple of 16")
        if not self.data.datasets:
            raise ConfigError("datasets is empty; name at least one prepared data set, for example synthetic-64")
        if self.debias.aggregation != "none" and self.model.model != "dbvae":
            raise ConfigError(
                f"aggregation is {self.debias.aggregation} but model is {self.model.model}; "
                "resampling by latents needs model dbvae, or set aggregation none"
            )
        if self.model.linear_path and self.model.model not in ("residual", "pyramid"):
            raise ConfigError(f"linear_path needs model residual or pyramid, not {self.model.model}")
        if self.model.model == "pyramid" and self.data.size % 32:
            raise ConfigError(f"size is {self.data.size}; half of it is halved four times: take a multiple of 32")
        if self.model.model == "vgg19" and self.data.size < 32:
            raise ConfigError(f"size is {self.data.size}; VGG19 halves it five times: take 32 or more")
        if self.model.backbone != "imagenet" and self.model.model != "vgg19":
            raise ConfigError(f"backbone is {self.model.backbone}; only model vgg19 has one, not {self.model.model}")
        if not self.model.backbone:
            raise ConfigError("backbone is empty; take imagenet, random, or the path of a file with VGG19's weights")
        if self.needs_nonfaces and self.optim.batch_size % 2:
            raise ConfigError(
                f"batch_size is {self.optim.batch_size}; half of a detector's batch are faces: take an even one"
            )
        _check_objective(self)

    @property
    def needs_nonfaces(self) -> bool:
        """Whether the model is a detector, which learns from faces and non-faces half and half."""
        return self.model.model in ("cnn", "dbvae")

    @property
    def faces_per_batch(self) -> int:
        """How many pictures of a batch are faces."""
        return self.optim.batch_size // 2 if self.needs_nonfaces else self.optim.batch_size

    @property
    def has_decoder(self) -> bool:
        """Whether the model is a VAE."""
        return self.model.model != "cnn"

    def images_between_resamplings(self, num_faces: int) -> int:
        """How often the draw probabilities are recomputed, with so many training faces. Unit: images."""
        images_per_pass = 2 * num_faces if self.needs_nonfaces else num_faces
        return self.debias.refresh_every or round(self.debias.refresh_passes * images_per_pass)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that belong wherever this training or its model is shown."""
        found = []
        if self.loss.mask == "as-published":
            found.append(
                "Trained with the fault of a published notebook (mask as-published), to show what it does: the "
                "detector never learns from non-faces, so everything becomes a face. Use it for teaching alone."
            )
        if self.model.model == "vgg19" and self.model.backbone == "random":
            found.append(
                "RANDOM BACKBONE: its VGG19 was never trained, its weights are noise. Fit for trying things out; say "
                "nothing about transfer learning from it."
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values, ready for JSON; `from_dict` reads it back equal."""
        return {"format": FORMAT, **dataclasses.asdict(self)}


@functools.cache
def type_hints(section: type) -> dict[str, Any]:
    """Types of a section's settings, worked out once: pages ask thousands of times."""
    return get_type_hints(section)


def options(config: TrainConfig) -> Iterator[tuple[str, str, type, Any, Option]]:
    """(section, name, type, value, option) of every setting, in the order of the classes above."""
    for section, cls in SECTIONS.items():
        hints = type_hints(cls)
        for field in dataclasses.fields(cls):
            value = getattr(getattr(config, section), field.name)
            yield section, field.name, hints[field.name], value, field.metadata["option"]


def replace(config: TrainConfig, **values: Any) -> TrainConfig:
    """`config` with settings changed by their names alone.

    Raises:
        ConfigError: a name is unknown, or a value does not pass its field's check.
    """
    owner = {name: section for section, name, *_ in options(config)}
    changes: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if name not in owner:
            raise ConfigError(f"there is no setting {name!r}; settings are: {', '.join(sorted(owner))}")
        changes.setdefault(owner[name], {})[name] = value
    sections = {name: dataclasses.replace(getattr(config, name), **some) for name, some in changes.items()}
    return dataclasses.replace(config, **sections)


def differences(one: TrainConfig, other: TrainConfig) -> list[str]:
    """Settings that two trainings differ in and that change what is learned: `beta 6.144, not 1`."""
    pairs = zip(options(one), options(other), strict=True)
    return [
        f"{name} {before!r}, not {after!r}"
        for (_, name, _, before, _), (*_, after, _) in pairs
        if before != after and name not in CADENCE
    ]


def flags_of(changes: Mapping[str, Any]) -> list[str]:
    """The words of the command line that change settings so, by name; numbers to their last digit."""
    words = []
    for name, value in changes.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, tuple):
            words += [f"--{flag}", *value]
        else:
            words += [f"--{flag}", str(value)]
    return words


def from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """The config that `to_dict` wrote; settings that are missing take their defaults.

    Raises:
        ConfigError: an unknown section or setting, a newer format, a wrong type or a value out of bounds.
    """
    rest = dict(values)
    found = rest.pop("format", FORMAT)
    if found != FORMAT:
        raise ConfigError(f"config format is {found!r}; this version of vaelab reads format {FORMAT}")
    recipe = rest.pop("recipe", "custom")
    if not isinstance(recipe, str):
        raise ConfigError(f"recipe is {recipe!r}; expected a name")
    sections: dict[str, Any] = {}
    for name, content in rest.items():
        if name not in SECTIONS:
            raise ConfigError(f"there is no section {name!r}; sections are: {', '.join(SECTIONS)}")
        if not isinstance(content, Mapping):
            raise ConfigError(f"section {name} is {content!r}; expected settings with their values")
        known = {field.name for field in dataclasses.fields(SECTIONS[name])}
        unknown = sorted(set(content) - known)
        if unknown:
            raise ConfigError(f"section {name} has no setting {unknown[0]!r}; it has: {', '.join(sorted(known))}")
        plain = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
        sections[name] = SECTIONS[name](**plain)
    return TrainConfig(recipe=recipe, **sections)


def _check_objective(config: TrainConfig) -> None:
    """Refuse settings that the objective would ignore, and an objective that the network cannot have."""
    loss, model = config.loss, config.model.model
    for setting, objective in OWN_SETTINGS.items():
        value, default = getattr(loss, setting), getattr(LossConfig, setting)
        if loss.objective != objective and value != default:
            raise ConfigError(
                f"{setting} is {value:g} but objective is {loss.objective}, which has no such part; take objective "
                f"{objective}, or leave {setting} at {default:g}"
            )
    if loss.is_deterministic and loss.free_bits:
        raise ConfigError(f"free_bits is {loss.free_bits:g} but objective {loss.objective} has no KL: set it to 0")
    if loss.objective == "wae-mmd" and (loss.beta_warmup or loss.beta != LossConfig.beta):
        raise ConfigError(
            f"beta is {loss.beta:g} with beta_warmup {loss.beta_warmup}, but objective wae-mmd has no KL; leave them "
            f"at {LossConfig.beta:g} and 0, and change mmd_weight"
        )
    if loss.objective != "elbo" and config.debias.aggregation != "none":
        raise ConfigError(
            f"objective is {loss.objective} but aggregation is {config.debias.aggregation}; faces drawn by their "
            "rarity are no sample of the latents that it compares: take objective elbo, or aggregation none"
        )
    if not config.has_decoder and (loss.objective != "elbo" or loss.perceptual_weight):
        raise ConfigError(
            f"objective is {loss.objective} and perceptual_weight {loss.perceptual_weight:g}, but model {model} draws "
            "nothing; take a model with a decoder, or objective elbo and weight 0"
        )
    if loss.mask == "as-published" and not (config.needs_nonfaces and config.has_decoder):
        raise ConfigError(
            f"mask is as-published but model is {model}; the published fault swaps the parts of a network that has "
            "both a detector and a decoder: take model dbvae, or mask faces-only"
        )
    if loss.mask == "as-published" and loss.objective != "elbo":
        raise ConfigError(
            f"mask is as-published but objective is {loss.objective}; what was published is elbo: take it"
        )


def _check_fields(section: Any) -> None:
    """Refuse a value of the wrong type, outside its bounds or not among its choices, by name."""
    hints = type_hints(section.__class__)
    for field in dataclasses.fields(section):
        about: Option = field.metadata["option"]
        value, expected = getattr(section, field.name), hints[field.name]
        if expected is float and type(value) is int:
            value = float(value)
            object.__setattr__(section, field.name, value)
        if expected == tuple[str, ...]:
            if not (isinstance(value, tuple) and all(isinstance(item, str) for item in value)):
                raise ConfigError(f"{field.name} is {value!r}; expected a list of names")
            continue
        if type(value) is not expected:
            raise ConfigError(f"{field.name} is {value!r}; expected {KINDS[expected]}")
        if about.choices and value not in about.choices:
            raise ConfigError(f"{field.name} is {value!r}; choose one of: {', '.join(about.choices)}")
        if isinstance(value, (int, float)) and not (math.isfinite(value) and about.low <= value <= about.high):
            unit = f" {about.unit}" if about.unit else ""
            raise ConfigError(f"{field.name} is {value:g}{unit}; expected {about.low:g} to {about.high:g}{unit}")
