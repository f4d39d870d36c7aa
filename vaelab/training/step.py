"""What one step computes: a batch of pictures in, the loss and its parts out."""

import contextlib
import copy
import platform
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from vaelab.errors import ConfigError
from vaelab.losses import LIKELIHOODS, LossParts, classification_nll
from vaelab.models.network import Network
from vaelab.models.vgg import VGG19VAE
from vaelab.objectives.perceptual import PerceptualDistance
from vaelab.objectives.regularisers import REGULARISERS, Latents
from vaelab.settings import LossConfig, RunConfig


class Objective(nn.Module):
    """The loss of a network on a batch whose first `num_faces` pictures are faces.

    loss = mean over the batch of classifier_weight * L_y + is_face * (recon_loss + what the objective charges), where
    the objective "elbo" charges beta * KL. Only faces are decoded: the VAE's terms are theirs alone, so nothing is
    computed for the rest to be masked away.
    Source: Amini et al. (AIES 2019), equation 4, as the MIT lab means it.

    With the mask as-published it is the mean of is_face * classifier_weight * L_y + recon_loss + beta * KL, as a
    published notebook of that lab has it: the indicator stands on the wrong term.
    """

    def __init__(self, network: Network, config: LossConfig, perceptual: PerceptualDistance | None = None) -> None:
        """`perceptual` compares pictures where `config` gives that a weight; it is no part of what is trained or saved.

        Raises:
            ConfigError: it has a weight but is not there.
        """
        super().__init__()
        if config.perceptual_weight and perceptual is None:
            raise ConfigError(
                f"perceptual_weight is {config.perceptual_weight:g}, but no detector's features are given"
            )
        self.network = network
        self.config = config
        self.likelihood = LIKELIHOODS[config.likelihood]
        self.regulariser = REGULARISERS[config.objective]
        self.perceptual = perceptual

    def forward(
        self,
        images: Float[Tensor, "batch 3 size size"],
        num_faces: int,
        eps: Float[Tensor, "drawn latent"] | None,
        beta: Float[Tensor, ""],
        features: Float[Tensor, "batch features"] | None = None,
    ) -> LossParts:
        """The loss and its parts.

        Args:
            eps: a row for each picture that the VAE's terms count for.
            features: what the network's frozen backbone sees in the images, where that is known already.
        """
        batch = images.shape[0]
        if features is None:
            encoding = self.network.encode(images)
        else:
            assert isinstance(self.network, VGG19VAE)
            encoding = self.network.encode_features(features)
        loss, classification_loss = images.new_zeros(()), None
        if encoding.face_logit is not None:
            classification_loss = classification_nll(encoding.face_logit, num_faces)
            counted = classification_loss[:num_faces] if self.config.mask == "as-published" else classification_loss
            loss = loss + self.config.classifier_weight * counted.sum() / batch
        if encoding.posterior is None or eps is None:
            return LossParts(loss, classification_loss=classification_loss)
        posterior = encoding.posterior[: len(eps)]
        latents = Latents(posterior, eps, posterior.mu if self.config.is_deterministic else posterior.sample(eps))
        drawn = self._drawn(images[: len(eps)], latents, beta, num_faces)
        loss, terms = loss + drawn.loss / batch, dict(drawn.terms)
        if self.config.decoder_decay:
            squares = [parameter.square().sum() for parameter in self.network.decoder_parameters()]
            norm = torch.stack(squares).sum() / 2
            loss = loss + self.config.decoder_decay * norm
            terms["decoder_norm"] = norm.detach()
        return LossParts(loss, drawn.recon_loss, drawn.kl, drawn.kl_per_dim, classification_loss, drawn.mu, terms)

    def _drawn(
        self, images: Float[Tensor, "drawn 3 size size"], latents: Latents, beta: Float[Tensor, ""], num_faces: int
    ) -> LossParts:
        """The VAE's terms, with their sum over the pictures as loss; the records are of the faces."""
        decoded = self.network.decode(latents.z)
        recon_loss = self.likelihood.nll(decoded, images)
        charge = self.regulariser(latents, self.config, beta)
        loss, terms = recon_loss + charge.per_image, dict(charge.terms)
        if self.perceptual is not None and self.config.perceptual_weight:
            terms["perceptual_loss"] = self.perceptual(self.likelihood.mean(decoded), images)
            loss = loss + self.config.perceptual_weight * terms["perceptual_loss"]
        faces = latents.posterior[:num_faces]
        has_kl = not self.config.is_deterministic
        return LossParts(
            loss=loss.sum(),
            recon_loss=recon_loss[:num_faces],
            kl=faces.kl() if has_kl else None,
            kl_per_dim=faces.kl_per_dim().mean(0).detach() if has_kl else None,
            mu=faces.mu.detach(),
            terms={name: term.detach() for name, term in terms.items()},
        )


class Averages(nn.Module):
    """A copy of an objective whose weights follow: averages <- decay * averages + (1 - decay) * weights.

    The first time they are copied; buffers, such as the statistics of batch norms, always are.
    Differs: torch's AveragedModel, whose state has the same names, moves its count to a GPU at each update, and so
    waits until that has done all that it was told to.
    """

    n_averaged: Tensor

    def __init__(self, objective: Objective, decay: float) -> None:
        super().__init__()
        self.module = copy.deepcopy(objective)
        self.register_buffer("n_averaged", torch.tensor(0))  # stays with the processor, which asks for it
        self._decay = decay

    @torch.no_grad()
    def follow(self, objective: Objective) -> None:
        """Take the weights of `objective` into the averages."""
        averages, weights = tuple(self.module.parameters()), tuple(objective.parameters())
        if self.n_averaged == 0:
            torch._foreach_copy_(averages, weights)
        else:
            torch._foreach_lerp_(averages, weights, 1 - self._decay)
        for copied, buffer in zip(self.module.buffers(), objective.buffers(), strict=True):
            copied.copy_(buffer)
        self.n_averaged += 1


def descend(
    loss: Float[Tensor, ""],
    objective: Objective,
    optimizer: Optimizer,
    averages: Averages | None,
    clip_norm: float,
) -> None:
    """Move the weights one step down the gradient of `loss`, and their averages after them; no gradient is left.

    Args:
        clip_norm: largest norm of the gradient, in nats; 0 does not clip.
    """
    loss.backward()  # type: ignore[no-untyped-call]
    if clip_norm:
        torch.nn.utils.clip_grad_norm_(objective.parameters(), clip_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if averages is not None:
        averages.follow(objective)


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


def compiled(step: Callable[..., LossParts]) -> Callable[..., LossParts]:
    """`step`, compiled by torch when it is called first, for which that call takes seconds (`benchmarks/compiling.py`).

    Raises:
        ConfigError: torch cannot compile on this machine; raised by the first call.
    """
    from torch._dynamo.exc import TorchDynamoException  # a second, and only whoever compiles needs it

    fast = torch.compile(step)

    def call(*arguments: object) -> LossParts:
        try:
            return fast(*arguments)
        except TorchDynamoException as error:
            reason = str(getattr(error, "inner_exception", error)).partition("\n")[0]
            raise ConfigError(
                f"torch cannot compile the training step here ({reason}); install a C++ compiler such as g++, or train "
                "without compile"
            ) from error

    return call


def wait_for_device(device: torch.device) -> None:
    """Return once a GPU has done all that it was told to; a processor has."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()


def pick_device(name: str) -> torch.device:
    """The device called `name`; auto takes cuda, then mps, then cpu.

    Raises:
        ConfigError: the device is not on this machine, or is a GPU that the installed torch has no code for.
    """
    has_gpu = torch.cuda.is_available()
    there = {"cuda": has_gpu and _has_code_for_gpu(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind in there if there[kind]))
    if name == "cuda" and has_gpu and not there[name]:
        raise ConfigError(
            f"device is cuda, but torch {torch.__version__} has no code for {torch.cuda.get_device_name()}: take auto "
            "or cpu, or install a torch that has, for GPUs older than Turing with "
            "`pip install --force-reinstall torch torchvision --index-url https://download.pytorch.org/whl/cu126`"
        )
    if not there[name]:
        raise ConfigError(f"device is {name}, but this machine has none that torch can use; take auto or cpu")
    return torch.device(name)


def _has_code_for_gpu() -> bool:
    """Whether the installed torch holds code for this GPU, or PTX that can become code; a found GPU says neither.

    Source: CUDA C++ Programming Guide, "Binary Compatibility" and "PTX Compatibility".
    """
    if torch.version.cuda is None:  # AMD's GPUs are called cuda too, and count otherwise
        return True
    capability = torch.cuda.get_device_capability()
    for architecture in torch.cuda.get_arch_list():
        kind, _, number = architecture.partition("_")
        compiled_for = divmod(int(number.rstrip("af")), 10)
        if compiled_for <= capability and (kind == "compute" or compiled_for[0] == capability[0]):
            return True
    return False


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
