"""A frozen backbone where its features are of no picture, or are not all computed because somebody asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.drawn import draw
from vaelab.backbone.attach import attach_backbone
from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.errors import Cancelled
from vaelab.models import build_model, vgg
from vaelab.models.vgg import VGG19VAE
from vaelab.runs.store import Run, RunStatus
from vaelab.training import features
from vaelab.training.distributed import Ranks
from vaelab.training.feed import Feed
from vaelab.training.held_out import HeldOut
from vaelab.training.job import run_training

CPU = torch.device("cpu")
NOBODY = np.zeros(0, np.int64)


@pytest.fixture
def config(tiny_config: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """A training of a VGG19 a thousandth as large on 60 drawn faces of 32 pixels, the least that it takes."""
    monkeypatch.setattr(vgg, "PLAN", tuple(channels and channels // 64 + 2 for channels in vgg.PLAN))
    draw(tmp_path / "data" / "tiny-32", 60, 10, 32)
    return tiny_config(
        model="vgg19", backbone="random", size=32, datasets=("tiny-32",), data_dir=str(tmp_path / "data"),
        likelihood="rmse", num_images=32,
    )  # fmt: skip


@pytest.fixture
def data(config: TrainConfig) -> Collection:
    return Collection.open(config.data.datasets, Path(config.data.data_dir), 32)


def test_no_pictures_have_no_features(config: TrainConfig, data: Collection) -> None:
    network = build_model(config)
    assert isinstance(network, VGG19VAE)
    attach_backbone(network, config, CPU)
    found = features.kept_features(network, data, NOBODY, config, CPU, mirrored=True)
    assert found.shape == (0, 2, network.num_features)


def test_it_trains_without_held_out_faces(config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeldOut, "of", lambda data, _: HeldOut(data, NOBODY, NOBODY, 0))
    run = Run.create(config, tmp_path, "unseen")
    run_training(run)
    assert run.status.state == "done"
    assert "psnr" not in run.metrics("validation")[-1]


@pytest.mark.parametrize("rank", [0, 2])
def test_one_process_that_met_the_request_stops_all(
    config: TrainConfig, tmp_path: Path, data: Collection, monkeypatch: pytest.MonkeyPatch, rank: int
) -> None:
    """The request is there until all have said whether they met it; here the first process did, and the third not."""
    run = Run.create(config, tmp_path, "together")
    run.request_cancel()
    was_there: list[bool] = []

    def with_the_others(values: np.ndarray, *_: object) -> None:
        was_there.append(run.is_cancel_requested)
        values += 1

    monkeypatch.setattr(features, "sum_over_ranks", with_the_others)
    if rank:
        monkeypatch.setattr(features, "kept_features", lambda *_, rows, **__: np.zeros((len(rows), 1, 1), np.float32))
    ranks, held_out = Ranks(rank, 3), HeldOut.of(data, config)
    feed = Feed(data, config, CPU, ranks)
    with pytest.raises(Cancelled, match="stopped"):
        features.use_backbone(run, build_model(config), held_out, feed, CPU, ranks, RunStatus("running"))
    assert was_there == [True]
    assert run.is_cancel_requested == bool(rank), "the first one takes it back"
    assert run.status.state == ("queued" if rank else "stopped")
