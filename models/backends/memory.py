"""How much memory there is, what a row takes of it, and how running out of it looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

_MEMORY_SHARE = 0.6
"""Share of the free memory that rows may plan with; the rest covers activations and what other processes take."""
_CACHE_SLACK = 1.6
"""Cache buffers grow by a quarter in blocks and one layer is copied at a time: peak over plain keys and values."""
_SAMPLING_COPIES = 8
"""fp32 arrays over the vocabulary that a row needs while a token is drawn (scores, probabilities, sums...)."""


@dataclass(frozen=True, slots=True)
class RowCost:
    """Bytes a row needs: per token of its cache, and fixed for the vocabulary."""

    bytes_per_token: int
    n_vocab: int

    def of(self, n_tokens: int) -> float:
        return self.bytes_per_token * n_tokens * _CACHE_SLACK + self.n_vocab * 4 * _SAMPLING_COPIES

    def rows_in(self, free_bytes: int, n_tokens: int) -> int:
        """How many rows of `n_tokens` may be planned with `free_bytes` of free memory; at least 1."""
        return max(1, int(free_bytes * _MEMORY_SHARE / self.of(n_tokens)))


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
