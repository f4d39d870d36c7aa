"""Several processes that train as one: started by torchrun, each takes every n-th picture of the global batch."""

import atexit
import contextlib
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.distributed.nn.functional  # before a group is: imported in one, by an optimizer, it keeps it for good
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from vaelab.errors import Cancelled, ConfigError, VaelabError

PATIENCE_SECONDS = 600.0
"""How long the first process waits for the others: some import torch from a disk that all of them share."""
MEETING_TICK_SECONDS = 0.02


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

    All leave together, at the end or cancelled. One that fails leaves the group to the end of its process: NCCL takes a
    group apart only with the others, who wait for an answer from this one and would keep it from saying why it failed.
    gloo needs nobody for it once its exchanges are over, as they are at an error of ours, and must go before the
    interpreter: a thread of gloo that lets go of a tensor after that aborts the process.

    Raises:
        ConfigError: more processes were started on this machine than it has GPUs, or not all of them came; or they are
            to train on Apple GPUs, between which torch sends nothing.
    """
    if "WORLD_SIZE" not in os.environ:
        yield Ranks()
        return
    if device.type == "mps" and os.environ["WORLD_SIZE"] != "1":
        raise ConfigError("several processes cannot train on Apple GPUs; train with --device cpu, or with one process")
    if device.type == "cuda":
        _take_gpu(int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count())
    shared, rank, world = next(rendezvous("env://"))
    meeting = store_of_this_meeting(shared, rank, world)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", store=meeting, rank=rank, world_size=world)
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    except Cancelled:
        dist.destroy_process_group()
        raise
    except VaelabError:
        if device.type == "cpu":
            atexit.register(dist.destroy_process_group)
        raise
    dist.destroy_process_group()


def store_of_this_meeting(shared: Store, rank: int, world: int) -> PrefixStore:
    """A part of `shared` in which the processes that start now find nothing but what they write themselves.

    torchrun 2.15 keeps one store over all restarts of its processes, so that addresses of those that died lie where
    their successors look for each other. Counting restarts would not tell them apart: each machine counts its own. The
    first process makes up a name, and tells it everybody who asks with a name of their own.

    Raises:
        ConfigError: not all of the processes came.
    """
    if rank:
        mine = uuid.uuid4().hex
        shared.set(f"vaelab/asks/{rank}", mine)
        name = shared.get(f"vaelab/told/{mine}").decode()
        shared.add(f"vaelab/heard/{name}", 1)
        return PrefixStore(name, shared)
    name, told = uuid.uuid4().hex, dict[int, str]()
    patience = time.monotonic() + PATIENCE_SECONDS
    while (heard := shared.add(f"vaelab/heard/{name}", 0)) < world - 1:
        if time.monotonic() > patience:
            raise ConfigError(
                f"{world - 1 - heard} of {world} processes did not come in {PATIENCE_SECONDS:.0f} seconds"
            )
        for other in range(1, world):
            if not shared.check([f"vaelab/asks/{other}"]):
                continue
            asks = shared.get(f"vaelab/asks/{other}").decode()  # of one that died, until its successor asks
            if told.get(other) != asks:
                told[other] = asks
                shared.set(f"vaelab/told/{asks}", name)
        time.sleep(MEETING_TICK_SECONDS)
    return PrefixStore(name, shared)


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


def check_same_start(images_seen: int, ranks: Ranks, device: torch.device) -> None:
    """See that all processes go on from the same clock.

    Raises:
        ConfigError: they do not; raised in all of them.
    """
    clocks = np.zeros(ranks.world, np.int64)
    clocks[ranks.rank] = images_seen
    sum_over_ranks(clocks, ranks, device)
    if (clocks != images_seen).any():
        raise ConfigError(
            f"the processes found states from {clocks.min():,} to {clocks.max():,} images: checkpoints/ must be one "
            "folder for all machines, or --root name one that they share"
        )


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
    replicated = DistributedDataParallel(objective)
    replicated.broadcast_buffers = False  # sent once now; batch statistics stay equal by how they are taken
    return replicated


class _NormaliseOverRanks(torch.autograd.Function):
    """Batch norm of equal shares of a batch by what is true of the whole; gives mean and variance back as well.

    One exchange forwards and one backwards, of two numbers for each channel.
    """

    @staticmethod
    def forward(context: Any, input: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        mine = torch.stack(torch.var_mean(input.float(), (0, 2, 3), correction=0))
        every = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
        dist.all_gather(every, mine)
        variances, means = torch.stack(every).unbind(1)
        mean = means.mean(0)
        variance = variances.mean(0) + (means - mean).square().mean(0)
        context.save_for_backward(input, weight, mean, (variance + eps).rsqrt())
        context.mark_non_differentiable(mean, variance)
        return F.batch_norm(input, mean, variance, weight, bias, training=False, eps=eps), mean, variance

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        input, weight, mean, scale = context.saved_tensors
        gradient = gradients[0].float()
        normalised = (input.float() - mean[:, None, None]).mul_(scale[:, None, None])
        of_bias, of_weight = gradient.sum((0, 2, 3)), (gradient * normalised).sum((0, 2, 3))
        shared = torch.stack([of_bias, of_weight])
        dist.all_reduce(shared)
        count = dist.get_world_size() * input.numel() // input.shape[1]
        along_mean, along_scale = (shared / count)[:, :, None, None]
        of_input = (gradient - along_mean).sub_(normalised.mul_(along_scale)).mul_((weight * scale)[:, None, None])
        return of_input.to(input.dtype), of_weight, of_bias, None


class CrossRankBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the global batch, on any device.

    torch's SyncBatchNorm does the same but refuses tensors on the CPU. Parameters and buffers keep their names. Under
    autocast, as torch's batch norms, it computes in float32 and gives back the precision it was given.
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
        found: tuple[Tensor, Tensor, Tensor] = _NormaliseOverRanks.apply(input, self.weight, self.bias, self.eps)
        normalised, mean, variance = found
        count = dist.get_world_size() * input.numel() // input.shape[1]
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        return normalised
