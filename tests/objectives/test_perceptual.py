"""Distance by a detector's features: zero for equal pictures, frozen, and the sum over four resolutions."""

import copy

import pytest
import torch
from torch import Tensor, nn

from vaelab.models.lab import Classifier, DebiasingVAE
from vaelab.objectives.perceptual import PerceptualDistance
from vaelab.rng import generator


@pytest.fixture
def detector() -> Classifier:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Classifier(64)
    for _ in range(3):
        network.encode(pictures("warm-up"))  # running statistics of the batch norms
    return network


def pictures(name: str) -> Tensor:
    return torch.rand(4, 3, 64, 64, generator=generator(0, name))


def test_equal_pictures_are_at_no_distance_and_others_at_some(detector: Classifier) -> None:
    distance = PerceptualDistance.of(detector)
    images = pictures("images")
    assert torch.equal(distance(images, images), torch.zeros(4))
    assert (distance(pictures("others"), images) > 0).all()
    torch.testing.assert_close(
        distance(pictures("others")[2:3], images[2:3])[0], distance(pictures("others"), images)[2]
    )


def test_it_is_half_the_squared_difference_of_all_features_behind_the_batch_norms(detector: Classifier) -> None:
    distance = PerceptualDistance.of(detector)
    seen: list[Tensor] = []
    handles = [
        m.register_forward_hook(lambda *a: seen.append(a[2])) for m in detector.trunk if isinstance(m, nn.BatchNorm2d)
    ]
    images, others = pictures("images"), pictures("others")
    detector.trunk(images)
    detector.trunk(others)
    for handle in handles:
        handle.remove()
    expected = sum((a - b).square().flatten(1).sum(1) / 2 for a, b in zip(seen[:4], seen[4:], strict=True))
    assert sum(a[0].numel() for a in seen[:4]) == 22_656
    torch.testing.assert_close(distance(others, images), expected)


def test_the_gradient_reaches_the_reconstruction_and_not_the_detector(detector: Classifier) -> None:
    distance = PerceptualDistance.of(detector)
    before = copy.deepcopy(detector.state_dict())
    recon = pictures("recon").requires_grad_()
    distance(recon, pictures("images")).sum().backward()
    assert recon.grad is not None
    assert (recon.grad.flatten(1).abs().sum(1) > 0).all()
    assert all(parameter.grad is None for parameter in detector.parameters())
    assert all(torch.equal(before[name], value) for name, value in detector.state_dict().items())


def test_a_debiasing_vae_has_the_same_features() -> None:
    assert len(PerceptualDistance.of(DebiasingVAE(64, 4)).stages) == 4
