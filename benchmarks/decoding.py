"""Decoding: milliseconds for one latent and for a hundred, and the floating-point operations a picture costs."""

from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.interleaved import interleaved
from vaelab.inference import FaceModel
from vaelab.runs.store import Run


def measure(run: Run, rounds: int) -> dict[str, Any]:
    """Latency of `FaceModel.decode` on one thread, as the pages call it."""
    model = FaceModel.load(run)
    one, hundred = (model.sample_latents(count, seed=0) for count in (1, 100))
    found = interleaved({"one": lambda: model.decode(one), "hundred": lambda: model.decode(hundred)}, rounds)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model.network.decode(torch.from_numpy(one))
    return {
        "what": f"decoding with {run.id}",
        "one_latent_ms": 1e3 * found["one"].median,
        "hundred_latents_ms": 1e3 * found["hundred"].median,
        "mflop_per_picture": counter.get_total_flops() / 1e6,
        "rounds": rounds,
    }
