"""A frozen backbone in training: features computed once, kept whole, the same training with and without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.drawn import draw
from vaelab.backbone.attach import attach_backbone, random_weights
from vaelab.cli import main
from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.errors import Cancelled, CheckpointError, DataError
from vaelab.evaluation import regions
from vaelab.inference import FaceModel
from vaelab.models import build_model, vgg
from vaelab.models.vgg import VGG19VAE
from vaelab.runs.checkpoints import read_checkpoint
from vaelab.runs.store import Run
from vaelab.shipping import ship
from vaelab.training import features, held_out
from vaelab.training.features import kept_features
from vaelab.training.held_out import HeldOut
from vaelab.training.job import run_training

CPU = torch.device("cpu")
TIMES = ("seconds", "images_per_second", "resample_share")


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A VGG19 a thousandth as large, small chunks so that there are several, and a verdict on few faces of any cut."""
    monkeypatch.setattr(vgg, "PLAN", tuple(channels and channels // 64 + 2 for channels in vgg.PLAN))
    monkeypatch.setattr(features, "CHUNK", 64)
    monkeypatch.setattr(regions, "MIN_FACES", 10)
    monkeypatch.setattr(held_out, "are_boxes_fitting", lambda manifest: True)


@pytest.fixture(scope="module")
def data_of_32(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 500 drawn faces of 32 pixels, the least that VGG19 takes."""
    folder = tmp_path_factory.mktemp("data")
    draw(folder / "tiny-32", 500, 10, 32)
    return folder


@pytest.fixture
def config(tiny_config: Callable[..., TrainConfig], data_of_32: Path, tmp_path: Path) -> TrainConfig:
    """A training on them, with its own folder of data so that nothing is kept from another test."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "tiny-32").symlink_to(data_of_32 / "tiny-32")
    return tiny_config(
        model="vgg19", backbone="random", size=32, datasets=("tiny-32",), data_dir=str(folder), likelihood="rmse",
        beta=0.01, flip=True,
    )  # fmt: skip


@pytest.fixture
def data(config: TrainConfig) -> Collection:
    return Collection.open(config.data.datasets, Path(config.data.data_dir), 32)


@pytest.fixture
def network(config: TrainConfig) -> VGG19VAE:
    network = build_model(config)
    assert isinstance(network, VGG19VAE)
    attach_backbone(network, config, CPU)
    return network


def kept(network: VGG19VAE, data: Collection, config: TrainConfig, **settings: Any) -> np.ndarray:
    rows = data.rows("train", is_face=True)
    return kept_features(network, data, rows, config, CPU, **{"mirrored": True, **settings})


def files(config: TrainConfig) -> list[str]:
    return sorted(path.name for path in (Path(config.data.data_dir) / ".features").rglob("*") if path.is_file())


# --- the cache


def test_what_is_kept_is_what_the_backbone_sees(network: VGG19VAE, data: Collection, config: TrainConfig) -> None:
    found = kept(network, data, config)
    rows = data.rows("train", is_face=True)
    images = torch.from_numpy(data.pixels(rows)).permute(0, 3, 1, 2).float() / 255
    np.testing.assert_allclose(found[:, 0], network.features(images).numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[:, 1], network.features(images.flip(3)).numpy(), rtol=1e-4, atol=1e-5)
    assert found.dtype == np.float32
    assert np.abs(found[:, 0] - found[:, 1]).max() > 0, "mirrored pictures have features of their own"


def test_it_is_computed_once(
    network: VGG19VAE, data: Collection, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = np.array(kept(network, data, config))
    monkeypatch.setattr(VGG19VAE, "features", None)
    assert np.array_equal(kept(network, data, config), first)
    assert files(config) == ["about.json", "features.bin", "lock"]


def test_whatever_a_feature_depends_on_makes_another_file(
    network: VGG19VAE, data: Collection, config: TrainConfig
) -> None:
    kept(network, data, config)
    kept(network, data, config, mirrored=False)
    kept(network, data, replace(config, precision="bfloat16"))
    rows = data.rows("train", is_face=True)[:100]
    kept_features(network, data, rows, config, CPU, mirrored=True)
    other = replace(config, seed=1)
    second = build_model(other)
    assert isinstance(second, VGG19VAE)
    attach_backbone(second, other, CPU)
    kept(second, data, other)
    assert files(config).count("features.bin") == 5


def test_a_stopped_computation_goes_on_and_ends_the_same(
    network: VGG19VAE, data: Collection, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = np.array(kept(network, data, replace(config, data_dir=str(Path(config.data.data_dir).parent / "other"))))
    asked: list[int] = []
    with pytest.raises(Cancelled, match="features of 128 of"):
        kept(network, data, config, is_stopped=lambda: asked.append(1) or len(asked) > 2)
    assert "features.bin" not in files(config)
    unfinished = next(Path(config.data.data_dir).rglob("features.partial"))
    with unfinished.open("ab") as file:
        file.write(b"half a chunk that a kill left")
    seen = []
    real = VGG19VAE.features
    monkeypatch.setattr(VGG19VAE, "features", lambda self, images: seen.append(len(images)) or real(self, images))
    assert np.array_equal(kept(network, data, config), straight)
    assert sum(seen) == 2 * (len(straight) - 128), "what was there is not computed again"


def test_progress_is_told(
    network: VGG19VAE, data: Collection, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "TELL_EVERY_SECONDS", 0.0)
    told: list[str] = []
    kept(network, data, config, tell=told.append)
    assert "0 of" in told[0]
    assert "per second" in told[-1]


def test_features_beyond_float16_are_refused(network: VGG19VAE, data: Collection, config: TrainConfig) -> None:
    weights = {name: tensor * 50 for name, tensor in random_weights(config.run.seed).items()}
    network.backbone.fill(weights, b"x" * 32, CPU)
    with pytest.raises(DataError, match="--precision float32"):
        kept(network, data, replace(config, precision="bfloat16"))


# --- training on it


def test_training_on_kept_features_is_training_on_pictures(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Run.create(config, tmp_path, name) for name in ("kept", "seen")]
    run_training(runs[0])

    def only_attach(run: Run, network: VGG19VAE, held_out: HeldOut, *_: object) -> HeldOut:
        attach_backbone(network, run.config, CPU)
        return held_out

    monkeypatch.setattr("vaelab.training.loop.use_backbone", only_attach)
    run_training(runs[1])
    losses = [[row["loss"] for row in run.metrics("train")] for run in runs]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
    validations = [run.metrics("validation")[-1] for run in runs]
    assert validations[0]["psnr"] == pytest.approx(validations[1]["psnr"], abs=0.02)
    assert validations[0]["regions"]["explained"].keys() >= {"eyes", "mouth"}


def test_the_recipe_trains_from_the_command_line(config: TrainConfig, tmp_path: Path) -> None:
    words = ["train", "--recipe", "vgg19-transfer", "--random-backbone", "--name", "first", "--root", str(tmp_path)]
    words += ["--datasets", "tiny-32", "--data-dir", config.data.data_dir, "--size", "32", "--width", "2"]
    words += ["--num-images", "64", "--validate-every", "64", "--report-every", "32", "--checkpoint-every", "64"]
    assert main(words) == 0
    run = Run.open(tmp_path / "first")
    assert run.status.state == "done"
    assert run.metrics("validation")[-1]["regions"]["n"] > 10


def test_a_stopped_training_ends_bit_for_bit_the_same(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, ema_half_life=100)
    straight, stopped = (Run.create(config, tmp_path, name) for name in ("straight", "stopped"))
    stopped.request_cancel()
    with pytest.raises(Cancelled, match="features of 0 of"):
        run_training(stopped)
    assert stopped.status.state == "stopped"
    run_training(straight)

    def ask(report: dict[str, Any]) -> None:
        if report["images_seen"] == 64:
            stopped.request_cancel()

    with pytest.raises(Cancelled):
        run_training(stopped, ask)
    run_training(stopped)
    assert straight.weights_path.read_bytes() == stopped.weights_path.read_bytes()
    states = [read_checkpoint(run.state_path).tensors for run in (straight, stopped)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    rows = [[{k: v for k, v in row.items() if k not in TIMES} for row in run.metrics()] for run in (straight, stopped)]
    assert rows[0] == rows[1]


def test_no_file_of_the_run_holds_the_backbone_and_everybody_is_told_that_it_is_random(
    config: TrainConfig, tmp_path: Path, data: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run.create(config, tmp_path, "told")
    run_training(run)
    frozen = {tuple(tensor.shape) for tensor in random_weights(config.run.seed).values() if tensor.ndim == 4}
    for path in (run.weights_path, run.state_path):
        tensors = read_checkpoint(path).tensors
        assert not any("backbone" in name and tensor.ndim > 1 for name, tensor in tensors.items())
        assert not frozen & {tuple(tensor.shape) for name, tensor in tensors.items() if "decoder" not in name}
    (warning,) = config.warnings
    assert "RANDOM BACKBONE" in warning
    assert warning in (run.dir / "log.txt").read_text()
    assert warning in caplog.text
    pixels = data.pixels(data.rows("test", is_face=True))
    before = FaceModel.load(run).reconstruct(pixels).astype(int)
    ship(run, data, lambda text: None)
    assert warning in (run.card or "")
    assert "eyes come out" in (run.card or "")
    assert np.abs(FaceModel.load(run).reconstruct(pixels) - before).mean() < 1.0


def test_a_model_whose_backbone_is_gone_draws_but_cannot_look(
    config: TrainConfig, tmp_path: Path, data: Collection
) -> None:
    path = tmp_path / "vgg19.pth"
    torch.save({f"features.{name}": tensor for name, tensor in random_weights(7).items()}, path)
    run = Run.create(replace(config, backbone=str(path)), tmp_path, "gone")
    run_training(run)
    model, pixels = FaceModel.load(run), data.pixels(data.rows("test", is_face=True))
    expected = model.encode(pixels)[0]
    torch.save(dict(random_weights(8)), path)
    with pytest.raises(CheckpointError, match="was trained on"):
        FaceModel.load(run).encode(pixels)
    path.unlink()
    model = FaceModel.load(run)
    assert model.decode(expected).shape == pixels.shape
    with pytest.raises(CheckpointError, match=r"no file .*vgg19\.pth"):
        model.encode(pixels)
