"""What the engine asks of a model: read prompts, and go on by one token for many rows at once.

Two ways stand behind it: `LlamaLike`, our own forward pass over the weights transformers has loaded, for the
architectures we mean to serve well, and `TransformersNetwork`, transformers' forward pass for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from models.backends.slots import BufferPool, Places, SharedPrompt, SlotCache

_LOGITS_AT_ONCE = 32 * 1024 * 1024
"""Logits held at one time while a text is read (elements; 128 MB in fp32)."""


@dataclass(slots=True)
class Prompts:
    """U prompts as read: `last_logits` (U, V) fp32, `token_log_probs[u]` one for each id but the first, and the
    cache, (U, K, P, D) a layer (places behind a prompt's end hold rubbish)."""

    last_logits: torch.Tensor
    token_log_probs: list[list[float]]
    keys: list[torch.Tensor]
    values: list[torch.Tensor]

    def shared(self, number: int, length: int) -> SharedPrompt:
        """Prompt `number`, of `length` tokens, to be continued by several rows."""
        return SharedPrompt(
            [key[number, :, :length].contiguous() for key in self.keys],
            [value[number, :, :length].contiguous() for value in self.values],
        )


class Network(Protocol):
    """A model on its device, in inference mode."""

    device: torch.device
    cache_bytes_per_token: int
    pool: BufferPool
    shares_prompts: bool

    def read(self, sequences: Sequence[Sequence[int]]) -> Prompts:
        """One pass over whole sequences, none empty."""

    def step(self, ids: torch.Tensor, places: Places, cache: SlotCache) -> torch.Tensor:
        """Write the tokens `ids` (B,) into the first B rows of `cache` and return the next logits (B, V) fp32.
        Places with prompts that rows share are given only where `shares_prompts`."""


def build_network(model: Any) -> Network:
    """Our own forward pass where it covers the architecture, else transformers'. CheckpointError if neither."""
    from models.backends.llama_like import LlamaLike, covers
    from models.backends.transformers_network import TransformersNetwork

    return LlamaLike(model) if covers(model) else TransformersNetwork(model)


def pad_right(sequences: Sequence[Sequence[int]], device: torch.device) -> torch.Tensor:
    """Ids (U, P) int64, padded with 0. Attention is causal, so that what stands behind a sequence's end cannot
    change what is computed inside it: no mask is needed."""
    longest = max(map(len, sequences))
    return torch.tensor([[*sequence, *[0] * (longest - len(sequence))] for sequence in sequences], device=device)


def read_off(
    sequences: Sequence[Sequence[int]], ids: torch.Tensor, n_vocab: int, head: Callable[[int, int], torch.Tensor]
) -> tuple[torch.Tensor, list[list[float]]]:
    """Last logits (U, V) and every id's log-probability, the logits of tokens start..stop given by `head(start,
    stop)` (U, T, V) fp32 in pieces, because those of a large vocabulary are bigger than the weights."""
    n_rows, n_tokens = ids.shape
    ends = torch.tensor([len(sequence) - 1 for sequence in sequences], device=ids.device)
    last = torch.empty((n_rows, n_vocab), device=ids.device)
    log_probs = torch.zeros((n_rows, n_tokens), device=ids.device)
    for start, stop in _pieces(n_tokens, max(16, _LOGITS_AT_ONCE // (n_rows * n_vocab))):
        logits = head(start, stop)
        here = (ends >= start) & (ends < stop)
        last[here] = logits[here, ends[here] - start]
        targets = ids[:, start + 1 : stop + 1, None]
        used = logits[:, : targets.shape[1]]
        log_probs[:, start : start + targets.shape[1]] = used.gather(-1, targets)[..., 0] - used.logsumexp(-1)
    table = log_probs.cpu().tolist()
    return last, [row[: len(sequence) - 1] for row, sequence in zip(table, sequences, strict=True)]


def _pieces(n: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, size):
        yield start, min(start + size, n)
