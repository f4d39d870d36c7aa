"""Weights and moments that a state may hold."""

import math
from collections.abc import Callable

import pytest
import torch

from vaelab.config import TrainConfig
from vaelab.errors import TrainingDiverged
from vaelab.models import build_model
from vaelab.training.state import check_finite
from vaelab.training.step import Objective


@pytest.fixture
def stepped(tiny_config: Callable[..., TrainConfig]) -> tuple[Objective, torch.optim.AdamW]:
    """A network whose optimizer has moments."""
    config = tiny_config(model="vae")
    objective = Objective(build_model(config), config.loss)
    optimizer = torch.optim.AdamW(objective.parameters(), 1e-3)
    for parameter in objective.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return objective, optimizer


@pytest.mark.parametrize("values", [(math.nan,), (math.inf,), (-math.inf,), (math.inf, -math.inf)])
def test_a_single_value_is_found(stepped: tuple[Objective, torch.optim.AdamW], values: tuple[float, ...]) -> None:
    objective, optimizer = stepped
    name, weight = list(objective.named_parameters())[2]
    with torch.no_grad():
        weight.view(-1)[: len(values)] = torch.tensor(values)
    with pytest.raises(TrainingDiverged, match=f"{name} is no longer finite at 640 images"):
        check_finite(objective, optimizer, 640)


def test_moments_count_too(stepped: tuple[Objective, torch.optim.AdamW]) -> None:
    objective, optimizer = stepped
    optimizer.state_dict()["state"][1]["exp_avg_sq"].view(-1)[0] = math.nan
    with pytest.raises(TrainingDiverged, match="exp_avg_sq of parameter 1"):
        check_finite(objective, optimizer, 640)


def test_large_weights_are_finite_though_their_sum_is_not(stepped: tuple[Objective, torch.optim.AdamW]) -> None:
    objective, optimizer = stepped
    weight = max(objective.parameters(), key=torch.numel)
    torch.nn.init.constant_(weight, 3e38)
    assert not weight.sum().isfinite()
    check_finite(objective, optimizer, 640)
