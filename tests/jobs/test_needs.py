"""What a training will need: plausible numbers from its own step, kept, and honest when they cannot be had."""

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path

import pytest

from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.errors import ConfigError, RunError
from vaelab.jobs import needs
from vaelab.jobs.needs import CACHE, Probe, estimate, finished_seconds, known, needs_of
from vaelab.runs.store import Run, RunStatus

MakeConfig = Callable[..., TrainConfig]
PROBE = Probe(2.0, 0.1, 0.08, 0.2, 0.001, 500 * 2**20, 4_000_000, 0)


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


def test_memory_of_a_gpu_holds_the_pictures_where_it_has_room(
    tmp_path: Path, tiny_config: MakeConfig, tiny_data: Collection
) -> None:
    faces, others = (len(tiny_data.rows("train", is_face=kind)) for kind in (True, False))

    def added(room: int, **settings: object) -> int:
        probe = changed(PROBE, room_for_pixels_bytes=room)
        return needs_of(tiny_config(**settings), probe, tmp_path).memory_bytes - PROBE.memory_bytes

    each = 3 * 16**2
    assert added(10**9, model="vae") == faces * each
    assert added(10**9, model="dbvae") == (faces + others) * each
    assert added(10**9, model="vae", max_faces=5) == 5 * each
    assert added(faces * each, model="vae") == faces * each
    assert added(faces * each - 1, model="vae") == 0


def test_the_disk_holds_what_is_promised(trained: Callable[[str], object], tmp_path: Path) -> None:
    from vaelab.models import build_model, count_parameters

    run = trained("residual")
    assert isinstance(run, Run)
    probe = changed(PROBE, parameter_bytes=4 * count_parameters(build_model(run.config)))
    written = sum(path.stat().st_size for path in run.dir.rglob("*") if path.is_file())
    assert 0.3 * written < needs_of(run.config, probe, tmp_path).disk_bytes < 20 * written


def test_a_probe_measures_once_and_is_remembered(tmp_path: Path, tiny_config: MakeConfig) -> None:
    config, shares = tiny_config(), list[float]()
    assert known(config, tmp_path) is None
    found = estimate(config, shares.append, tmp_path, seconds=0.3)
    assert found.measured
    assert found.images_per_second > 1
    assert found.memory_bytes > 50 * 2**20, "torch alone takes that"
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    again = known(replace(config, num_images=1600, beta=3.0), tmp_path)
    assert again is not None, "neither changes what a step costs"
    assert known(replace(config, batch_size=32), tmp_path) is None
    (tmp_path / CACHE).write_text("{")
    assert known(config, tmp_path) is None


def test_finished_runs_of_the_same_settings_on_this_machine_tell_their_time(
    tmp_path: Path, tiny_config: MakeConfig
) -> None:
    def ended(config: TrainConfig, seconds: float, state: str = "done") -> Run:
        run = Run.create(config, tmp_path)
        run.write_status(RunStatus(state, config.optim.num_images, seconds))
        return run

    config = tiny_config()
    assert finished_seconds(config, tmp_path) == []
    ended(config, 188.0)
    ended(replace(config, seed=1, device="auto"), 141.0)
    ended(replace(config, num_images=1600), 1.0)
    ended(config, 2.0, "stopped")
    elsewhere = ended(config, 3.0).dir / "status.json"
    elsewhere.write_text(json.dumps(json.loads(elsewhere.read_text()) | {"host": "another"}))
    (ended(config, 4.0).dir / "config.json").write_text("{")
    assert finished_seconds(config, tmp_path) == [141.0, 188.0]


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
    """What was probed; every probe finds PROBE, at once."""
    configs: list[TrainConfig] = []

    def probe(config: TrainConfig, *_: object) -> Probe:
        configs.append(config)
        return PROBE

    monkeypatch.setattr(needs, "_probe", probe)
    return configs


def test_one_thread_is_measured_by_itself(
    tmp_path: Path, tiny_config: MakeConfig, probed: list[TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    estimate(tiny_config(), None, tmp_path)
    assert known(tiny_config(), tmp_path, threads=1) is None, "all threads are no measure of one"
    estimate(tiny_config(), None, tmp_path, threads=1)
    assert known(tiny_config(), tmp_path, threads=1) is not None
    assert len(probed) == 2
    monkeypatch.undo()
    environments: list[str] = []

    def popen(*_: object, env: dict[str, str], **__: object) -> None:
        environments.append(env["OMP_NUM_THREADS"])
        raise RunError("seen")

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(RunError, match="seen"):
        estimate(tiny_config(), None, tmp_path, threads=1, anew=True)
    assert environments == ["1"]


def test_what_another_process_measured_meanwhile_is_kept(
    tmp_path: Path, tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tiny_config(batch_size=32)

    def probe(*_: object) -> Probe:
        needs._remember(tmp_path, needs._key(other, 0), PROBE)
        return PROBE

    monkeypatch.setattr(needs, "_probe", probe)
    estimate(tiny_config(), None, tmp_path)
    assert known(tiny_config(), tmp_path) is not None
    assert known(other, tmp_path) is not None


@pytest.mark.parametrize("folder", ["", "audits/first/members"])
def test_a_measurement_beside_a_training_says_so_until_it_is_made_again(
    tmp_path: Path, tiny_config: MakeConfig, probed: list[TrainConfig], folder: str
) -> None:
    run = Run.create(tiny_config(), tmp_path / folder, "busy")
    run.write_status(RunStatus("running"))
    estimate(tiny_config(), None, tmp_path)
    run.write_status(RunStatus("done"))
    found = known(tiny_config(), tmp_path)
    assert found is not None
    assert not found.was_alone
    assert not estimate(tiny_config(), None, tmp_path).was_alone
    assert estimate(tiny_config(), None, tmp_path, anew=True).was_alone
    assert len(probed) == 2


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
