"""The lab's networks: the published sizes, and nothing about non-faces reaches the decoder."""

import pytest
import torch

from vaelab.config import TrainConfig, replace
from vaelab.models import MODELS, build_model, count_parameters
from vaelab.models.lab import DebiasingVAE
from vaelab.rng import generator


def meta_network(**settings: object) -> torch.nn.Module:
    with torch.device("meta"):
        return build_model(replace(TrainConfig(), **settings))


def test_the_published_numbers_of_parameters() -> None:
    assert count_parameters(meta_network(model="cnn", size=64)) == 640_889
    assert count_parameters(meta_network(model="dbvae", size=64, latent=100)) == 909_500


def test_the_plain_vae_is_the_debiasing_one_without_its_logit() -> None:
    vae, debiasing = (count_parameters(meta_network(model=model, latent=100)) for model in ("vae", "dbvae"))
    assert debiasing - vae == 512 + 1  # one output more of the last dense layer


OF_THE_LAB = [name for name in MODELS if name not in ("vgg19", "pyramid")]
"""Two have tests of their own: one needs a backbone, the other larger pictures."""


@pytest.mark.parametrize("model", OF_THE_LAB)
@pytest.mark.parametrize("size", [16, 32, 64])
def test_every_network_takes_and_gives_pictures_of_its_size(model: str, size: int) -> None:
    network = build_model(replace(TrainConfig(), model=model, size=size, latent=5, width=2))
    images = torch.rand(3, 3, size, size, generator=generator(0, "images"))
    encoding = network.encode(images)
    if network.has_detector:
        assert encoding.face_logit is not None
        assert encoding.face_logit.shape == (3,)
    else:
        assert encoding.face_logit is None
    if network.has_decoder:
        assert encoding.posterior is not None
        assert encoding.posterior.mu.shape == (3, 5)
        assert network.decode(encoding.posterior.mu).shape == images.shape
    else:
        assert encoding.posterior is None


def test_the_classifier_says_that_it_cannot_decode() -> None:
    network = build_model(replace(TrainConfig(), model="cnn", size=16))
    with pytest.raises(TypeError, match="no decoder"):
        network.decode(torch.zeros(1, 4))


@pytest.mark.parametrize("model", OF_THE_LAB)
def test_weights_follow_from_the_seed_alone(model: str) -> None:
    config = replace(TrainConfig(), model=model, size=16, latent=5, width=2)
    torch.rand(1)  # whatever was drawn before
    first, second = (build_model(config).state_dict() for _ in range(2))
    other = build_model(replace(config, seed=1)).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_building_a_network_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    build_model(replace(TrainConfig(), size=16))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("size", [16, 64])
def test_at_rest_the_detector_sees_the_same_without_batch_norms_and_stays_as_it_is(size: int) -> None:
    network = build_model(replace(TrainConfig(), model="dbvae", size=size, latent=6))
    assert isinstance(network, DebiasingVAE)
    random = generator(0, "at rest")
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):  # statistics as they are after a training, none of them trivial
                for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                    assert values is not None
                    values.copy_(0.5 + torch.rand(values.shape, generator=random))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.eval()
    folded = network.at_rest(torch.float32)
    assert not folded.training
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.trunk.modules())
    images = torch.rand(5, 3, size, size, generator=random)
    with torch.inference_mode():
        expected, found = network.encode(images), folded.encode(images)
    assert expected.posterior is not None
    assert found.posterior is not None
    torch.testing.assert_close(found.face_logit, expected.face_logit, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.posterior.mu, expected.posterior.mu, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.posterior.logvar, expected.posterior.logvar, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        halved = network.at_rest(torch.bfloat16).encode(images)
    assert halved.posterior is not None
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    torch.testing.assert_close(halved.posterior.mu.float(), expected.posterior.mu, rtol=0.1, atol=0.05)
