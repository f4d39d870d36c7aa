"""What a training will need on this machine, said before it starts: measured by ten seconds of its real step.

The probe is a process of its own, so that it can be killed and its memory counted. What it found is kept by what
decides a step's cost, in memory and in `<root>/.needs.json`, so that asking again costs nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaelab.config import TrainConfig
from vaelab.errors import ConfigError, DataError, RunError, VaelabError
from vaelab.jobs.environment import child_environment
from vaelab.jobs.queue import at_work, device_of
from vaelab.runs.files import free_bytes, replacing
from vaelab.runs.frames import MOST_FACES, MOST_FRAMES
from vaelab.runs.previews import KINDS, MOST_KEPT
from vaelab.runs.store import RUNS_DIR, list_runs

CACHE = ".needs.json"
PROBE_SECONDS = 10.0
PROBE_TIMEOUT_SECONDS = 180.0
VALIDATION_PICTURES = 2048
"""As `vaelab.training.validation` takes; that module is not imported here, for it imports torch."""
VGG19_FEATURES_AT_32 = 512
"""Numbers that VGG19's last pool gives for a picture of 32 pixels; kept as two bytes each."""
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Needs:
    """What a training needs.

    Attributes:
        seconds: from its start to its end; low and high are from the slower and faster tenth of the probed steps.
        memory_bytes: largest resident memory of the process; on a GPU, of the GPU, with the pictures that it keeps.
        disk_bytes: weights, state, reports, previews and frames in the run's folder; and a frozen backbone's features,
            which lie beside the data.
        images_per_second: of the training steps alone.
        measured: whether a probe ran for just this network, batch and device; else only the disk was computed.
        free_disk_bytes: what is free where the runs lie.
        was_alone: whether nothing else trained on the device while it was measured; else it takes less time alone.
    """

    seconds: float
    seconds_low: float
    seconds_high: float
    memory_bytes: int
    disk_bytes: int
    images_per_second: float
    measured: bool
    free_disk_bytes: int
    was_alone: bool


@dataclass(frozen=True)
class Probe:
    """What the probe measured.

    Attributes:
        start_seconds: from the process's start to its first step.
        step_seconds: median of a step; low and high its 10 % and 90 % quantiles.
        encode_seconds: for one picture, without gradients.
        memory_bytes: largest resident memory of the process, or of the GPU.
        parameter_bytes: of the network in float32.
        room_for_pixels_bytes: so much of a GPU a training gives to its pictures, if they all fit.
        was_alone: whether nothing else trained on the device.
    """

    start_seconds: float
    step_seconds: float
    step_seconds_low: float
    step_seconds_high: float
    encode_seconds: float
    memory_bytes: int
    parameter_bytes: int
    room_for_pixels_bytes: int
    was_alone: bool = True


_one_at_a_time = threading.Lock()


def known(config: TrainConfig, root: Path = RUNS_DIR, threads: int = 0) -> Needs | None:
    """What is known already of a training with these settings, with so many threads; None if it was never probed."""
    probe = _remembered(root).get(_key(config, threads))
    return None if probe is None else needs_of(config, probe, root)


def finished_seconds(config: TrainConfig, root: Path = RUNS_DIR) -> list[float]:
    """Training seconds of each finished run of these settings on this machine, whatever its seed; shortest first.

    Raises:
        ConfigError: this machine has no such device.
    """
    wanted, found = _settings(config), []
    for run in list_runs(root):
        with contextlib.suppress(VaelabError):  # damaged, or of a device that is not here
            if _settings(run.config) != wanted:  # kept in memory, unlike the status
                continue
            status = run.status
            if status.state == "done" and status.host == socket.gethostname():
                found.append(status.train_seconds)
    return sorted(found)


def estimate(
    config: TrainConfig,
    on_progress: Progress | None = None,
    root: Path = RUNS_DIR,
    seconds: float = PROBE_SECONDS,
    stop: threading.Event | None = None,
    threads: int = 0,
    anew: bool = False,
) -> Needs:
    """What a training with these settings needs here; probes for `seconds` unless that was done before.

    Of several probes at once each waits for the one before, lest they slow each other down.

    Args:
        on_progress: called with the share done, 0 to 1.
        stop: setting it kills the probe, which then raises.
        threads: how many the training will use; 0 for as many as it takes by itself.
        anew: probe even if that was done before.

    Raises:
        ConfigError: a training with these settings would be refused on this machine.
        RunError: the probe failed, for example for want of memory, or was stopped.
    """
    key = _key(config, threads)
    with _one_at_a_time:
        probe = None if anew else _remembered(root).get(key)
        if probe is None:
            was_busy = _is_busy(config, root)
            probe = _probe(config, seconds, on_progress, stop, threads)
            probe = dataclasses.replace(probe, was_alone=not (was_busy or _is_busy(config, root)))
            _remember(root, key, probe)
    if on_progress is not None:
        on_progress(1.0)
    return needs_of(config, probe, root)


def needs_of(config: TrainConfig, probe: Probe, root: Path = RUNS_DIR) -> Needs:
    """From one step's cost to that of the whole training.

    Besides its steps it validates, encodes all faces at each resampling, and writes its state, which is small beside.
    """
    optim, run = config.optim, config.run
    steps = -(-optim.num_images // optim.batch_size)
    looks = optim.num_images // run.validate_every + 1
    # a validation encodes, decodes once for the loss and once for the error: about three times an encoding; and a frame
    # of latents encodes some faces again
    encoded = VALIDATION_PICTURES * 3 + MOST_FACES if config.has_decoder else VALIDATION_PICTURES
    rest = probe.start_seconds + looks * encoded * probe.encode_seconds
    if config.debias.aggregation != "none":
        faces = _num_training_faces(config)
        every = config.images_between_resamplings(faces)
        rest += (optim.num_images // max(every, 1)) * faces * probe.encode_seconds
    features_bytes = 0
    if config.model.model == "vgg19":  # one look of the frozen layers at each face, and at its mirror image
        looked_at = _num_training_faces(config) * (1 + config.data.flip) + VALIDATION_PICTURES
        rest += looked_at * probe.encode_seconds
        features_bytes = looked_at * VGG19_FEATURES_AT_32 * (config.data.size // 32) ** 2 * 2
    frames = min(looks, MOST_FRAMES) * MOST_FACES * config.model.latent * 2 if config.has_decoder else 0
    copies = 3 + (1 if optim.ema_half_life else 0)  # weights and two moments; averages
    previews = len(KINDS) * min(looks, MOST_KEPT) * 8 * config.data.size**2 * 2 if config.has_decoder else 0
    reports = (optim.num_images // run.report_every + looks * (1 + config.model.latent // 16)) * 400
    # a file is replaced by writing a second one beside it
    disk = (1 + 2 * copies) * probe.parameter_bytes + previews + frames + reports + features_bytes
    return Needs(
        steps * probe.step_seconds + rest,
        steps * probe.step_seconds_low + rest,
        steps * probe.step_seconds_high + rest,
        probe.memory_bytes + _resident_bytes(config, probe),
        disk,
        optim.batch_size / probe.step_seconds,
        True,
        free_bytes(root),
        probe.was_alone,
    )


def _resident_bytes(config: TrainConfig, probe: Probe) -> int:
    """Of the training pictures on a GPU, which keeps all of them or none; a probe, which steps on noise, keeps none."""
    if not probe.room_for_pixels_bytes:
        return 0
    pictures = _num_training_faces(config) + (_num_training(config, is_face=False) if config.needs_nonfaces else 0)
    size = pictures * 3 * config.data.size**2
    return size if size <= probe.room_for_pixels_bytes else 0


def _num_training_faces(config: TrainConfig) -> int:
    faces = _num_training(config, is_face=True)
    return min(faces, config.data.max_faces) if config.data.max_faces else faces


def _num_training(config: TrainConfig, is_face: bool) -> int:
    with contextlib.suppress(DataError):
        from vaelab.data.store import DatasetStore  # with pandas, which a page's launcher need not wait for

        stores = [DatasetStore.open(Path(config.data.data_dir) / name) for name in config.data.datasets]
        return sum(len(store.indices("train", is_face=is_face)) for store in stores)
    return 10_000


def _is_busy(config: TrainConfig, root: Path) -> bool:
    """Whether a run, or a member of an audit, trains on the device now."""
    device = device_of(config)
    return any(at_work(device, folder) for folder in (root, *root.glob("audits/*/members")))


def _settings(config: TrainConfig) -> tuple[object, ...]:
    """What decides the time of a training on this machine, and more that does not."""
    run = dataclasses.replace(config.run, seed=0, device=device_of(config))
    return config.data, config.model, config.loss, config.debias, config.optim, run


def _key(config: TrainConfig, threads: int) -> str:
    """What decides the cost of a step on this machine."""
    asked = [
        socket.gethostname(),
        os.cpu_count(),
        str(threads) if threads else os.environ.get("OMP_NUM_THREADS"),
        device_of(config),
        config.data.size,
        dataclasses.asdict(config.model),
        config.loss.likelihood,
        config.loss.objective,
        config.loss.mask,
        config.loss.perceptual_run if config.loss.perceptual_weight else None,
        config.optim.batch_size,
        bool(config.optim.ema_half_life),
        bool(config.optim.clip_norm),
        config.run.precision,
        config.run.compile,
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def _remembered(root: Path) -> dict[str, Probe]:
    try:
        kept: dict[str, dict[str, Any]] = json.loads((root / CACHE).read_text(encoding="utf-8"))
        return {key: Probe(**values) for key, values in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, damaged, or another version's: probe again
        return {}


def _remember(root: Path, key: str, probe: Probe) -> None:
    with contextlib.suppress(OSError, RunError):  # a cache that cannot be written is no reason to fail
        root.mkdir(parents=True, exist_ok=True)
        probes = {**_remembered(root), key: probe}  # read now: another process may have added its own
        with replacing(root, CACHE, "the probes' cache") as file:
            file.write(json.dumps({key: dataclasses.asdict(probe) for key, probe in probes.items()}, indent=1).encode())


def _probe(
    config: TrainConfig, seconds: float, on_progress: Progress | None, stop: threading.Event | None, threads: int
) -> Probe:
    found: dict[str, Any] | None = None
    refused = ""
    stop = stop or threading.Event()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "vaelab.jobs.probe", str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**child_environment(), **({"OMP_NUM_THREADS": str(threads)} if threads else {})},
        ) as process,
    ):
        watched = (process, stop, time.monotonic() + PROBE_TIMEOUT_SECONDS + seconds)
        threading.Thread(target=_kill_in_time, args=watched, daemon=True).start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):  # killed before it listened
                process.stdin.write(json.dumps(config.to_dict()))
                process.stdin.close()
            for line in process.stdout:
                told = json.loads(line)
                found, refused = told.get("probe", found), told.get("refused", refused)
                if on_progress is not None and "share" in told:
                    on_progress(told["share"])
        finally:
            process.kill()
        errors.seek(0)
        said = errors.read().strip().splitlines()
    if stop.is_set():
        raise RunError("the measurement was stopped")
    if refused:
        raise ConfigError(refused)
    if found is None:
        last = said[-1] if said else "it was killed, perhaps for want of memory"
        raise RunError(
            f"the training step cannot be measured: {last}; a smaller batch_size, width or size needs less memory"
        )
    return Probe(**found)


def _kill_in_time(process: subprocess.Popen[str], stop: threading.Event, deadline: float) -> None:
    """Kill the process once it is to stop or out of time; importing torch alone takes it seconds."""
    while process.poll() is None:
        if stop.wait(0.1) or time.monotonic() > deadline:
            process.kill()
            return
