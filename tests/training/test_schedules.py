"""Schedules: functions of the images seen."""

from dataclasses import replace

import pytest

from vaelab.settings import LossConfig, OptimConfig
from vaelab.training.schedules import beta, ema_decay, is_due, learning_rate

OPTIM = OptimConfig(num_images=1000, batch_size=10, learning_rate=0.01)


def rates(config: OptimConfig) -> list[float]:
    return [learning_rate(config, seen) for seen in range(0, config.num_images, config.batch_size)]


def test_the_warm_up_rises_to_the_full_rate_and_is_never_zero() -> None:
    found = rates(replace(OPTIM, warmup=200))
    assert found[:20] == sorted(found[:20])
    assert found[0] > 0
    assert found[19:] == [pytest.approx(0.01)] * 81


def test_cosine_falls_from_the_full_rate_to_nearly_nothing() -> None:
    found = rates(replace(OPTIM, schedule="cosine"))
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(0.01)
    assert found[50] == pytest.approx(0.005)
    assert 0 < found[-1] < 0.001
    assert learning_rate(replace(OPTIM, schedule="cosine"), 2000) == pytest.approx(0.0)


def test_beta_rises_linearly_and_stays() -> None:
    config = LossConfig(beta=4.0, beta_warmup=100)
    assert [beta(config, seen) for seen in (0, 50, 100, 5000)] == pytest.approx([0.0, 2.0, 4.0, 4.0])
    assert beta(LossConfig(beta=4.0), 0) == 4.0


@pytest.mark.parametrize(("half_life", "batch_size"), [(1000, 50), (64, 64), (100, 400)])
def test_half_of_an_average_is_left_after_its_half_life(half_life: int, batch_size: int) -> None:
    assert ema_decay(half_life, batch_size) ** (half_life / batch_size) == pytest.approx(0.5)


@pytest.mark.parametrize(("every", "batch"), [(10, 3), (10, 10), (10, 25), (1, 4)])
def test_every_passed_multiple_makes_it_due_once(every: int, batch: int) -> None:
    clock = range(0, 300, batch)
    due = [after for after in clock[1:] if is_due(every, after - batch, after)]
    passed = {after for after in clock[1:] if any(m % every == 0 for m in range(after - batch + 1, after + 1))}
    assert due == sorted(passed)
