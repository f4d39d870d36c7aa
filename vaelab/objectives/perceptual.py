"""Pictures compared by what a trained detector sees in them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.models.lab import Classifier, DebiasingVAE

Images = Float[Tensor, "batch 3 size size"]
PerImage = Float[Tensor, " batch"]


@dataclass(frozen=True)
class PerceptualDistance:
    """Half the squared distance between the features of two pictures, at the four resolutions of the lab's trunk.

    The features are those behind each batch norm, so of about unit variance on the detector's own data: the distance is
    minus the log likelihood, but for a constant, of a Gaussian of unit deviation over 22,656 features at size 64,
    and stands beside the pixels' terms in nats per image.

    Source: Hou et al., Deep Feature Consistent Variational Autoencoder (WACV 2017), section 3.2.
    Differs: features of our own detector instead of VGG19's, and sums where they average.

    Attributes:
        stages: frozen, in evaluation mode; each takes the features of the one before it.
    """

    stages: tuple[nn.Module, ...]

    @classmethod
    def of(cls, network: Classifier | DebiasingVAE) -> "PerceptualDistance":
        """The distance by the convolutions of a trained detector, which is frozen by this."""
        network.eval().requires_grad_(False)
        layers = list(network.trunk)[: 3 * sum(isinstance(layer, nn.BatchNorm2d) for layer in network.trunk)]
        return cls(tuple(nn.Sequential(*layers[start : start + 3]) for start in range(0, len(layers), 3)))

    def __call__(self, recon: Images, images: Images) -> PerImage:
        distance = torch.zeros(len(images), device=images.device)
        with torch.autocast(images.device.type, enabled=False):
            ours, theirs = recon.float(), images.float()
            for stage in self.stages:
                ours = stage(ours)
                with torch.no_grad():
                    theirs = stage(theirs)
                distance = distance + (ours - theirs).square().flatten(1).sum(1) / 2
        return distance
