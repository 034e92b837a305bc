"""Several processes on one step: every rank takes its part of the documents, gradients are summed (gloo on
CPUs, NCCL on GPUs).

Started by `torchrun --nproc-per-node N`; without it there is one rank and every function here does nothing. All
ranks hold equal weights and make the same update, so only rank 0 writes.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import distributed

T = TypeVar("T")


def start() -> tuple[int, int]:
    """(rank, number of ranks); joins the group torchrun has described, if it has."""
    if not distributed.is_torchelastic_launched():
        return 0, 1
    if not distributed.is_initialized():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    return distributed.get_rank(), distributed.get_world_size()


def sum_gradients(model: torch.nn.Module) -> None:
    """Give every rank the sum of all ranks' gradients."""
    if not distributed.is_initialized():
        return
    parameters = [p for p in model.parameters() if p.requires_grad]
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in parameters])
    distributed.all_reduce(flat)
    for parameter, piece in zip(parameters, flat.split_with_sizes([p.numel() for p in parameters]), strict=True):
        parameter.grad = piece.view_as(parameter)


def summed(values: torch.Tensor) -> torch.Tensor:
    """The sum of `values` over all ranks, on every rank (in place)."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
    return values


def gathered(items: Sequence[T]) -> list[T]:
    """The items of all ranks, rank after rank, on every rank; they must be picklable."""
    if not distributed.is_initialized():
        return list(items)
    parts: list[list[T]] = [[] for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(parts, list(items))
    return [item for part in parts for item in part]


def largest(value: int) -> int:
    """The largest of the ranks' values."""
    if not distributed.is_initialized():
        return value
    holder = torch.tensor([value])
    distributed.all_reduce(holder, distributed.ReduceOp.MAX)
    return int(holder)


def from_first(value: float) -> float:
    """Rank 0's value, on every rank."""
    if not distributed.is_initialized():
        return value
    holder = torch.tensor([value], dtype=torch.float64)
    distributed.broadcast(holder, 0)
    return float(holder)


def map_shared(function: Callable[[torch.Tensor], torch.Tensor], items: torch.Tensor) -> torch.Tensor:
    """`function` of a stack (N, ...) that maps each item by itself to one of the same shape, every rank working on
    its part.
    """
    if not distributed.is_initialized() or len(items) < distributed.get_world_size():
        return function(items)
    rank, n_ranks = distributed.get_rank(), distributed.get_world_size()
    size = -(-len(items) // n_ranks)
    mine = items.new_zeros((size, *items.shape[1:]))
    part = items[rank * size : (rank + 1) * size]
    if len(part):
        mine[: len(part)] = function(part)
    everything = items.new_empty((size * n_ranks, *items.shape[1:]))
    distributed.all_gather_into_tensor(everything, mine)
    return everything[: len(items)]


def share_of(items: Sequence[T], rank: int, n_ranks: int, cost: Callable[[T], float] = lambda _: 1.0) -> list[T]:
    """This rank's part of a sequence whose order is the same on all ranks, so that all parts cost about the same."""
    if n_ranks == 1:
        return list(items)
    loads = [0.0] * n_ranks
    mine: list[T] = []
    costs: list[tuple[float, int]] = sorted(((-cost(item), i) for i, item in enumerate(items)))
    for negative, i in costs:
        lightest = loads.index(min(loads))
        loads[lightest] -= negative
        if lightest == rank:
            mine.append(items[i])
    return mine
