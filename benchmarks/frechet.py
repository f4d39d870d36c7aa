"""Frechet distance between pictures on features of a detector of ours; not FID, which means Inception's."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from vaelab.errors import ConfigError
from vaelab.inference import FaceModel
from vaelab.models.lab import Classifier
from vaelab.runs.store import Run

Features = Float[np.ndarray, "pictures features"]


@dataclass(frozen=True)
class DetectorFeatures:
    """The 512 numbers from which a trained standard CNN tells face from not-face."""

    network: Classifier
    size: int
    weights_fingerprint: str

    @classmethod
    def load(cls, run: Run) -> "DetectorFeatures":
        """The features of `run`.

        Raises:
            ConfigError: it is no standard CNN.
        """
        model = FaceModel.load(run)
        if not isinstance(model.network, Classifier):
            raise ConfigError(f"{run.id} is a {run.config.model.model}; the features are those of a cnn")
        return cls(model.network, model.size, model.weights_fingerprint)

    def of(self, pixels: UInt8[np.ndarray, "pictures size size 3"]) -> Features:
        """Activations before the last layer, float64."""
        with torch.inference_mode():
            images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
            return np.concatenate([self.network.trunk[:-1](part).double().numpy() for part in images.split(500)])


def frechet_distance(first: Features, second: Features) -> float:
    """Squared Frechet distance of the Gaussians fitted to two sets; larger by chance the fewer pictures there are.

    Source: Dowson and Landau, The Frechet distance between multivariate normal distributions (1982).
    """
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(0)).sum()
    apart = np.square(first.mean(0) - second.mean(0)).sum()
    return float(apart + np.trace(one) + np.trace(other) - 2 * shared)
