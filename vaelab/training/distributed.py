"""Several processes that train as one: started by torchrun, each takes every n-th picture of the global batch."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vaelab.errors import ConfigError


@dataclass(frozen=True)
class Ranks:
    """Which process this is, of how many."""

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def stripe(self) -> slice:
        """This process's share of anything drawn for the whole batch."""
        return slice(self.rank, None, self.world)


@contextlib.contextmanager
def process_group(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that torchrun started, each on a GPU of its own; an ordinary process joins nothing.

    Raises:
        ConfigError: more processes were started on this machine than it has GPUs.
    """
    if "WORLD_SIZE" not in os.environ:
        yield Ranks()
        return
    if device.type == "cuda":
        _take_gpu(int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count())
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def _take_gpu(local_rank: int, num_gpus: int) -> None:
    """Make `cuda` mean the GPU of this process alone."""
    if local_rank >= num_gpus:
        raise ConfigError(
            f"process {local_rank + 1} of this machine finds {num_gpus} GPU(s): start torchrun with --nproc-per-node "
            f"{num_gpus}, or train with --device cpu"
        )
    torch.cuda.set_device(local_rank)


def first_says(answers: Sequence[float], ranks: Ranks, device: torch.device) -> list[float]:
    """The first process's `answers`, in all of them: whoever leaves the loop alone leaves the others waiting."""
    if ranks.world == 1:
        return list(answers)
    shared = torch.tensor(answers, device=device, dtype=torch.float64)
    dist.broadcast(shared, src=0)
    found: list[float] = shared.tolist()
    return found


def sum_over_ranks(values: np.ndarray, ranks: Ranks, device: torch.device) -> None:
    """Replace `values` in place by their sum over all processes: where all but one hold zeros, exactly that one's."""
    if ranks.world > 1:
        shared = torch.from_numpy(values).to(device)
        dist.all_reduce(shared)
        values[...] = shared.cpu().numpy()


def wait_for_all(ranks: Ranks) -> None:
    """Return once every process has come here."""
    if ranks.world > 1:
        dist.barrier()


def parallel(objective: nn.Module, ranks: Ranks, batch_size: int) -> nn.Module:
    """`objective` with gradients averaged and batch statistics taken over all processes; itself when alone.

    Raises:
        ConfigError: the global batch does not split evenly, so its mean would not be the mean of the ranks' means.
    """
    if ranks.world == 1:
        return objective
    if batch_size % (2 * ranks.world):
        raise ConfigError(
            f"batch_size is {batch_size} for {ranks.world} processes; take a multiple of {2 * ranks.world}"
        )
    for module in list(objective.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, CrossRankBatchNorm2d.adopt(child))
    return DistributedDataParallel(objective)


class _MeanOverRanks(torch.autograd.Function):
    """The mean of a tensor over the processes; its gradient is the mean of their gradients."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        return _mean_of_ranks(value)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _mean_of_ranks(gradient)


def _mean_of_ranks(value: Tensor) -> Tensor:
    mean = value.detach().clone()
    dist.all_reduce(mean)
    return mean / dist.get_world_size()


class CrossRankBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the global batch, on any device.

    torch's SyncBatchNorm does the same but refuses tensors on the CPU. Parameters and buffers keep their names.
    """

    @classmethod
    def adopt(cls, layer: nn.BatchNorm2d) -> "CrossRankBatchNorm2d":
        """A cross-rank layer with the very parameters and buffers of `layer`, which an optimizer may hold already."""
        adopted = cls(layer.num_features, layer.eps, layer.momentum)
        adopted._parameters.update(layer._parameters)
        adopted._buffers.update(layer._buffers)
        return adopted

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        count = dist.get_world_size() * input.numel() // input.shape[1]
        mean: Tensor = _MeanOverRanks.apply(input.mean((0, 2, 3)))
        centred = input - mean[:, None, None]
        variance: Tensor = _MeanOverRanks.apply(centred.square().mean((0, 2, 3)))
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        normalised = centred * (variance + self.eps).rsqrt()[:, None, None]
        return normalised * self.weight[:, None, None] + self.bias[:, None, None]
