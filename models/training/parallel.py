"""Several processes on one step: every rank takes its part of the documents, gradients are summed (gloo on
CPUs).

Started by `torchrun --nproc-per-node N`; without it there is one rank and every function here does nothing. All
ranks hold equal weights and make the same update, so only rank 0 writes.
"""

from typing import Any

import torch
from torch import distributed


def start() -> tuple[int, int]:
    """(rank, number of ranks); joins the group torchrun has described, if it has."""
    if not distributed.is_torchelastic_launched():
        return 0, 1
    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
    return distributed.get_rank(), distributed.get_world_size()


def sum_gradients(model: torch.nn.Module, loss: float) -> float:
    """Sum gradients and loss over all ranks; returns the summed loss."""
    if not distributed.is_initialized():
        return loss
    parameters = [p for p in model.parameters() if p.requires_grad]
    pieces = [(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in parameters]
    flat = torch.cat([*pieces, torch.tensor([loss])])
    distributed.all_reduce(flat)
    position = 0
    for parameter in parameters:
        parameter.grad = flat[position : position + parameter.numel()].view_as(parameter).clone()
        position += parameter.numel()
    return float(flat[-1])


def from_first(value: float) -> float:
    """Rank 0's value, on every rank."""
    if not distributed.is_initialized():
        return value
    holder = torch.tensor([value], dtype=torch.float64)
    distributed.broadcast(holder, 0)
    return float(holder)


def share_of(items: list[Any], rank: int, n_ranks: int) -> list[Any]:
    """This rank's part of a list whose order is the same on all ranks."""
    return items[rank::n_ranks]
