"""A residual encoder and decoder of any width and depth, made to be cheap where pictures are large.

No normalisation layers, so the decoder needs no batch statistics when one latent is dragged. The first and last step
trade 2x2 pixels for channels, so nothing runs at full resolution.

With a principal path, the network is a restorer: the best linear VAE draws a picture, and convolutions that see both
the latents and that picture learn what it lacks. It starts at the linear optimum and moves off it at once. (Learned
convolutions merely added to a linear path stayed where they began: nothing linear is left to gain there.)

Source: Zhang et al., Fixup Initialization (ICLR 2019); Shi et al., sub-pixel convolution (CVPR 2016).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.models.network import Encoding, Network

STAGES = 4
"""Resolutions: size/2, /4, /8, /16."""

BRANCH_SCALE = 0.5
"""A block's branch starts at half the size of what passes by: depth neither explodes nor leaves it linear."""

LEARNED_SCALE = 0.3
"""Factor on the learned part beside a principal path: Adam's first steps are as large as its learning rate, whatever
the gradient, and would otherwise drown what the path already knows."""

CONTRAST = 4.0
"""Factor that brings centred pictures and differences of pictures to about unit deviation."""


def linear_convolution(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> nn.Conv2d:
    """A convolution with no non-linearity behind it, whose outputs begin as large as its inputs."""
    padding = kernel // 2 if stride == 1 else 0
    layer = nn.Conv2d(in_channels, out_channels, kernel, stride, padding)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(x))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        for layer in (self.first, self.second):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        with torch.no_grad():
            self.second.weight.mul_(BRANCH_SCALE)

    def forward(self, x: Float[Tensor, "batch channels side side"]) -> Float[Tensor, "batch channels side side"]:
        out: Tensor = x + self.second(self.first(x.relu()).relu())
        return out


def residual_blocks(channels: int, depth: int) -> list[nn.Module]:
    """`depth` blocks in a row."""
    return [ResidualBlock(channels) for _ in range(depth)]


def stage_channels(width: int) -> list[int]:
    """Channels at size/2, /4, /8, /16: doubling, so that each stage costs about the same."""
    return [width * 2**stage for stage in range(STAGES)]


class ResidualEncoder(nn.Module):
    """Pictures (or several stacked by channel) to 2 * latent numbers."""

    def __init__(self, size: int, in_channels: int, latent: int, width: int, depth: int) -> None:
        super().__init__()
        channels = stage_channels(width)
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(2),
            linear_convolution(4 * in_channels, channels[0], kernel=3),
        ]
        for stage, count in enumerate(channels):
            if stage > 0:
                layers.append(linear_convolution(channels[stage - 1], count, kernel=2, stride=2))
            layers += residual_blocks(count, depth)
        self.convolutions = nn.Sequential(*layers, nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(channels[-1] * (size // 16) ** 2, 2 * latent)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, inputs: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch two_latent"]:
        out: Tensor = self.head(self.convolutions(inputs))
        return out


class ResidualDecoder(nn.Module):
    """Latent vectors, and where there is one a first picture, to a picture around 0."""

    def __init__(self, size: int, latent: int, width: int, depth: int) -> None:
        super().__init__()
        finest, *coarser = stage_channels(width)
        layers: list[nn.Module] = [
            nn.Linear(latent, coarser[-1] * (size // 16) ** 2),
            nn.Unflatten(1, (coarser[-1], size // 16, size // 16)),
            *residual_blocks(coarser[-1], depth),
        ]
        for stage in (1, 0):
            layers += [linear_convolution(coarser[stage + 1], coarser[stage]), nn.Upsample(scale_factor=2)]
            layers += residual_blocks(coarser[stage], depth)
        self.coarse = nn.Sequential(*layers, linear_convolution(coarser[0], finest), nn.Upsample(scale_factor=2))
        self.look = linear_convolution(12, finest, kernel=3)
        self.fine = nn.Sequential(*residual_blocks(finest, depth), nn.ReLU(), nn.Conv2d(finest, 12, 3, padding=1))

    def features(
        self, z: Float[Tensor, "batch latent"], first: Float[Tensor, "batch 3 size size"] | None
    ) -> Float[Tensor, "batch width half half"]:
        """What the picture is drawn from by the last convolution."""
        features: Tensor = self.coarse(z)
        if first is not None:
            features = features + self.look(F.pixel_unshuffle((first - 0.5) * CONTRAST, 2))
        out: Tensor = self.fine[:-1](features)
        return out

    def picture(self, features: Float[Tensor, "batch width half half"]) -> Float[Tensor, "batch 3 size size"]:
        """The last convolution."""
        return F.pixel_shuffle(self.fine[-1](features), 2)

    def forward(
        self, z: Float[Tensor, "batch latent"], first: Float[Tensor, "batch 3 size size"] | None
    ) -> Float[Tensor, "batch 3 size size"]:
        return self.picture(self.features(z, first))


class PrincipalPath(nn.Module):
    """The best linear VAE, in closed form and not trained: what the learned part of a network adds to.

    Probabilistic PCA is the optimum of a VAE with linear encoder and decoder, so a network that starts here has already
    learned all that is linear. One matrix serves both ways. Until `set_components` it adds nothing.

    Source: Tipping and Bishop, Probabilistic Principal Component Analysis (1999), equations 7 and 12;
    Lucas et al., Don't Blame the ELBO! (NeurIPS 2019), for the optimum.
    """

    mean: Float[Tensor, " pixel_values"]
    components: Float[Tensor, "latent pixel_values"]
    gain: Float[Tensor, " latent"]
    loading: Float[Tensor, " latent"]
    logvar: Float[Tensor, " latent"]

    def __init__(self, size: int, latent: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("mean", torch.zeros(3 * size**2))
        self.register_buffer("components", torch.zeros(latent, 3 * size**2))
        for name in ("gain", "loading", "logvar"):
            self.register_buffer(name, torch.zeros(latent))

    def set_components(
        self,
        mean: Float[Tensor, " pixel_values"],
        components: Float[Tensor, "latent pixel_values"],
        variances: Float[Tensor, " latent"],
        noise_variance: float,
    ) -> None:
        """Take orthonormal `components` with their `variances`; every other direction has `noise_variance`."""
        signal = (variances - noise_variance).clamp(min=0.0).sqrt()
        self.mean.copy_(mean)
        self.components.copy_(components)
        self.gain.copy_(signal / variances)
        self.loading.copy_(signal)
        self.logvar.copy_((noise_variance / variances).log())

    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch two_latent"]:
        """`mu` and `logvar` of the linear model's posterior, side by side."""
        mu = (images.flatten(1) - self.mean) @ self.components.T * self.gain
        return torch.cat([mu, self.logvar.expand_as(mu)], dim=1)

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        """The linear model's picture."""
        values = (z * self.loading) @ self.components + self.mean
        return values.view(-1, 3, self.size, self.size)


class ResidualVAE(Network):
    """Residual encoder and decoder; with `linear_path` they restore what the principal components miss."""

    has_detector, has_decoder = False, True

    def __init__(self, size: int, latent: int, width: int, depth: int, linear_path: bool) -> None:
        super().__init__()
        self.encoder = ResidualEncoder(size, 6 if linear_path else 3, latent, width, depth)
        self.decoder = ResidualDecoder(size, latent, width, depth)
        self.principal = PrincipalPath(size, latent) if linear_path else None
        if linear_path:  # begin exactly at the linear solution
            for layer in (self.encoder.head, self.decoder.fine[-1]):
                nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        else:
            del self.decoder.look

    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Encoding:
        return Encoding(face_logit=None, posterior=self.posterior_of(self.parameters_of(images)))

    def parameters_of(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch two_latent"]:
        """`mu` and `logvar` of the posterior, side by side."""
        centred = (images - 0.5) * CONTRAST
        if self.principal is None:
            parameters: Tensor = self.encoder(centred).float()
            return parameters
        linear = self.principal.encode(images)
        first = self.principal.decode(linear[:, : linear.shape[1] // 2])
        missed = (images - first) * CONTRAST
        parameters = linear + LEARNED_SCALE * self.encoder(torch.cat([centred, missed], dim=1)).float()
        return parameters

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        return self.draw(z)[0]

    def draw(
        self, z: Float[Tensor, "batch latent"]
    ) -> tuple[Float[Tensor, "batch 3 size size"], Float[Tensor, "batch width half half"]]:
        """The picture, and the features that it was drawn from."""
        first = None if self.principal is None else self.principal.decode(z)
        features = self.decoder.features(z, first)
        learned = self.decoder.picture(features).float()
        return (learned + 0.5 if first is None else first + LEARNED_SCALE * learned), features
