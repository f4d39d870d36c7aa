"""What one step computes: a batch of pictures in, the loss and its parts out."""

import contextlib
import platform
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.config import LossConfig, RunConfig
from vaelab.errors import ConfigError
from vaelab.losses import LIKELIHOODS, LossParts, charged_kl, classification_nll
from vaelab.models.network import Network
from vaelab.models.vgg import VGG19VAE


class Objective(nn.Module):
    """The loss of a network on a batch whose first `num_faces` pictures are faces.

    loss = mean over the batch of classifier_weight * L_y + is_face * (recon_loss + beta * KL).
    Only faces are decoded: the VAE's terms are theirs alone, so nothing is computed for the rest to be masked away.
    Source: Amini et al. (AIES 2019), equation 4, as the MIT lab means it.
    """

    def __init__(self, network: Network, config: LossConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self.likelihood = LIKELIHOODS[config.likelihood]

    def forward(
        self,
        images: Float[Tensor, "batch 3 size size"],
        num_faces: int,
        eps: Float[Tensor, "faces latent"] | None,
        beta: Float[Tensor, ""],
        features: Float[Tensor, "batch features"] | None = None,
    ) -> LossParts:
        """The parts of the loss.

        Args:
            features: what the network's frozen backbone sees in the images, where that is known already.
        """
        batch = images.shape[0]
        if features is None:
            encoding = self.network.encode(images)
        else:
            assert isinstance(self.network, VGG19VAE)
            encoding = self.network.encode_features(features)
        loss = images.new_zeros(())
        classification_loss = recon_loss = kl = kl_per_dim = mu = None
        if encoding.face_logit is not None:
            classification_loss = classification_nll(encoding.face_logit, num_faces)
            loss = loss + self.config.classifier_weight * classification_loss.mean()
        if encoding.posterior is not None and eps is not None:
            posterior = encoding.posterior[:num_faces]
            decoded = self.network.decode(posterior.sample(eps))
            recon_loss = self.likelihood.nll(decoded, images[:num_faces])
            kl, kl_per_dim, mu = (
                posterior.kl(),
                posterior.kl_per_dim().mean(0).detach(),
                posterior.mu.detach(),
            )
            loss = loss + (recon_loss + beta * charged_kl(posterior, self.config.free_bits)).sum() / batch
        return LossParts(loss, recon_loss, kl, kl_per_dim, classification_loss, mu)


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients inside; the mode it had before afterwards."""
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        module.train(was_training)


def pick_device(name: str) -> torch.device:
    """The device called `name`; auto takes cuda, then mps, then cpu.

    Raises:
        ConfigError: the device is not on this machine.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind in there if there[kind]))
    if not there[name]:
        raise ConfigError(f"device is {name}, but this machine has none that torch can use; take auto or cpu")
    return torch.device(name)


def pick_precision(config: RunConfig, device: torch.device) -> torch.dtype:
    """bfloat16 where the processor computes in it, else float32; unless the config says which."""
    if config.precision != "auto":
        return torch.bfloat16 if config.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # emulated bfloat16 is slower than float32, so only native instructions count
        has_bfloat16 = (
            device.type == "cpu"
            and platform.machine() == "x86_64"
            and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
        )
    return torch.bfloat16 if has_bfloat16 else torch.float32
