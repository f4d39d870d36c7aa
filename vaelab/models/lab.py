"""The networks of MIT 6.S191's face-detection lab: the standard CNN, the DB-VAE, and a plain VAE on the same trunk.

Source: MIT 6.S191 lab 2 (PyTorch); Amini et al., Uncovering and Mitigating Algorithmic Bias (AIES 2019).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.models.network import Encoding, Network

CHANNELS = (12, 24, 48, 72)
KERNELS = (5, 5, 3, 3)
HIDDEN = 512


def lab_trunk(size: int, num_outputs: int) -> nn.Sequential:
    """Four halving blocks of convolution, ReLU and batch norm, then two dense layers.

    With one output at size 64 this is the lab's standard CNN of 640,889 parameters.
    """
    layers: list[nn.Module] = []
    in_channels = 3
    for channels, kernel in zip(CHANNELS, KERNELS, strict=True):
        layers += [
            nn.Conv2d(in_channels, channels, kernel, stride=2, padding=kernel // 2),
            nn.ReLU(),
            nn.BatchNorm2d(channels),
        ]
        in_channels = channels
    side = size // 16
    layers += [
        nn.Flatten(),
        nn.Linear(in_channels * side**2, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, num_outputs),
    ]
    return nn.Sequential(*layers)


def lab_decoder(size: int, latent: int) -> nn.Sequential:
    """The trunk's mirror without batch norm: dense, then four doubling transposed convolutions."""
    side = size // 16
    layers: list[nn.Module] = [
        nn.Linear(latent, CHANNELS[-1] * side**2),
        nn.ReLU(),
        nn.Unflatten(1, (CHANNELS[-1], side, side)),
    ]
    outputs = (*reversed(CHANNELS[:-1]), 3)
    for index, (channels, kernel) in enumerate(zip(outputs, reversed(KERNELS), strict=True)):
        in_channels = CHANNELS[-1 - index]
        layers.append(
            nn.ConvTranspose2d(in_channels, channels, kernel, stride=2, padding=kernel // 2, output_padding=1)
        )
        if channels != 3:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class Classifier(Network):
    """The lab's standard CNN: a face/not-face logit and nothing else."""

    has_detector, has_decoder = True, False

    def __init__(self, size: int) -> None:
        super().__init__()
        self.trunk = lab_trunk(size, num_outputs=1)

    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Encoding:
        return Encoding(face_logit=self.trunk(images)[:, 0].float(), posterior=None)

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        raise TypeError("the standard CNN has no decoder; check has_decoder first")


class VAE(Network):
    """A plain VAE: any encoder to 2 * latent numbers, any decoder back."""

    has_detector, has_decoder = False, True

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Encoding:
        return Encoding(face_logit=None, posterior=self.posterior_of(self.encoder(images)))

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        decoded: Tensor = self.decoder(z)
        return decoded.float()


class DebiasingVAE(Network):
    """The lab's DB-VAE: the standard CNN's trunk with a logit, `mu` and `logvar` as outputs, and a decoder.

    909,500 parameters with 100 latents at size 64.
    """

    has_detector, has_decoder = True, True

    def __init__(self, size: int, latent: int) -> None:
        super().__init__()
        self.trunk = lab_trunk(size, num_outputs=2 * latent + 1)
        self.decoder = lab_decoder(size, latent)

    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Encoding:
        outputs: Tensor = self.trunk(images)
        logit, parameters = torch.tensor_split(outputs, [1], dim=1)
        return Encoding(logit[:, 0].float(), self.posterior_of(parameters))

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        decoded: Tensor = self.decoder(z)
        return decoded.float()
