"""The training benchmark: what of a training counts, and what it is set beside."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.training import WINDOWS, Beside, Loop, beside
from vaelab.config import TrainConfig
from vaelab.data.collection import Collection

WINDOW = 32


@pytest.fixture
def loop(tiny_config: Callable[..., TrainConfig], tiny_data: Collection, tmp_path: Path) -> Loop:
    config = tiny_config(
        num_images=(1 + WINDOWS) * WINDOW + 16, report_every=WINDOW, validate_every=10**9, checkpoint_every=10**9
    )
    return Loop(config, WINDOW, tiny_data, tmp_path)


def test_a_window_stands_beside_the_steps_around_it() -> None:
    slow_in_the_middle = Beside(windows=(1.0, 10.0, 10.0, 1.0), bare=(0.9, 0.9, 9.0, 9.0, 0.9))
    assert slow_in_the_middle.of_bare == pytest.approx(0.9)
    steady = Beside(windows=(2.0, 2.0, 4.0, 4.0), bare=(1.9, 1.9, 2.85, 3.8, 3.8))
    assert steady.of_bare == pytest.approx(0.95)


def test_bare_steps_are_made_before_the_first_window_and_after_each(loop: Loop) -> None:
    made = iter(range(100))
    found = beside(loop, lambda: float(next(made)))
    assert found.bare == (0.0, 1.0, 2.0, 3.0, 4.0)
    assert len(found.windows) == WINDOWS
    assert all(took > 0 for took in found.windows)


def test_what_is_done_between_windows_is_not_counted(loop: Loop) -> None:
    started = time.perf_counter()
    seconds = loop(lambda: time.sleep(0.5))
    whole = time.perf_counter() - started
    assert whole - seconds >= (1 + WINDOWS) * 0.5
    assert seconds == pytest.approx(sum(loop.windows))
    assert loop.ending_seconds > 0


def test_a_loop_can_be_timed_again(loop: Loop) -> None:
    loop()
    first = list(loop.windows)
    loop()
    assert len(loop.windows) == WINDOWS
    assert loop.windows != first
