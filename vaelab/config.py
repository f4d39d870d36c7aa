"""Every setting of a training, once: a field gives the flag, the form's widget, the check, the JSON and the table.

A `TrainConfig` is a frozen tree of six small dataclasses. Field names are unique over the tree, so a setting
can be named without its section (`--learning-rate`, `replace(config, learning_rate=1e-3)`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from vaelab.errors import ConfigError

FORMAT = 1
"""Number written with every config; raised when an old file would be read wrongly."""


@dataclass(frozen=True)
class Option:
    """What a field knows about itself besides its type and default."""

    help: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()


def option(default: Any, help: str, **about: Any) -> Any:
    """A dataclass field with the description, unit and bounds that its flag, widget and check are made from."""
    return dataclasses.field(default=default, metadata={"option": Option(help, **about)})


@dataclass(frozen=True)
class DataConfig:
    """Which pictures are learned from."""

    datasets: tuple[str, ...] = option(
        ("synthetic-64",), "prepared data sets, read as one; `python -m vaelab data list` shows them"
    )
    data_dir: str = option("data", "folder that holds the prepared data sets")
    size: int = option(64, "side of the square pictures", unit="pixels", low=16, high=256)
    max_faces: int = option(0, "use only the first so many training faces; 0 uses all", unit="faces", low=0)
    flip: bool = option(True, "mirror half of the training faces")


@dataclass(frozen=True)
class ModelConfig:
    """Which network."""

    model: str = option(
        "vae",
        "cnn: the lab's detector; vae, dbvae: its trunk with a decoder; residual: a deeper VAE without batch norm; "
        "convolutional: doubling channels with batch norm, transposed convolutions back; "
        "vgg19: a VAE on frozen VGG19 features",
        choices=("cnn", "vae", "dbvae", "residual", "convolutional", "vgg19"),
    )
    latent: int = option(100, "length of the latent vector z", unit="numbers", low=1, high=2048)
    width: int = option(
        24, "channels at half resolution (residual, convolutional, vgg19)", unit="channels", low=2, high=256
    )
    depth: int = option(1, "residual blocks per resolution", unit="blocks", low=1, high=16)
    linear_path: bool = option(
        False, "residual only: begin at the principal components of the faces and learn what they miss"
    )
    backbone: str = option(
        "imagenet",
        "vgg19 only: imagenet (torchvision's weights, 548 MB, downloaded on first use), a file that holds them, or "
        "random (learned nothing: to try things out)",
    )

    @property
    def has_random_backbone(self) -> bool:
        """Whether faces are seen through layers that never learned anything, which everybody must be told."""
        return self.model == "vgg19" and self.backbone == "random"


RANDOM_BACKBONE = (
    "RANDOM BACKBONE: its VGG19 was never trained, its weights are noise. Fit for trying things out; say nothing about "
    "transfer learning from it."
)
"""Said wherever a run with such a backbone is shown."""


@dataclass(frozen=True)
class LossConfig:
    """What is minimised, in nats per image."""

    objective: str = option(
        "elbo",
        "what holds the latents together: elbo (KL of each picture), beta-tc (total correlation weighed by itself), "
        "wae-mmd (kernel distance to the prior, no KL), rae (deterministic, half the squared length of mu)",
        choices=("elbo", "beta-tc", "wae-mmd", "rae"),
    )
    likelihood: str = option(
        "laplace",
        "reconstruction term: laplace (L1), bernoulli (cross-entropy), gaussian (squared error), rmse, "
        "optimal-gaussian (squared error at the best sigma)",
        choices=("laplace", "bernoulli", "gaussian", "rmse", "optimal-gaussian"),
    )
    beta: float = option(
        1.0, "weight of the KL; 1 is the evidence lower bound at any picture size", unit="nats/nat", low=0.0
    )
    beta_warmup: int = option(0, "raise beta from 0 to its value over so many images", unit="images", low=0)
    free_bits: float = option(0.0, "KL of each latent below this costs nothing", unit="nats", low=0.0)
    classifier_weight: float = option(
        1.0,
        "weight of the face/not-face cross-entropy beside the reconstruction term",
        unit="nats/nat",
        low=0.0,
    )

    tc_weight: float = option(
        1.0, "beta-tc: weight of the total correlation beside the KL's other parts; 1 is the plain KL", low=0.0
    )
    mmd_weight: float = option(
        1000.0, "wae-mmd: weight of the squared kernel distance between the batch's latents and the prior's", low=0.0
    )
    decoder_decay: float = option(
        0.0, "rae: weight of half the squared norm of the decoder's weights, in the loss", low=0.0
    )
    perceptual_weight: float = option(
        0.0, "weight of half the squared distance between features of picture and reconstruction", low=0.0
    )
    perceptual_run: str = option("cnn", "finished cnn or dbvae run whose frozen convolutions are those features")
    mask: str = option(
        "faces-only",
        "faces-only: non-faces teach the detector alone; as-published: a notebook's fault for teaching, in which they "
        "teach the VAE alone and everything becomes a face",
        choices=("faces-only", "as-published"),
    )

    @property
    def is_deterministic(self) -> bool:
        """Whether z is mu itself: such a network has no posterior to sample and no KL."""
        return self.objective in ("wae-mmd", "rae")

    @property
    def effective_beta(self) -> str:
        """What holds the latents, and its weight against minus log likelihood in nats per image, for people."""
        warmup = f", reached after {self.beta_warmup:,} images" if self.beta_warmup else ""
        features = f", {self.perceptual_weight:g} on features of {self.perceptual_run}" * bool(self.perceptual_weight)
        if self.objective == "wae-mmd":
            return f"no KL (beta does nothing), {self.mmd_weight:g} on the kernel distance to the prior{features}"
        if self.objective == "rae":
            decay = f", {self.decoder_decay:g} on the decoder's weights" if self.decoder_decay else ""
            return f"no KL, beta {self.beta:g} on half the squared length of mu{warmup}{decay}{features}"
        kind = " (the evidence lower bound)" if self.beta == self.tc_weight == 1 and not features else ""
        free = f", {self.free_bits:g} nats free per latent" if self.free_bits else ""
        correlation = f", {self.beta * self.tc_weight:g} on the total correlation" if self.tc_weight != 1 else ""
        return f"effective beta {self.beta:g}{kind}{correlation}{warmup}{free}{features}"


OWN_SETTINGS = {"tc_weight": "beta-tc", "mmd_weight": "wae-mmd", "decoder_decay": "rae"}
"""Settings of one objective alone; another one would ignore them."""


@dataclass(frozen=True)
class DebiasConfig:
    """How often each training face is drawn (DB-VAE)."""

    aggregation: str = option(
        "none",
        "how a face's rarity follows from its latents' rarities; none draws uniformly, tempered is set by "
        "effective_share alone",
        choices=("none", "max", "max5", "product", "gaussian", "tempered"),
    )
    alpha: float = option(0.001, "smoothing of each latent's histogram; larger debiases less", low=1e-9, high=1e3)
    bins: int = option(10, "bins of each latent's histogram", unit="bins", low=2, high=1000)
    standardise: bool = option(True, "bring every latent to mean 0 and deviation 1 before binning")
    inactive_variance: float = option(
        0.01,
        "latents whose posterior mean varies less than this over the faces are left out",
        low=0.0,
        high=1.0,
    )
    effective_share: float = option(
        0.3, "tempered: share of the faces that stays effective (1 is uniform)", low=0.001, high=1.0
    )
    min_effective_share: float = option(
        0.001, "stop when the effective sample size falls below this share of the faces", low=0.0, high=1.0
    )
    refresh_every: int = option(
        0,
        "recompute the draw probabilities after so many images; 0 means after each pass",
        unit="images",
        low=0,
    )
    resample_after: int = option(0, "draw uniformly until so many images were seen", unit="images", low=0)


@dataclass(frozen=True)
class OptimConfig:
    """How the weights move. The clock is images seen, over all ranks, never epochs."""

    num_images: int = option(200_000, "images to see in all", unit="images", low=1)
    batch_size: int = option(64, "images per step, over all ranks", unit="images", low=2, high=65536)
    learning_rate: float = option(5e-4, "Adam's step size at its highest", low=1e-8, high=1.0)
    schedule: str = option(
        "constant",
        "learning rate after the warm-up: constant, or cosine down to zero",
        choices=("constant", "cosine"),
    )
    warmup: int = option(0, "raise the learning rate from 0 over so many images", unit="images", low=0)
    weight_decay: float = option(0.0, "decoupled weight decay (AdamW)", low=0.0, high=1.0)
    clip_norm: float = option(0.0, "largest gradient norm, in nats; 0 does not clip", low=0.0)
    ema_half_life: int = option(
        0,
        "half-life of the averaged weights that are saved; 0 saves the weights themselves",
        unit="images",
        low=0,
    )


@dataclass(frozen=True)
class RunConfig:
    """Where and how the training runs; nothing here changes what is learned but `seed` and `precision`."""

    seed: int = option(0, "seed of every random stream", low=0, high=2**31 - 1)
    device: str = option("auto", "auto takes cuda, then mps, then cpu", choices=("auto", "cuda", "mps", "cpu"))
    precision: str = option(
        "auto", "auto takes bfloat16 where the processor has it", choices=("auto", "float32", "bfloat16")
    )
    compile: bool = option(False, "compile the step: costs up to 20 s, pays after some 50,000 images")
    report_every: int = option(2_000, "write the metrics after so many images", unit="images", low=1)
    validate_every: int = option(20_000, "validate after so many images", unit="images", low=1)
    checkpoint_every: int = option(20_000, "save weights and state after so many images", unit="images", low=1)


SECTIONS: dict[str, type] = {
    "data": DataConfig,
    "model": ModelConfig,
    "loss": LossConfig,
    "debias": DebiasConfig,
    "optim": OptimConfig,
    "run": RunConfig,
}


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
        if self.model.linear_path and self.model.model != "residual":
            raise ConfigError(f"linear_path needs model residual, not {self.model.model}")
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
    def has_decoder(self) -> bool:
        """Whether the model is a VAE."""
        return self.model.model != "cnn"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that belong wherever this training or its model is shown."""
        if self.loss.mask == "as-published":
            return (
                "Trained with the fault of a published notebook (mask as-published), to show what it does: the "
                "detector never learns from non-faces, so everything becomes a face. Use it for teaching alone.",
            )
        return ()

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values, ready for JSON; `from_dict` reads it back equal."""
        return {"format": FORMAT, **dataclasses.asdict(self)}


def options(config: TrainConfig) -> Iterator[tuple[str, str, type, Any, Option]]:
    """(section, name, type, value, option) of every setting, in the order of the classes above."""
    for section, cls in SECTIONS.items():
        hints = get_type_hints(cls)
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
    hints = get_type_hints(type(section))
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
            raise ConfigError(f"{field.name} is {value!r}; expected {expected.__name__}, not {type(value).__name__}")
        if about.choices and value not in about.choices:
            raise ConfigError(f"{field.name} is {value!r}; choose one of: {', '.join(about.choices)}")
        if isinstance(value, (int, float)) and not (math.isfinite(value) and about.low <= value <= about.high):
            unit = f" {about.unit}" if about.unit else ""
            raise ConfigError(f"{field.name} is {value:g}{unit}; expected {about.low:g} to {about.high:g}{unit}")
