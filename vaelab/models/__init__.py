"""The networks, by name."""

from collections.abc import Callable

import torch

from vaelab.config import TrainConfig
from vaelab.models.convolutional import convolutional_decoder, convolutional_encoder
from vaelab.models.lab import VAE, Classifier, DebiasingVAE, lab_decoder, lab_trunk
from vaelab.models.network import Network
from vaelab.models.pyramid import PyramidVAE
from vaelab.models.residual import ResidualVAE
from vaelab.models.vgg import VGG19VAE
from vaelab.rng import stream_seed


def _lab_vae(config: TrainConfig) -> Network:
    size, latent = config.data.size, config.model.latent
    return VAE(lab_trunk(size, 2 * latent), lab_decoder(size, latent))


def _convolutional_vae(config: TrainConfig) -> Network:
    size, model = config.data.size, config.model
    return VAE(
        convolutional_encoder(size, model.latent, model.width), convolutional_decoder(size, model.latent, model.width)
    )


def _residual_vae(config: TrainConfig) -> Network:
    size, model = config.data.size, config.model
    return ResidualVAE(size, model.latent, model.width, model.depth, model.linear_path)


def _pyramid_vae(config: TrainConfig) -> Network:
    size, model = config.data.size, config.model
    return PyramidVAE(size, model.latent, model.width, model.depth, model.linear_path)


MODELS: dict[str, Callable[[TrainConfig], Network]] = {
    "cnn": lambda config: Classifier(config.data.size),
    "vae": _lab_vae,
    "dbvae": lambda config: DebiasingVAE(config.data.size, config.model.latent),
    "residual": _residual_vae,
    "pyramid": _pyramid_vae,
    "convolutional": _convolutional_vae,
    "vgg19": lambda config: VGG19VAE(config.data.size, config.model.latent, config.model.width),
}


def build_model(config: TrainConfig) -> Network:
    """The network that `config` names, with weights drawn from the stream (seed, "weights")."""
    with torch.random.fork_rng(devices=[]):  # layers draw from the global generator; lend it ours and put it back
        torch.manual_seed(stream_seed(config.run.seed, "weights"))
        network = MODELS[config.model.model](config)
    network.is_deterministic = config.loss.is_deterministic
    return network


def count_parameters(network: torch.nn.Module) -> int:
    """Number of trained numbers."""
    return sum(parameter.numel() for parameter in network.parameters())
