"""How near reconstructions come, and how near a linear model of the same size would."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8

from vaelab.errors import DataError
from vaelab.rng import stream_seed

Pixels = UInt8[np.ndarray, "batch size size 3"]
PerImage = Float[np.ndarray, " batch"]


def psnr(pixels: Pixels, recon: Pixels) -> PerImage:
    """Peak signal-to-noise ratio of each picture, dB: 10 log10(255^2 / mean squared error); at most 100."""
    error = np.square(pixels.astype(np.float32) - recon.astype(np.float32)).mean(axis=(1, 2, 3))
    return np.asarray(10 * np.log10(255.0**2 / np.maximum(error, 255.0**2 * 1e-10)))


def rms_error(pixels: Pixels, recon: Pixels) -> PerImage:
    """Root mean squared difference of the values of each picture, in levels of 255; 0 where both are equal."""
    error = np.square(pixels.astype(np.float32) - recon.astype(np.float32)).mean(axis=(1, 2, 3))
    return np.asarray(np.sqrt(error))


def sharpness(pixels: Pixels) -> PerImage:
    """Variance of the discrete Laplacian of each picture's grey values; blurred pictures have less."""
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    inner = grey[:, 1:-1, 1:-1]
    laplacian = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:] - 4 * inner
    return np.asarray(laplacian.var(axis=(1, 2)))


SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
"""Side and deviation of the Gaussian window, pixels, as published."""


def ssim(pixels: Pixels, recon: Pixels) -> PerImage:
    """Structural similarity of each picture, mean over its colours and over windows that lie wholly inside; 1 is equal.

    Source: Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity (2004), equation 13.

    Raises:
        DataError: the pictures are smaller than the window.
    """
    if pixels.shape[1] < SSIM_WINDOW:
        raise DataError(f"structural similarity needs pictures of {SSIM_WINDOW} pixels, these have {pixels.shape[1]}")
    offsets = torch.arange(SSIM_WINDOW, dtype=torch.float64) - SSIM_WINDOW // 2
    window = torch.exp(-offsets.square() / (2 * SSIM_SIGMA**2))
    window = window / window.sum()

    def local_mean(values: torch.Tensor) -> torch.Tensor:
        rows = F.conv2d(values.flatten(0, 1)[:, None], window.view(1, 1, -1, 1))
        means = F.conv2d(rows, window.view(1, 1, 1, -1))
        return means.view(*values.shape[:2], *means.shape[2:])

    result = np.empty(len(pixels))
    for start in range(0, len(pixels), 128):  # float64, since variances are small differences of large squares
        first, second = (
            torch.from_numpy(side[start : start + 128]).permute(0, 3, 1, 2).double() for side in (pixels, recon)
        )
        mean_first, mean_second = local_mean(first), local_mean(second)
        variance_first = local_mean(first * first) - mean_first.square()
        variance_second = local_mean(second * second) - mean_second.square()
        covariance = local_mean(first * second) - mean_first * mean_second
        steady_mean, steady_variance = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        likeness = (2 * mean_first * mean_second + steady_mean) * (2 * covariance + steady_variance)
        scale = (mean_first.square() + mean_second.square() + steady_mean) * (
            variance_first + variance_second + steady_variance
        )
        result[start : start + 128] = (likeness / scale).mean(dim=(1, 2, 3)).numpy()
    return result


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
