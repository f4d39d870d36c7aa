"""What one process knows of the others' part of the batch, where a loss compares the pictures of a batch."""

from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor


class _RowsOfAllRanks(torch.autograd.Function):
    """The rows of all processes, those of the first process first; each gets back the gradients of its own."""

    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        context.count = len(rows)
        gathered = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(gathered, rows.contiguous())
        return torch.cat(gathered)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        # Every process computes the same loss from the same rows, and training divides by their number afterwards.
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        start = dist.get_rank() * context.count
        return total[start : start + context.count]


def rows_of_all_ranks(rows: Float[Tensor, "mine latent"]) -> Float[Tensor, "all latent"]:
    """`rows` of every process of a distributed training; themselves in an ordinary one, or without gradients.

    Every process must bring as many.
    """
    if dist.is_available() and dist.is_initialized() and torch.is_grad_enabled():
        gathered: Tensor = _RowsOfAllRanks.apply(rows)
        return gathered
    return rows
