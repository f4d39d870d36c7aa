"""Means since the last report: of any number of steps, and the same as of the parts themselves."""

from __future__ import annotations

import math

import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.errors import TrainingDiverged
from vaelab.losses import LossParts
from vaelab.training.totals import ADDED_EVERY, Totals


def parts(count: int) -> list[LossParts]:
    """Those of `count` steps on three pictures."""
    random = torch.Generator().manual_seed(0)
    return [
        LossParts(torch.rand((), generator=random), *torch.rand((2, 3), generator=random).unbind())
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [1, 5, ADDED_EVERY, 2 * ADDED_EVERY + 7])
def test_a_report_gives_the_means_of_all_steps(count: int) -> None:
    totals, steps = Totals(), parts(count)
    for step in steps:
        totals.add(step)
    totals.step_seconds = 2.0
    report = totals.report(TrainConfig(), 100, beta=1.0)
    for name in ("loss", "recon_loss", "kl"):
        expected = torch.stack([getattr(step, name) for step in steps]).mean()
        assert report[name] == pytest.approx(float(expected), rel=1e-5)
    assert "classification_loss" not in report
    assert report["images_per_second"] == count * TrainConfig().optim.batch_size / 2


def test_a_loss_that_is_no_number_is_told_with_its_parts() -> None:
    totals = Totals()
    totals.add(parts(1)[0])
    totals.add(LossParts(torch.tensor(math.nan), *torch.ones(2, 3).unbind()))
    totals.step_seconds = 1.0
    with pytest.raises(TrainingDiverged, match=r"at 700 images \(loss nan, recon_loss .*resume with a lower"):
        totals.report(TrainConfig(), 700, beta=1.0)
