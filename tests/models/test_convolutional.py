"""The convolutional VAE: its shape, its width, and pixels that all count alike."""

import pytest
import torch
from torch import nn

from vaelab.config import TrainConfig, replace
from vaelab.models import build_model, count_parameters
from vaelab.models.convolutional import convolutional_decoder, convolutional_encoder
from vaelab.recipes import RECIPES
from vaelab.rng import generator


def test_channels_double_while_the_side_halves() -> None:
    shapes = []
    x = torch.zeros(2, 3, 64, 64)
    for layer in convolutional_encoder(64, 8, 6):
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(6, 32, 32), (12, 16, 16), (24, 8, 8), (48, 4, 4)]
    assert x.shape == (2, 16)


def test_the_size_said_in_the_module_is_that_of_face_producer() -> None:
    with torch.device("meta"):
        assert round(count_parameters(build_model(RECIPES["face-producer"])) / 1e6, 1) == 4.5


@pytest.mark.parametrize("model", ["residual", "convolutional"])
def test_width_decides_the_size_of_the_network(model: str) -> None:
    with torch.device("meta"):
        thin, wide = (count_parameters(build_model(replace(TrainConfig(), model=model, width=w))) for w in (8, 16))
    assert wide > 2 * thin


def test_every_output_pixel_is_covered_by_as_many_kernel_values() -> None:
    """Kernels of 4 at stride 2 leave no checkerboard: equal weights draw an even inside from an even input."""
    doubling = [layer for layer in convolutional_decoder(32, 3, 2) if isinstance(layer, nn.ConvTranspose2d)]
    assert len(doubling) == 4
    for layer in doubling:
        with torch.no_grad():
            layer.weight.fill_(0.1)
            drawn = layer(torch.ones(1, layer.in_channels, 8, 8))[0, :, 1:-1, 1:-1]
        torch.testing.assert_close(drawn, drawn[:, :1, :1].expand_as(drawn))


def test_one_batch_is_learned_by_heart() -> None:
    network = build_model(replace(TrainConfig(), model="convolutional", size=16, latent=8, width=8))
    images = torch.rand(8, 3, 16, 16, generator=generator(0, "images"))
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    errors = []
    for _ in range(60):
        posterior = network.encode(images).posterior
        assert posterior is not None
        error = (network.decode(posterior.mu).sigmoid() - images).square().mean()
        error.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        errors.append(float(error.detach()))
    assert errors[-1] < errors[0] / 2
