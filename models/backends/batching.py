"""Which sequences are decoded together: batches sized from the memory that is free now.

Rows are ordered by prompt length, which keeps padding small; samples of one prompt stay together, so that the
prompt is read once for all of them in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from models.backends.base import Request

_MEMORY_SHARE = 0.6
"""Share of the free memory a batch may plan with; the rest covers activations and what other processes take."""
_CACHE_SLACK = 1.6
"""Cache buffers grow by half and one layer is copied at a time: peak over plain keys and values."""
_SAMPLING_COPIES = 8
"""fp32 arrays over the vocabulary that a row needs while a token is drawn (scores, sorted, cumulative...)."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """An encoded request, told apart by identity. `limit` is max_new_tokens cut to what the context leaves;
    `stop_ids` end a sample."""

    request: Request
    ids: tuple[int, ...]
    limit: int
    stop_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence to decode: sample `index` of `prompt`."""

    prompt: Prompt
    index: int


@dataclass(frozen=True, slots=True)
class RowCost:
    """Bytes a row needs: per token of its cache, and fixed for the vocabulary."""

    bytes_per_token: int
    n_vocab: int

    def of(self, n_tokens: int) -> float:
        return self.bytes_per_token * n_tokens * _CACHE_SLACK + self.n_vocab * 4 * _SAMPLING_COPIES


def plan_batches(prompts: Sequence[Prompt], cost: RowCost, free_bytes: int, max_rows: int) -> list[list[Row]]:
    """Every sample of every prompt in batches of at most `max_rows` that fit `free_bytes` at full length (at
    least 1)."""
    ordered = sorted(prompts, key=lambda prompt: len(prompt.ids))
    rows = [Row(prompt, index) for prompt in ordered for index in range(prompt.request.n)]
    budget = free_bytes * _MEMORY_SHARE
    batches: list[list[Row]] = []
    longest_prompt = longest_limit = 0
    for row in rows:
        longest_prompt = max(longest_prompt, len(row.prompt.ids))
        longest_limit = max(longest_limit, row.prompt.limit)
        size = len(batches[-1]) + 1 if batches else max_rows + 1
        if size > max_rows or size * cost.of(longest_prompt + longest_limit) > budget:
            batches.append([])
            longest_prompt, longest_limit = len(row.prompt.ids), row.prompt.limit
        batches[-1].append(row)
    return batches


def free_memory(device: torch.device) -> int:
    """Bytes that can still be used on `device`; on the CPU the container's limit counts where there is one."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    available = int(psutil.virtual_memory().available)
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    try:
        left = int(limit.read_text()) - int(used.read_text())
    except (OSError, ValueError):
        return available
    return max(0, min(available, left))


def used_memory(device: torch.device) -> int:
    """Bytes allocated on a GPU `device`, or resident in this process."""
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether torch ran out of memory; the CPU allocator says so with a plain RuntimeError."""
    if isinstance(fault, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(fault)
    return isinstance(fault, RuntimeError) and ("not enough memory" in text or "can't allocate memory" in text)
