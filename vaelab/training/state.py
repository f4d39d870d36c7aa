"""Saving a training and continuing it exactly: weights, averages, optimizer, resampling; no random state."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vaelab.errors import CheckpointError, TrainingDiverged
from vaelab.runs.checkpoints import load_weights, read_checkpoint, write_checkpoint
from vaelab.runs.control import Intervention, interventions
from vaelab.runs.store import Run, RunStatus
from vaelab.training.feed import Feed
from vaelab.training.step import Averages, Objective


def averaged(objective: Objective, averages: Averages | None) -> Objective:
    """The objective with averaged weights, where they are averaged: what is validated, saved and shown."""
    return objective if averages is None else averages.module


def check_finite(objective: Objective, optimizer: torch.optim.Optimizer, images_seen: int) -> None:
    """Refuse to go on with weights or moments that are not finite; the loss would show it one step later.

    Raises:
        TrainingDiverged: names the first such tensor. Nothing was written, so the last state stays sound.
    """
    tensors = dict(objective.state_dict())
    for index, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"{slot} of parameter {index}": value for slot, value in slots.items()}
    device = next(objective.parameters()).device
    sums = torch.stack([tensor.sum().to(device, torch.float32) for tensor in tensors.values()])
    if bool(sums.isfinite().all()):  # then all that was summed is, and a sum takes a tenth of the time of a look at all
        return
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise TrainingDiverged(
                f"{name} is no longer finite at {images_seen:,} images; the last saved state is untouched: "
                "resume with a lower learning rate or a clip_norm"
            )


def save_state(
    run: Run,
    objective: Objective,
    averages: Averages | None,
    optimizer: torch.optim.Optimizer,
    status: RunStatus,
    feed: Feed,
    changes: Sequence[Intervention],
) -> None:
    """Write what the pages load (averaged weights) and what resuming needs (everything)."""
    network = averaged(objective, averages).network
    write_checkpoint(run, run.weights_path, network.state_dict(), {"images_seen": status.images_seen})
    tensors = {f"objective.{name}": tensor for name, tensor in objective.state_dict().items()}
    if averages is not None:
        tensors |= {f"averages.{name}": tensor for name, tensor in averages.state_dict().items()}
    for index, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{slot}": value for slot, value in slots.items()}
    if feed.faces.sample_probs is not None:
        tensors["sample_probs"] = torch.from_numpy(feed.faces.sample_probs)
    record = {
        "images_seen": status.images_seen,
        "seconds": status.train_seconds,
        "changes": [vars(change) for change in changes if change.images_seen <= status.images_seen],
    }
    write_checkpoint(run, run.state_path, tensors, record)


def restore_state(
    run: Run, objective: Objective, averages: Averages | None, optimizer: torch.optim.Optimizer
) -> tuple[RunStatus, np.ndarray | None, list[Intervention]]:
    """Put the saved state back; returns the status it was saved with, the draw probabilities, if there were any, and
    the settings that were changed by then.
    """
    state = read_checkpoint(run.state_path)
    load_weights(objective, state.part("objective"), str(run.state_path))
    if averages is not None:
        load_weights(averages, state.part("averages"), str(run.state_path))
    slots: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in state.part("optimizer").items():
        number, slot = name.split(".")
        slots[int(number)][slot] = tensor
    groups = optimizer.state_dict()["param_groups"]
    if sorted(slots) != groups[0]["params"]:
        raise CheckpointError(f"{run.state_path}: the optimizer state does not fit the network; start the run anew")
    for index, parameter in enumerate(optimizer.param_groups[0]["params"]):
        for slot, tensor in slots[index].items():
            if tensor.shape == parameter.shape:
                # A file knows no channels-last, but the fused optimizer walks a moment as it walks its parameter.
                slots[index][slot] = torch.empty_like(parameter).copy_(tensor)
    optimizer.load_state_dict({"state": dict(slots), "param_groups": groups})
    probs = state.tensors.get("sample_probs")
    record = state.record
    status = RunStatus("running", record["images_seen"], record["seconds"])
    return status, None if probs is None else probs.numpy(), interventions(record.get("changes", []))
