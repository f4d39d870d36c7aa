"""The convolutional VAE that most face notebooks train: channels double while the side halves, and back.

Four halving convolutions with batch norm and a leaky ReLU lead to mu and logvar; one dense layer and four doubling
transposed convolutions lead back. With width 32 and 256 latents at size 64 it has 4.5 million parameters.

Source: Radford et al., Unsupervised Representation Learning with DCGANs (ICLR 2016), for kernels of 4 at stride 2,
which cover every pixel equally often, so that no checkerboard is built in (Odena et al., Distill 2016).
"""

from torch import nn

STAGES = 4
SLOPE = 0.2
"""Of the leaky ReLU below zero, as in DCGAN."""


def convolutional_encoder(size: int, latent: int, width: int) -> nn.Sequential:
    """Pictures to 2 * latent numbers; `width` channels at half resolution, twice as many at each further halving."""
    layers: list[nn.Module] = []
    in_channels = 3
    for stage in range(STAGES):
        channels = width * 2**stage
        layers += [
            nn.Conv2d(in_channels, channels, 4, stride=2, padding=1),
            nn.BatchNorm2d(channels),
            nn.LeakyReLU(SLOPE),
        ]
        in_channels = channels
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(in_channels * (size // 16) ** 2, 2 * latent))


def convolutional_decoder(size: int, latent: int, width: int) -> nn.Sequential:
    """Latent vectors to a decoder output the size of the pictures: the encoder's mirror."""
    side, channels = size // 16, width * 2 ** (STAGES - 1)
    layers: list[nn.Module] = [
        nn.Linear(latent, channels * side**2),
        nn.Unflatten(1, (channels, side, side)),
        nn.BatchNorm2d(channels),
        nn.LeakyReLU(SLOPE),
    ]
    for _ in range(STAGES - 1):
        layers += [
            nn.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1),
            nn.BatchNorm2d(channels // 2),
            nn.LeakyReLU(SLOPE),
        ]
        channels //= 2
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, 3, 4, stride=2, padding=1))
