"""What looks at drawn and real faces for the distance between them: our own detector, or Inception's weights."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.torch import load_file

from vaelab.data.images import to_images
from vaelab.errors import CheckpointError, ConfigError, DataError, RunError
from vaelab.inference import FaceModel
from vaelab.models.lab import Classifier
from vaelab.runs.store import find_run
from vaelab.scorecard import DETECTOR

Pixels = UInt8[np.ndarray, "n size size 3"]
BATCH = 128
CONVERT = (
    "take torch-fidelity's weights-inception-2015-12-05-6726825d.pth and turn it into a file that cannot run code: "
    "safetensors.torch.save_file(torch.load(the file, weights_only=True), 'inception.safetensors')"
)


@dataclass(frozen=True)
class Extractor:
    """From pictures to features, and what a figure on them is called.

    Attributes:
        measure: name of the Frechet distance on these features: `fd_cnn`, or `fid` for the published one.
        about: what identifies it in a report: which network, which weights, which layer.
        size: side of the pictures it looks at, pixels; 0 for any. Pictures of a multiple of it are made smaller first.
    """

    measure: str
    about: dict[str, Any]
    size: int
    look: Callable[[Pixels], Float[np.ndarray, "n dims"]]

    def features(self, pixels: Pixels) -> Float[np.ndarray, "n dims"]:
        """What it sees in each picture, float32.

        Raises:
            DataError: the pictures cannot be made its size by averaging whole pixels.
        """
        self.check_size(pixels.shape[1])
        parts = (pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH))
        return np.concatenate([self.look(smaller(part, self.size or pixels.shape[1])) for part in parts])

    def check_size(self, size: int) -> None:
        """Refuse pictures of `size` pixels that it cannot look at.

        Raises:
            DataError: see `features`.
        """
        if self.size and size % self.size:
            raise DataError(
                f"{self.about['name']} takes pictures of {self.size} pixels or a multiple, these have {size}; "
                "name a cnn of that size as the extractor"
            )

    def about_at(self, size: int) -> dict[str, Any]:
        """`about`, and whether pictures of `size` pixels are made smaller for it."""
        if self.size in (0, size):
            return self.about
        return self.about | {"pictures": f"of {size} pixels, made smaller to {self.size}"}


def smaller(pixels: Pixels, size: int) -> UInt8[np.ndarray, "n small small 3"]:
    """Pictures of a multiple of `size`, averaged over squares of pixels and rounded."""
    count, side = pixels.shape[:2]
    if side == size:
        return pixels
    factor = side // size
    squares = pixels.reshape(count, size, factor, size, factor, 3)
    return np.asarray(squares.mean((2, 4)).round().astype(np.uint8))


def detector_features(model: FaceModel) -> Extractor:
    """The last hidden layer of a trained face detector of ours, 512 values after their ReLU.

    Differs: published figures are on Inception; those on our detector are called FD-cnn and compare with each other.

    Raises:
        ConfigError: the model is no `cnn`.
    """
    network = model.network
    if not isinstance(network, Classifier):
        raise ConfigError(
            f"{model.run_id} is a {model.config.model.model}; features for the Frechet distance come from a cnn, "
            "such as the one that ships"
        )
    hidden = network.trunk[:-1]

    def look(pixels: Pixels) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(hidden(to_images(pixels).to(model.device)).float().cpu().numpy())

    about = {
        "name": f"vaelab's cnn ({model.run_id})",
        "weights": model.weights_fingerprint,
        "layer": f"last hidden layer, {network.trunk[-1].in_features} values",
    }
    return Extractor("fd_cnn", about, model.size, look)


def shipped_detector(root: Path, size: int, device: str = "cpu") -> Extractor | None:
    """Features of the detector that ships, from the runs in `root`; None where it is not there or not for this size."""
    try:
        run = find_run(DETECTOR, root)
    except RunError:
        return None
    if size % run.config.data.size or not run.weights_path.is_file():
        return None
    return detector_features(FaceModel.load(run, device))


def inception_features(weights: Path) -> Extractor:
    """Inception's 2,048 pooled features as published FID scores use them, from a weights file on this machine.

    The network, its TensorFlow-like resizing and its scaling are torch-fidelity's; nothing is downloaded.

    Raises:
        ConfigError: torch-fidelity is not installed, or there is no such file.
        CheckpointError: the file holds no such weights.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise ConfigError("FID needs torch-fidelity; install it with `pip install vaelab[fid]`") from error
    if not weights.is_file():
        raise ConfigError(
            f"there are no Inception weights at {weights}; {CONVERT}, or leave FID out: the distance on our own "
            "detector's features needs no download"
        )
    try:
        tensors = load_file(weights)
        with tempfile.TemporaryDirectory() as folder:  # its constructor reads a torch file, which this one then is
            copy = Path(folder) / "inception.pth"
            torch.save(tensors, copy)
            network = FeatureExtractorInceptionV3(
                "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(copy)
            )
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{weights} holds no Inception weights ({error}); {CONVERT}") from error

    def look(pixels: Pixels) -> np.ndarray:
        with torch.inference_mode():
            (found,) = network(torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2))
            return np.asarray(found.numpy())

    fingerprint = hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
    about = {"name": "Inception v3 (torch-fidelity)", "weights": fingerprint, "layer": "pooled, 2048 values"}
    return Extractor("fid", about, 0, look)
