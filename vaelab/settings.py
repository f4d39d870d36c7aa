"""Every setting of a training, once: a field gives the flag, the form's widget, the check, the JSON and the table.

Field names are unique over all sections, so a setting can be named without its section.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

EMBEDDED = "synthetic-64"
"""The data set that needs no download: drawn faces, made on first use."""


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
        (EMBEDDED,), "prepared data sets, read as one; `python -m vaelab data list` shows them"
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
        "pyramid: a residual VAE of half the side and a learned step to the whole; "
        "convolutional: doubling channels with batch norm, transposed convolutions back; "
        "vgg19: a VAE on frozen VGG19 features",
        choices=("cnn", "vae", "dbvae", "residual", "pyramid", "convolutional", "vgg19"),
    )
    latent: int = option(100, "length of the latent vector z", unit="numbers", low=1, high=2048)
    width: int = option(
        24, "channels at half resolution (residual, pyramid, convolutional, vgg19)", unit="channels", low=2, high=256
    )
    depth: int = option(1, "residual blocks per resolution", unit="blocks", low=1, high=16)
    linear_path: bool = option(
        False, "residual and pyramid: begin at the principal components of the faces and learn what they miss"
    )
    start_from: str = option(
        "",
        "finished run whose weights this training begins with: one of the same network, or for pyramid a residual one "
        "of half the side; empty begins anew",
    )
    backbone: str = option(
        "imagenet",
        "vgg19 only: imagenet (torchvision's weights, 548 MB, downloaded on first use), a file that holds them, or "
        "random (learned nothing: to try things out)",
    )


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
        "reconstruction term: laplace (L1), bernoulli (cross-entropy), gaussian (half the squared error), rmse "
        "(the Euclidean norm of the difference), optimal-gaussian (squared error at the best sigma)",
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
        "faces-only: non-faces teach the detector alone; as-published: reproduces a published notebook's bug, for "
        "teaching: they teach the VAE alone and everything becomes a face",
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
        "recompute the draw probabilities after so many images; 0 means after refresh_passes",
        unit="images",
        low=0,
    )
    refresh_passes: float = option(
        1.0,
        "recompute them after so many passes over the faces, where refresh_every is 0; a pass costs what encoding all "
        "faces costs",
        unit="passes",
        low=0.1,
        high=100.0,
    )
    resample_after: int = option(0, "draw uniformly until so many images were seen", unit="images", low=0)


@dataclass(frozen=True)
class OptimConfig:
    """How the weights move. The clock is images seen, over all ranks, never epochs."""

    num_images: int = option(200_000, "images to see in all", unit="images", low=1, high=1e11)
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
    compile: bool = option(
        False, "compile the step: some 20 s the first time; small networks gain, large ones may lose"
    )
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
