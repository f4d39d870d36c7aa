"""A trained model as pages, the command line, notebooks and the API use it: numpy in, numpy out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from vaelab.config import TrainConfig
from vaelab.errors import CheckpointError, ConfigError, DataError
from vaelab.evaluation.directions import Directions
from vaelab.evaluation.fitted_priors import FittedPriors
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.priors import PRIORS, Gaussian, Prior, Standard
from vaelab.once import Once
from vaelab.rng import numpy_generator
from vaelab.runs.arrays import read_whole
from vaelab.runs.store import Run

if TYPE_CHECKING:  # torch takes seconds to import: it comes with the first picture, not with what is known of a model
    import torch

    from vaelab.engine import Engine
    from vaelab.models.network import Encoding, Network

Pixels = UInt8[np.ndarray, "batch size size 3"]
Latents = Float[np.ndarray, "batch latent"]
PerImage = Float[np.ndarray, " batch"]

SLIDER_QUANTILE = 2.5758293035489004
"""The 99.5 % quantile of N(0, 1): a slider spans 99 % of the prior."""


@dataclass(frozen=True)
class FaceModel:
    """The averaged weights of a run, ready to encode, decode and detect. Calls from several threads are safe.

    Attributes:
        run_id: the run it came from; `weights_fingerprint` (16 hex digits) changes with its weights.
        latents: posterior means of some faces, their labels, statistics and fitted prior; None where not stored.
        directions: attributes, principal components and probes; learned from the stored latents where none are kept,
            None where there are no latents either.
        read_engine: its network at work.
        fitted_priors: the mixture and the second stage; None where none were fitted.
    """

    run_id: str
    config: TrainConfig
    weights_fingerprint: str
    latents: StoredLatents | None
    directions: Directions | None
    read_engine: Once[Engine]
    fitted_priors: FittedPriors | None = None

    @classmethod
    def load(cls, run: Run, device: str = "cpu", with_latents: bool = True) -> FaceModel:
        """The model of `run`, with its stored latents if it has them and they are wanted.

        Raises:
            CheckpointError: its weights are missing, damaged or another network's.
            ConfigError: this machine has no such device.
        """
        model = cls.open(run, device, with_latents)
        model.read_engine()
        return model

    @classmethod
    def open(cls, run: Run, device: str = "cpu", with_latents: bool = True) -> FaceModel:
        """The same with what is known of it alone: its network is built for the first picture, torch imported for that.

        Whoever asks for that picture may meet the errors of `load`.

        Raises:
            CheckpointError: its weights are missing or cut short, or what is stored with them is damaged or another's.
        """
        config = run.config
        weights = read_whole(run.weights_path)
        fingerprint = hashlib.sha256(weights).hexdigest()[:16]
        latents = StoredLatents.read(run) if with_latents and run.latents_path.is_file() else None
        if latents is not None and latents.weights_fingerprint != fingerprint:
            raise CheckpointError(
                f"the stored latents of {run.id} belong to other weights; `python -m vaelab encode` makes them anew"
            )

        def engine() -> Engine:
            from vaelab.engine import Engine
            from vaelab.runs.checkpoints import tensors_in

            return Engine.of(config, tensors_in(weights, str(run.weights_path)), str(run.weights_path), device)

        directions = _directions(run, latents, fingerprint) if latents is not None else None
        priors = FittedPriors.read(run) if with_latents and run.priors_path.is_file() else None
        return cls(run.id, config, fingerprint, latents, directions, Once(engine), priors)

    @property
    def network(self) -> Network:
        """The network itself, for those who work in torch."""
        return self.read_engine().network

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.read_engine().device

    @property
    def size(self) -> int:
        """Side of the pictures, pixels."""
        return self.config.data.size

    @property
    def latent_size(self) -> int:
        """Length of z; 0 where the model has no decoder."""
        return self.config.model.latent if self.has_decoder else 0

    @property
    def has_decoder(self) -> bool:
        """Whether `encode`, `decode` and `reconstruct` work."""
        return self.config.has_decoder

    @property
    def has_detector(self) -> bool:
        """Whether `face_logit` and `face_prob` work."""
        return self.config.needs_nonfaces

    @property
    def has_posteriors(self) -> bool:
        """Whether the encoder is uncertain; one that was trained to give points has neither deviations nor a KL."""
        return self.has_decoder and not self.config.loss.is_deterministic

    def encode(self, pixels: Pixels) -> tuple[Latents, Latents]:
        """Posterior mean and standard deviation of each picture, float32; next to no deviation without posteriors.

        Raises:
            ConfigError: the model has no decoder.
            DataError: the pictures have another shape or type.
            CheckpointError: its frozen backbone is not on this machine and cannot be had; decoding needs none.
        """
        self._need_decoder()
        means, deviations = [], []
        for encoding in self._encodings(pixels):
            assert encoding.posterior is not None
            means.append(encoding.posterior.mu.cpu().numpy())
            deviations.append(encoding.posterior.std.cpu().numpy())
        if not means:
            return np.empty((0, self.latent_size), np.float32), np.empty((0, self.latent_size), np.float32)
        return np.concatenate(means), np.concatenate(deviations)

    def decode(self, z: Latents) -> Pixels:
        """The picture of each latent vector, uint8.

        Raises:
            ConfigError: the model has no decoder.
            DataError: `z` is not (n, latent_size) or not finite.
        """
        self._need_decoder()
        z = np.array(z, np.float32)  # a copy: torch wants memory it may write to
        if z.ndim != 2 or z.shape[1] != self.latent_size or not np.isfinite(z).all():
            raise DataError(
                f"latents have shape {z.shape}; {self.run_id} takes finite numbers of shape (n, {self.latent_size})"
            )
        return self.read_engine().decode(z)

    def reconstruct(self, pixels: Pixels) -> Pixels:
        """Each picture through the model and back, from `mu`."""
        return self.decode(self.encode(pixels)[0])

    def face_logit(self, pixels: Pixels) -> PerImage:
        """Log-odds that each picture is a face, float32.

        Raises:
            ConfigError: the model is no detector.
        """
        if not self.has_detector:
            raise ConfigError(
                f"{self.run_id} is a {self.config.model.model}, which does not detect; take a cnn or a dbvae"
            )
        logits = [e.face_logit.cpu().numpy() for e in self._encodings(pixels) if e.face_logit is not None]
        return np.concatenate(logits) if logits else np.empty(0, np.float32)

    def face_prob(self, pixels: Pixels) -> PerImage:
        """Probability that each picture is a face, by the model's own logit."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.face_logit(pixels).astype(np.float64))), np.float32)

    @property
    def priors(self) -> list[str]:
        """Names of the priors that faces can be drawn from now, in the order of PRIORS; none without a decoder."""
        if not self.has_decoder:
            return []
        fitted = self.fitted_priors
        has_fitted = fitted is not None and fitted.weights_fingerprint == self.weights_fingerprint
        known = {
            "standard": True,
            "fitted": self.latents is not None,
            "mixture": has_fitted,
            "second-stage": has_fitted,
        }
        return [name for name in PRIORS if known[name]]

    @property
    def best_prior(self) -> str:
        """The prior under which held-out faces are likeliest; where that was not measured, the last plain one."""
        if "mixture" in self.priors and self.fitted_priors is not None and self.fitted_priors.best in self.priors:
            return self.fitted_priors.best
        return "fitted" if self.latents is not None else "standard"

    def prior(self, name: str) -> Prior:
        """The prior of this name.

        Raises:
            ConfigError: there is no such prior, the model has no decoder, or nothing was fitted to its weights yet.
        """
        self._need_decoder()
        if name not in PRIORS:
            raise ConfigError(f"prior is {name!r}; choose one of: {', '.join(PRIORS)}")
        if name == "standard":
            return Standard(self.latent_size)
        if name == "fitted":
            if self.latents is None:
                raise ConfigError(
                    f"{self.run_id} has no stored latents to fit a prior on; `python -m vaelab encode` makes them"
                )
            return Gaussian(self.latents.prior_mean, self.latents.prior_factor)
        again = f"`python -m vaelab priors {self.run_id}` fits one"
        if self.fitted_priors is None:
            raise ConfigError(f"{self.run_id} has no {name} prior; {again}")
        if self.fitted_priors.weights_fingerprint != self.weights_fingerprint:
            raise ConfigError(f"the {name} prior of {self.run_id} was fitted to other weights; {again} anew")
        return self.fitted_priors.mixture if name == "mixture" else self.fitted_priors.second_stage

    def sample_latents(self, count: int, seed: int, prior: str = "standard", temperature: float = 1.0) -> Latents:
        """Latent vectors from one of PRIORS; the same for a seed, and from the same noise in every prior.

        Args:
            temperature: factor on the deviations; below 1 gives more typical faces.

        Raises:
            ConfigError: an unknown prior, or one that this model has not.
        """
        source = self.prior(prior)
        noise = numpy_generator(seed, "sample").standard_normal((count, self.latent_size))
        return source.draw(noise, seed, temperature)

    @property
    def dims_by_information(self) -> Int[np.ndarray, " latent"]:
        """Latent dimensions, the most informative first; in their own order where nothing is stored.

        By their KL, or by their variance over faces where there are no posteriors.
        """
        if self.latents is None:
            return np.arange(self.latent_size)
        told = self.latents.kl_per_dim if self.has_posteriors else self.latents.mu.var(axis=0)
        return np.argsort(-told, kind="stable")

    def slider_range(self, dim: int) -> tuple[float, float]:
        """The 0.5 % and 99.5 % quantiles of the prior, between which a slider of `dim` moves."""
        if not 0 <= dim < self.latent_size:
            raise DataError(f"there is no latent {dim}; {self.run_id} has 0 to {self.latent_size - 1}")
        return -SLIDER_QUANTILE, SLIDER_QUANTILE

    def about(self) -> dict[str, Any]:
        """What identifies the model in a recipe or an export."""
        return {
            "model": self.run_id,
            "weights": self.weights_fingerprint,
            "size": self.size,
            "latent": self.latent_size,
        }

    def _need_decoder(self) -> None:
        if not self.has_decoder:
            raise ConfigError(f"{self.run_id} is a {self.config.model.model}, which has no decoder; take a VAE")

    def _encodings(self, pixels: Pixels) -> Iterator[Encoding]:
        pixels = np.asarray(pixels)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != (self.size, self.size, 3):
            raise DataError(
                f"pictures have shape {pixels.shape} and type {pixels.dtype}; {self.run_id} takes uint8 of shape "
                f"(n, {self.size}, {self.size}, 3)"
            )
        yield from self.read_engine().encodings(pixels)


def _directions(run: Run, latents: StoredLatents, fingerprint: str) -> Directions:
    """The directions kept with the run if they belong to its weights, else some learned from the stored latents."""
    if run.directions_path.is_file():
        kept = Directions.read(run)
        if kept.weights_fingerprint == fingerprint:
            return kept
    return Directions.fit(latents.mu, latents.labels, fingerprint)
