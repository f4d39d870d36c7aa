"""The networks of MIT 6.S191's face-detection lab: the standard CNN, the DB-VAE, and a plain VAE on the same trunk.

Source: MIT 6.S191 lab 2 (PyTorch); Amini et al., Uncovering and Mitigating Algorithmic Bias (AIES 2019).
"""

import copy

import torch
import torch.nn.functional as F
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


class AddedMap(nn.Module):
    """Adds the same map to every input, in place."""

    values: Float[Tensor, "1 channels side side"]

    def __init__(self, values: Float[Tensor, "1 channels side side"]) -> None:
        super().__init__()
        self.register_buffer("values", values)

    def forward(self, x: Float[Tensor, "batch channels side side"]) -> Float[Tensor, "batch channels side side"]:
        return x.add_(self.values)


@torch.no_grad()
def folded_trunk(trunk: nn.Sequential, size: int) -> nn.Sequential:
    """What `lab_trunk` computes when it does not train, without its batch norms: half as much again per second.

    A batch norm at rest is x * scale + shift. The scale goes into the weights behind it. What the shift becomes behind
    a padded convolution is the same map for every picture, so it is computed once and takes the place of the bias.
    """
    layers: list[nn.Module] = []
    scale: Tensor | None = None
    shift, side = torch.zeros(0), size
    for layer in copy.deepcopy(trunk):
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_var is not None
            assert layer.running_mean is not None
            scale = layer.weight / (layer.running_var + layer.eps).sqrt()
            shift = layer.bias - layer.running_mean * scale
            continue
        layers.append(nn.ReLU(inplace=True) if isinstance(layer, nn.ReLU) else layer)
        if isinstance(layer, nn.Conv2d):
            if scale is not None:
                constant = shift[None, :, None, None].expand(1, -1, side, side)
                seen = F.conv2d(constant, layer.weight, layer.bias, layer.stride, layer.padding)
                layers.append(AddedMap(seen.contiguous(memory_format=torch.channels_last)))
                layer.weight.mul_(scale[None, :, None, None])
                layer.bias, scale = None, None
            side //= 2
        elif isinstance(layer, nn.Linear) and scale is not None:
            by_channel = layer.weight.view(layer.out_features, len(scale), side**2)
            layer.bias.add_((by_channel.sum(2) * shift).sum(1))
            by_channel.mul_(scale[None, :, None])
            scale = None
    return nn.Sequential(*layers).requires_grad_(False)


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
        self.size = size
        self.trunk = lab_trunk(size, num_outputs=2 * latent + 1)
        self.decoder = lab_decoder(size, latent)

    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Encoding:
        outputs: Tensor = self.trunk(images)
        logit, parameters = torch.tensor_split(outputs, [1], dim=1)
        return Encoding(logit[:, 0].float(), self.posterior_of(parameters))

    def at_rest(self, precision: torch.dtype) -> "DebiasingVAE":
        folded = DebiasingVAE.__new__(DebiasingVAE)
        nn.Module.__init__(folded)
        folded.size, folded.is_deterministic = self.size, self.is_deterministic
        folded.trunk, folded.decoder = folded_trunk(self.trunk, self.size).to(precision), self.decoder
        return folded.train(self.training)

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        decoded: Tensor = self.decoder(z)
        return decoded.float()
