"""What every network of the lab is to the rest of the code."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.models.gaussian import DiagonalGaussian


@dataclass(frozen=True)
class Encoding:
    """What a network sees in a batch of pictures; a part it does not have is None."""

    face_logit: Float[Tensor, " batch"] | None
    posterior: DiagonalGaussian | None


class Network(nn.Module, ABC):
    """A detector, a VAE or both: `encode` looks at pictures, `decode` draws them. It never computes a loss.

    Attributes:
        is_deterministic: trained without noise, so that its posteriors are points; set by `build_model`.
    """

    has_detector: bool
    has_decoder: bool
    is_deterministic: bool = False

    @abstractmethod
    def encode(self, images: Float[Tensor, "batch 3 size size"]) -> Encoding:
        """Logit and posterior of each picture, as far as the network has them."""

    @abstractmethod
    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 3 size size"]:
        """Decoder output of each latent vector; the likelihood's `mean` turns it into a picture in [0, 1]."""

    def at_rest(self, precision: torch.dtype) -> "Network":
        """A network that encodes as this one does in evaluation mode under autocast to `precision`, and faster where
        there is a way; this one stays as it is.
        """
        return self

    def posterior_of(self, parameters: Float[Tensor, "batch two_latent"]) -> DiagonalGaussian:
        """The posterior that an encoder's output stands for."""
        posterior = DiagonalGaussian.from_parameters(parameters)
        return DiagonalGaussian.point(posterior.mu) if self.is_deterministic else posterior

    def decoder_parameters(self) -> Iterator[nn.Parameter]:
        """What `decode` learned."""
        return self.get_submodule("decoder").parameters()
