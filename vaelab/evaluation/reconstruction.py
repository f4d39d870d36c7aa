"""How near reconstructions come, and how near a linear model of the same size would."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from vaelab.errors import DataError
from vaelab.rng import stream_seed

Pixels = UInt8[np.ndarray, "batch size size 3"]
PerImage = Float[np.ndarray, " batch"]


def psnr(pixels: Pixels, recon: Pixels) -> PerImage:
    """Peak signal-to-noise ratio of each picture, dB: 10 log10(255^2 / mean squared error); at most 100."""
    error = np.square(pixels.astype(np.float32) - recon.astype(np.float32)).mean(axis=(1, 2, 3))
    return np.asarray(10 * np.log10(255.0**2 / np.maximum(error, 255.0**2 * 1e-10)))


def sharpness(pixels: Pixels) -> PerImage:
    """Variance of the discrete Laplacian of each picture's grey values; blurred pictures have less."""
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    inner = grey[:, 1:-1, 1:-1]
    laplacian = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:] - 4 * inner
    return np.asarray(laplacian.var(axis=(1, 2)))


@dataclass(frozen=True)
class MeanWithInterval:
    """A mean over pictures and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


def mean_with_interval(values: PerImage, seed: int = 0, resamples: int = 1000) -> MeanWithInterval:
    """Mean of per-picture values with a percentile bootstrap interval over pictures."""
    generator = np.random.default_rng(stream_seed(seed, "bootstrap"))
    count = len(values)
    means = [values[generator.integers(0, count, count)].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [0.025, 0.975])
    return MeanWithInterval(float(values.mean()), float(low), float(high), count)


@dataclass(frozen=True)
class PrincipalComponents:
    """The linear autoencoder with the smallest squared error: what a VAE of as many latents has to beat."""

    mean: Float[np.ndarray, " values"]
    components: Float[np.ndarray, "latent values"]

    @classmethod
    def fit(cls, pixels: Pixels, num_components: int, seed: int = 0) -> "PrincipalComponents":
        """The leading components of `pixels`, by a randomised decomposition (Halko et al., 2011).

        Raises:
            DataError: there are fewer pictures than components.
        """
        if len(pixels) <= num_components:
            raise DataError(f"{num_components} components need more pictures than the {len(pixels)} given")
        values = torch.from_numpy(pixels.reshape(len(pixels), -1)).float().mul_(1 / 255)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(seed, "principal"))
            _, _, directions = torch.pca_lowrank(values, q=min(num_components + 24, len(pixels)), niter=6)
        return cls(values.mean(0).numpy(), directions[:, :num_components].T.numpy())

    def reconstruct(self, pixels: Pixels) -> Pixels:
        """The nearest pictures the components can make, rounded to 8 bits."""
        centred = pixels.reshape(len(pixels), -1).astype(np.float32) / 255 - self.mean
        recon = centred @ self.components.T @ self.components + self.mean
        return np.asarray(np.rint(recon.clip(0, 1) * 255).astype(np.uint8).reshape(pixels.shape))
