"""A residual VAE of half the side, and a learned step from its picture to one of twice the side.

What a hundred numbers say of a face fits into 64 pixels a side, so encoder and decoder work there, and may begin with
weights that were learned there. The last step enlarges the picture and adds what enlarging lacks, from the picture and
from the features that it was drawn from.

Source: Denton et al., Deep Generative Image Models using a Laplacian Pyramid of Adversarial Networks (NeurIPS 2015), of
which this is one level without its adversary.
"""

from collections.abc import Iterator
from itertools import chain

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.models.network import Encoding, Network
from vaelab.models.residual import CONTRAST, LEARNED_SCALE, ResidualVAE, linear_convolution, residual_blocks


class Enlarger(nn.Module):
    """What a picture of twice the side has that enlarging does not give; nothing at the start."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.look = linear_convolution(3, width, kernel=3)
        self.recall = nn.Sequential(linear_convolution(width, width), nn.Upsample(scale_factor=2))
        self.draw = nn.Sequential(*residual_blocks(width, depth), nn.ReLU(), nn.Conv2d(width, 12, 3, padding=1))
        for parameter in self.draw[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, picture: Float[Tensor, "batch 3 half half"], features: Float[Tensor, "batch width quarter quarter"]
    ) -> Float[Tensor, "batch 3 size size"]:
        seen = self.look((picture - 0.5) * CONTRAST) + self.recall(features)
        return F.pixel_shuffle(self.draw(seen), 2)


class PyramidVAE(Network):
    """A `ResidualVAE` on pictures of half the side, and its picture enlarged."""

    has_detector, has_decoder = False, True

    def __init__(self, size: int, latent: int, width: int, depth: int, linear_path: bool) -> None:
        super().__init__()
        self.core = ResidualVAE(size // 2, latent, width, depth, linear_path)
        self.enlarger = Enlarger(width, depth)

    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Encoding:
        parameters = self.core.parameters_of(F.avg_pool2d(images, 2))
        return Encoding(face_logit=None, posterior=self.posterior_of(parameters))

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        picture, features = self.core.draw(z)
        enlarged = F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)
        learned: Tensor = self.enlarger(picture, features).float()
        return enlarged + LEARNED_SCALE * learned

    def decoder_parameters(self) -> Iterator[nn.Parameter]:
        """What `decode` learned."""
        return chain(self.core.decoder_parameters(), self.enlarger.parameters())
