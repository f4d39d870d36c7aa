"""What a training will need: plausible numbers from its own step, kept, and honest when they cannot be had."""

import threading
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path

import pytest

from vaelab.config import TrainConfig, replace
from vaelab.errors import ConfigError, RunError
from vaelab.jobs.needs import CACHE, Probe, estimate, known, needs_of

MakeConfig = Callable[..., TrainConfig]
PROBE = Probe(2.0, 0.1, 0.08, 0.2, 0.001, 500 * 2**20, 4_000_000)


def test_a_longer_training_takes_longer_and_no_more_memory(tmp_path: Path, tiny_config: MakeConfig) -> None:
    short, long = (needs_of(tiny_config(num_images=number), PROBE, tmp_path) for number in (16_000, 32_000))
    assert long.seconds > 1.9 * short.seconds - PROBE.start_seconds
    assert short.seconds_low < short.seconds < short.seconds_high
    assert long.memory_bytes == short.memory_bytes == PROBE.memory_bytes
    assert short.images_per_second == pytest.approx(160)
    assert short.free_disk_bytes > 0


def test_resampling_and_averages_cost_something(tmp_path: Path, tiny_config: MakeConfig) -> None:
    plain = needs_of(tiny_config(model="dbvae", num_images=16_000), PROBE, tmp_path)
    resampled = tiny_config(model="dbvae", num_images=16_000, aggregation="max", refresh_every=160)
    assert needs_of(resampled, PROBE, tmp_path).seconds > plain.seconds
    averaged = replace(resampled, ema_half_life=100)
    assert needs_of(averaged, PROBE, tmp_path).disk_bytes > plain.disk_bytes


def test_the_disk_holds_what_is_promised(trained: Callable[[str], object], tmp_path: Path) -> None:
    from vaelab.models import build_model, count_parameters
    from vaelab.runs.store import Run

    run = trained("residual")
    assert isinstance(run, Run)
    probe = changed(PROBE, parameter_bytes=4 * count_parameters(build_model(run.config)))
    written = sum(path.stat().st_size for path in run.dir.rglob("*") if path.is_file())
    assert 0.3 * written < needs_of(run.config, probe, tmp_path).disk_bytes < 20 * written


def test_a_probe_measures_once_and_is_remembered(tmp_path: Path, tiny_config: MakeConfig) -> None:
    config, shares = tiny_config(), list[float]()
    assert known(config, tmp_path) is None
    needs = estimate(config, shares.append, tmp_path, seconds=0.3)
    assert needs.measured
    assert needs.images_per_second > 1
    assert needs.memory_bytes > 50 * 2**20, "torch alone takes that"
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    again = known(replace(config, num_images=1600, beta=3.0), tmp_path)
    assert again is not None, "neither changes what a step costs"
    assert known(replace(config, batch_size=32), tmp_path) is None
    (tmp_path / CACHE).write_text("{")
    assert known(config, tmp_path) is None


def test_a_measurement_can_be_stopped(tmp_path: Path, tiny_config: MakeConfig) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(RunError, match="was stopped"):
        estimate(tiny_config(), None, tmp_path, seconds=30.0, stop=stop)
    assert known(tiny_config(), tmp_path) is None


def test_what_a_training_would_refuse_a_probe_refuses_in_the_same_words(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(ConfigError, match=r"^device is cuda, but this machine has none"):
        estimate(tiny_config(device="cuda"), None, tmp_path, seconds=0.3)
