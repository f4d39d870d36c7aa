"""VGG19's weights from a file: whatever layout and format they come in, and never something else."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from vaelab.backbone import attach
from vaelab.backbone.attach import attach_backbone, backbone_weights, fingerprint, random_weights
from vaelab.backbone.weights import read_weights
from vaelab.config import TrainConfig, replace
from vaelab.errors import CheckpointError
from vaelab.models import build_model, vgg
from vaelab.models.vgg import VGG19VAE

CPU = torch.device("cpu")


def test_the_layers_are_those_of_torchvision(monkeypatch: pytest.MonkeyPatch, torchvisions: ast.Module) -> None:
    """Its configuration E, conv and ReLU for each number, read from its source."""
    monkeypatch.undo()  # the real, wide one
    plans = next(
        node.value
        for node in torchvisions.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "cfgs"
    )
    assert plans is not None
    assert ast.literal_eval(plans)["E"] == [channels or "M" for channels in vgg.PLAN]
    with torch.device("meta"):
        layers = vgg.vgg19_features()
    assert len(layers) == 37
    assert list(layers.state_dict())[-1] == "34.bias", "as in the published file"


def test_features_come_from_classifiers_and_from_features_alone(
    published: dict[str, Tensor], saved: Callable[..., Path], tmp_path: Path
) -> None:
    features = {name.removeprefix("features."): value for name, value in published.items() if "features" in name}
    save_file(features, tmp_path / "features.safetensors")
    files = [saved(published), saved(features, "features.pth"), tmp_path / "features.safetensors"]
    found = [read_weights(path) for path in files]
    for weights in found:
        assert weights.keys() == features.keys()
        assert all(torch.equal(weights[name], features[name]) for name in features)
    assert len({fingerprint(weights) for weights in found}) == 1, "the same weights in any file"


def test_an_old_file_of_torch_is_read(published: dict[str, Tensor], tmp_path: Path) -> None:
    """The published one is from before torch's files became zip archives."""
    torch.save(published, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert torch.equal(read_weights(tmp_path / "old.pth")["0.weight"], published["features.0.weight"])


def test_files_that_are_something_else_are_refused(
    published: dict[str, Tensor], saved: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=r"no file .*--random-backbone"):
        read_weights(tmp_path / "nowhere.pth")
    wrong = {**published, "features.2.weight": torch.zeros(3, 3)}
    with pytest.raises(CheckpointError, match=r"2\.weight has shape \(3, 3\)"):
        read_weights(saved(wrong))
    with pytest.raises(CheckpointError, match=r"no tensor features\.0\.weight"):
        read_weights(saved({"conv.weight": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match="holds a list"):
        read_weights(saved([torch.zeros(1)]))
    whole = saved(published).read_bytes()
    for name, content in (("cut.pth", whole[: len(whole) // 2]), ("text.pth", b"hello"), ("empty.pth", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match="cannot be read as weights"):
            read_weights(tmp_path / name)
    (tmp_path / "bad.safetensors").write_bytes(b"hello")
    with pytest.raises(CheckpointError, match="cannot be read as weights"):
        read_weights(tmp_path / "bad.safetensors")


class Mischief:
    """Would write a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    file = io.BytesIO()
    torch.save({"0.weight": Mischief(tmp_path / "done")}, file)
    (tmp_path / "bad.pth").write_bytes(file.getvalue())
    with pytest.raises(CheckpointError, match="UnpicklingError"):
        read_weights(tmp_path / "bad.pth")
    assert not (tmp_path / "done").exists()


# --- in a network


def vae(config: TrainConfig) -> VGG19VAE:
    network = build_model(config)
    assert isinstance(network, VGG19VAE)
    return network.eval()


def test_pictures_are_seen_as_torchvision_would_see_them(
    config: TrainConfig, published: dict[str, Tensor], saved: Callable[..., Path]
) -> None:
    network = vae(replace(config, backbone=str(saved(published))))
    attach_backbone(network, replace(config, backbone=str(saved(published))), CPU)
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    layers = vgg.vgg19_features()
    layers.load_state_dict({n.removeprefix("features."): v for n, v in published.items() if "features" in n})
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        expected = layers((images - mean[:, None, None]) / std[:, None, None]).flatten(1)
    torch.testing.assert_close(network.features(images), expected)
    posterior = network.encode(images).posterior
    assert posterior is not None
    torch.testing.assert_close(posterior.mu, network.head(expected)[:, :4])


def test_the_backbone_is_no_part_of_what_is_trained_or_saved(config: TrainConfig) -> None:
    random = replace(config, backbone="random")
    network = vae(random)
    attach_backbone(network, random, CPU)
    names = {name for name, _ in network.named_parameters()} | network.state_dict().keys()
    assert all(name.startswith(("head.", "decoder.")) for name in names - {"backbone_fingerprint"})
    loss = network.encode(torch.rand(2, 3, 32, 32)).posterior.mu.sum()
    loss.backward()
    assert network.head.weight.grad is not None
    assert not any(tensor.requires_grad for tensor in network.backbone.layout().parameters())


def test_a_random_backbone_follows_from_the_seed_and_leaves_torchs_generator_alone(config: TrainConfig) -> None:
    before = torch.random.get_rng_state()
    first = random_weights(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert fingerprint(random_weights(1)) == fingerprint(first) != fingerprint(random_weights(2))


def test_a_network_refuses_another_backbone_than_its_own(config: TrainConfig) -> None:
    trained = vae(replace(config, backbone="random", seed=1))
    attach_backbone(trained, replace(config, backbone="random", seed=1), CPU)
    other = vae(replace(config, backbone="random", seed=2))
    other.load_state_dict(trained.state_dict())
    with pytest.raises(CheckpointError, match="was trained on"):
        attach_backbone(other, replace(config, backbone="random", seed=2), CPU)


def test_faces_are_drawn_without_any_backbone(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    network = vae(config)
    assert network.decode(torch.zeros(2, 4)).shape == (2, 3, 32, 32)
    with pytest.raises(RuntimeError, match="no weights yet"):
        network.encode(torch.zeros(1, 3, 32, 32))


def test_weights_are_fetched_for_imagenet_alone(
    config: TrainConfig, published: dict[str, Tensor], saved: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, asked = saved(published), []
    monkeypatch.setattr(attach, "published_weights", lambda tell: asked.append(tell) or path)
    backbone_weights(replace(config, backbone="random"), print)
    backbone_weights(replace(config, backbone=str(path)), print)
    assert not asked
    backbone_weights(config, print)
    assert asked == [print]
