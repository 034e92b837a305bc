"""Run whole token sequences through the model once: cache, last logits, and every token's log-probability.

Sequences of unequal length are padded on the left and masked. Logits are fp32 from the moment they leave the
model, and are made in pieces, because (batch, tokens, vocabulary) of a large vocabulary is bigger than the
model's weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from models.backends.kv_cache import build_cache

_LOGITS_AT_ONCE = 32 * 1024 * 1024
"""Logits held at one time (elements; 128 MB in fp32)."""


@dataclass(slots=True)
class Prefilled:
    """`last_logits` (U, V) fp32; `token_log_probs[u]` has one entry per id but the first; `mask` (U, P) or
    None."""

    cache: DynamicCache
    last_logits: torch.Tensor
    token_log_probs: list[list[float]]
    mask: torch.Tensor | None


@torch.inference_mode()
def prefill(model: Any, sequences: Sequence[Sequence[int]], pad_id: int) -> Prefilled:
    """One forward pass over `sequences` (U of them, none empty), in pieces along the tokens where memory asks
    for it."""
    ids, mask = pad_left(sequences, pad_id, model.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    padded = not bool(mask.all())
    cache = build_cache(model.config)
    n_rows, n_tokens = ids.shape
    width = max(16, _LOGITS_AT_ONCE // (n_rows * model.config.get_text_config(decoder=True).vocab_size))
    pieces: list[torch.Tensor] = []
    logits = torch.empty(0)
    for start in range(0, n_tokens, width):
        stop = min(start + width, n_tokens)
        output = model(
            input_ids=ids[:, start:stop],
            attention_mask=mask[:, :stop] if padded else None,
            position_ids=positions[:, start:stop],
            past_key_values=cache,
            use_cache=True,
        )
        logits = output.logits.float()
        pieces.append(_next_log_probs(logits, ids[:, start + 1 : stop + 1]))
    table = torch.cat(pieces, dim=1).cpu().tolist()
    log_probs = [row[n_tokens - len(seq) :] for row, seq in zip(table, sequences, strict=True)]
    return Prefilled(cache, logits[:, -1].clone(), log_probs, mask if padded else None)


def pad_left(
    sequences: Sequence[Sequence[int]], pad_id: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask (1 = token), both (U, P) int64."""
    longest = max(len(seq) for seq in sequences)
    ids = [[pad_id] * (longest - len(seq)) + list(seq) for seq in sequences]
    mask = [[0] * (longest - len(seq)) + [1] * len(seq) for seq in sequences]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _next_log_probs(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Log-probability (U, T) of `targets` (U, T) under `logits` (U, T or T + 1, V)."""
    used = logits[:, : targets.shape[1]]
    chosen = used.gather(-1, targets[..., None]).squeeze(-1)
    return chosen - used.logsumexp(-1)
