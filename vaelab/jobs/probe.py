"""The process that measures a training step: `python -m vaelab.jobs.probe SECONDS`, the config as JSON on its input.

It answers with one JSON object per line: {"share": 0.3} while it works, and at the end {"probe": {...}}, or {"refused":
"why"} where a training with this config would be refused too.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from vaelab.backbone import attach_backbone
from vaelab.config import TrainConfig, from_dict, replace
from vaelab.errors import VaelabError
from vaelab.jobs.environment import give_way
from vaelab.losses import LossParts
from vaelab.models import build_model, count_parameters
from vaelab.models.vgg import VGG19VAE
from vaelab.rng import generator
from vaelab.runs.store import RUNS_DIR
from vaelab.training.memory import keep_freed_memory
from vaelab.training.perceptual import perceptual_distance
from vaelab.training.pixels import room_for_pixels
from vaelab.training.schedules import ema_decay
from vaelab.training.step import (
    Averages,
    Objective,
    compiled,
    descend,
    evaluating,
    pick_device,
    pick_precision,
    wait_for_device,
)

WARM_UP_STEPS = 2


def measure(config: TrainConfig, seconds: float, started: float) -> Iterator[dict[str, Any]]:
    """Step the config's own network on random pictures for `seconds`; yields progress, then what was found.

    Args:
        started: `time.monotonic()` when the process began to work.
    """
    device = pick_device(config.run.device)
    keep_freed_memory(device)  # as a training does
    room = room_for_pixels(device)
    step, encode = _real_step(config, device)
    for _ in range(WARM_UP_STEPS):
        step()
    start_seconds = time.monotonic() - started
    times, begun = [step()], time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        times.append(step())
        yield {"share": min(passed / seconds, 1.0)}
    encode()
    encode_seconds = encode()
    low, high = (statistics.quantiles(times, n=10)[end] for end in (0, -1)) if len(times) > 1 else (times[0], times[0])
    yield {
        "probe": {
            "start_seconds": start_seconds,
            "step_seconds": statistics.median(times),
            "step_seconds_low": low,
            "step_seconds_high": high,
            "encode_seconds": encode_seconds,
            "memory_bytes": _peak_memory_bytes(device),
            "room_for_pixels_bytes": room,
            "parameter_bytes": 4 * count_parameters(build_model(config)),
        }
    }


def _real_step(config: TrainConfig, device: torch.device) -> tuple[Callable[[], float], Callable[[], float]]:
    """Two functions that return how many seconds they took: one training step, and one encoding per picture."""
    network = build_model(config)
    if config.model.linear_path:  # its components are found from the data, which a probe does not read
        for tensor in network.state_dict().values():
            if tensor.is_floating_point() and not tensor.any():
                tensor.copy_(torch.full_like(tensor, 1e-3))
    perceptual = perceptual_distance(config, RUNS_DIR, device)
    objective = Objective(network, config.loss, perceptual).to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(objective.parameters(), 1e-6, weight_decay=config.optim.weight_decay, fused=True)
    averages = None
    if config.optim.ema_half_life:
        decay = ema_decay(config.optim.ema_half_life, config.optim.batch_size)
        averages = Averages(objective, decay)
    precision = pick_precision(config.run, device)
    batch, size = config.optim.batch_size, config.data.size
    faces = batch // 2 if config.needs_nonfaces else batch
    noise = generator(config.run.seed, "probe")
    images = torch.rand(batch, 3, size, size, generator=noise).to(device, memory_format=torch.channels_last)
    drawn = batch if config.loss.mask == "as-published" else faces
    eps = torch.randn(drawn, config.model.latent, generator=noise).to(device) if config.has_decoder else None
    beta = torch.tensor(config.loss.beta, device=device)
    call: Callable[..., LossParts] = compiled(objective) if config.run.compile else objective
    features = None
    if isinstance(network, VGG19VAE):  # any weights cost the same, and training reads features from the disk
        attach_backbone(network, replace(config, backbone="random"), device)
        features = torch.rand(batch, network.num_features, generator=noise).to(device)

    def step() -> float:
        begun = time.perf_counter()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
            loss = call(images, faces, eps, beta, features).loss
        descend(loss, objective, optimizer, averages, config.optim.clip_norm)
        wait_for_device(device)
        return time.perf_counter() - begun

    def encode() -> float:
        begun = time.perf_counter()
        with evaluating(objective):
            network.encode(images)
        wait_for_device(device)
        return (time.perf_counter() - begun) / batch

    return step, encode


def _peak_memory_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved()
    try:
        import resource
    except ImportError:  # Windows counts otherwise; nothing is said rather than something wrong
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Read the config, measure, tell."""
    started = time.monotonic()
    give_way()
    try:
        for told in measure(from_dict(json.load(sys.stdin)), float(sys.argv[1]), started):
            _tell(told)
    except VaelabError as error:
        _tell({"refused": str(error)})


def _tell(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
