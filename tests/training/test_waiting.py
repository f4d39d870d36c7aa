"""A step asks nothing of the device: on one without values, each question would raise."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.models import build_model
from vaelab.training.distributed import Ranks
from vaelab.training.feed import Feed
from vaelab.training.pixels import ResidentPixels
from vaelab.training.step import Averages, Objective, descend
from vaelab.training.totals import Totals

META = torch.device("meta")


def test_the_device_of_these_tests_answers_no_question() -> None:
    with pytest.raises(RuntimeError, match="meta"):
        bool(torch.ones((), device=META) > 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "dbvae", "clip_norm": 1.0, "mask": "as-published"},
        {"model": "vae", "likelihood": "optimal-gaussian"},
        {"model": "residual", "objective": "beta-tc", "tc_weight": 5.0},
        {"model": "convolutional", "objective": "wae-mmd"},
        {"model": "cnn"},
    ],
)
def test_a_step_is_told_to_the_device_without_waiting_for_it(
    tiny_config: Callable[..., TrainConfig],
    tiny_data: Collection,
    settings: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vaelab.training.totals.ADDED_EVERY", 2)
    config = tiny_config(**settings)
    feed = Feed(tiny_data, config, META, Ranks())
    kept = [feed.face_rows, feed.nonface_rows] if config.needs_nonfaces else [feed.face_rows]
    feed.pixels = ResidentPixels(tiny_data, np.concatenate(kept), META)
    objective = Objective(build_model(config), config.loss).to(META)
    optimizer = torch.optim.AdamW(objective.parameters(), 1e-3)
    averages, totals = Averages(objective, 0.9), Totals()
    for step in range(2):
        batch = feed.batch(step * config.optim.batch_size)
        parts = objective(batch.images, batch.num_faces, batch.eps, torch.ones((), device=META), batch.features)
        descend(parts.loss, objective, optimizer, averages, config.optim.clip_norm)
        totals.add(parts)
    assert parts.loss.device.type == "meta"
    with pytest.raises(RuntimeError, match="meta"):
        totals.report(config, 32, 1.0)
