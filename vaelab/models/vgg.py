"""A VAE that looks at faces through another network's eyes: VGG19 as ImageNet left it, frozen, then two dense layers.

Only the dense layers behind the backbone and the decoder are trained. The backbone is no part of the network's own
parameters: no optimizer, average, state or weights file holds its 20 million numbers, only the fingerprint of those
that the rest was trained on. `vaelab.backbone` finds them and puts them in.

Source: Simonyan and Zisserman, Very Deep Convolutional Networks (ICLR 2015), configuration E.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.models.network import Encoding, Network

PLAN: tuple[int | None, ...] = (
    64, 64, None, 128, 128, None, 256, 256, 256, 256, None, 512, 512, 512, 512, None, 512, 512, 512, 512, None,
)  # fmt: skip
"""Channels of each 3x3 convolution; None is a pool. The last one is block5_pool."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of each colour over ImageNet: what the published weights expect pictures to be brought to."""

HEAD_DEVIATION = 0.01
"""Of the first weights behind the features: the posterior begins near the prior, whatever the features' size."""


def vgg19_features() -> nn.Sequential:
    """VGG19 up to block5_pool; layers are numbered as torchvision numbers them, so its weights fit by name."""
    layers: list[nn.Module] = []
    in_channels = 3
    for channels in PLAN:
        if channels is None:
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(in_channels, channels, 3, padding=1), nn.ReLU()]
            in_channels = channels
    return nn.Sequential(*layers)


class Backbone:
    """Frozen layers that a network looks through. Not a module: what walks over a network's parameters passes it by.

    Copies of the network (averages, for one) share it. Without weights it lies on the meta device, which knows shapes
    and costs nothing: drawing a face needs no backbone.

    Attributes:
        fingerprint: SHA-256 of the weights it holds; empty while it holds none.
    """

    def __init__(self) -> None:
        with torch.device("meta"):
            self._layers = vgg19_features().eval().requires_grad_(False)
        self.fingerprint = b""

    def __deepcopy__(self, memo: dict[int, Any]) -> Backbone:
        return self

    def __call__(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch features"]:
        """The output of block5_pool, flattened; never a gradient."""
        if not self.fingerprint and not images.is_meta:
            raise RuntimeError("the backbone holds no weights yet; vaelab.backbone.attach_backbone puts them in")
        with torch.no_grad():
            mean, std = (images.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
            features: Tensor = self._layers((images - mean) / std)
        return features.flatten(1)

    def layout(self) -> nn.Module:
        """The layers as names and shapes: what weights have to fit."""
        return self._layers

    def fill(self, weights: Mapping[str, Tensor], fingerprint: bytes, device: torch.device) -> None:
        """Take `weights`, by torchvision's names within `features`, to `device`."""
        self._layers.load_state_dict(dict(weights), assign=True)
        self._layers.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)
        self.fingerprint = fingerprint

    def apply(self, function: Callable[[Tensor], Tensor]) -> None:
        """Follow the network to another device or memory format; there is nothing to take along without weights."""
        if self.fingerprint:
            self._layers._apply(function)  # type: ignore[no-untyped-call]


def upsampling_decoder(size: int, latent: int, width: int) -> nn.Sequential:
    """Dense to 1/16 of the size, then three doublings by repeating pixels and one by trading channels for them.

    Args:
        width: channels at half resolution; they double with each halving.
    """
    coarsest, *finer = (8 * width, 4 * width, 2 * width, width)
    side = size // 16
    layers: list[nn.Module] = [
        nn.Linear(latent, coarsest * side**2),
        nn.ReLU(),
        nn.Unflatten(1, (coarsest, side, side)),
    ]
    channels = coarsest
    for count in finer:
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(channels, count, 3, padding=1), nn.ReLU()]
        channels = count
    for layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    last = nn.Conv2d(channels, 12, 3, padding=1)
    nn.init.constant_(last.bias, 0.5)  # type: ignore[arg-type]  # grey, the middle of the pictures' range
    return nn.Sequential(*layers, last, nn.PixelShuffle(2))


class VGG19VAE(Network):
    """Frozen VGG19 features, dense to `mu` and `logvar`; an upsampling decoder of its own.

    Attributes:
        backbone_fingerprint: (32,) uint8, SHA-256 of the backbone that the rest was trained on; zeros while untrained.
            It is saved with the weights, so that no other backbone can take its place unnoticed.
    """

    has_detector, has_decoder = False, True

    backbone_fingerprint: Tensor

    def __init__(self, size: int, latent: int, width: int) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.num_features = self.backbone(torch.empty(1, 3, size, size, device="meta")).shape[1]
        self.head = nn.Linear(self.num_features, 2 * latent)
        nn.init.normal_(self.head.weight, std=HEAD_DEVIATION)
        nn.init.zeros_(self.head.bias)
        self.decoder = upsampling_decoder(size, latent, width)
        self.register_buffer("backbone_fingerprint", torch.zeros(32, dtype=torch.uint8))

    def features(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch features"]:
        """What the frozen layers see in each picture; the same for a picture for ever, so it can be kept."""
        return self.backbone(images)

    def encode_features(self, features: Float[Tensor, "batch features"]) -> Encoding:
        """Posterior of pictures whose features are known already."""
        parameters: Tensor = self.head(features)
        return Encoding(face_logit=None, posterior=self.posterior_of(parameters))

    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Encoding:
        return self.encode_features(self.features(images))

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        decoded: Tensor = self.decoder(z)
        return decoded.float()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> VGG19VAE:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.backbone.apply(fn)
        return self
