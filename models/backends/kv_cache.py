"""A key/value cache that grows by blocks in place of concatenating every step, and can drop or repeat rows.

Full-attention layers get `GrowingLayer`; sliding-window layers keep transformers' own. Layers that are not
attention caches (state-space, linear attention) cannot be repeated and selected row by row, so they are
refused at load.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedConfig
from transformers.cache_utils import DynamicCache, DynamicLayer

from models.errors import CheckpointError

_BLOCK = 32


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values (B, H, T, D) as views into buffers with room to spare; `update` writes in place."""

    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self._key_buffer: torch.Tensor | None = None
        self._value_buffer: torch.Tensor | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        length = self.get_seq_length()
        needed = length + key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        if self._key_buffer is None or self._value_buffer is None or needed > self._key_buffer.shape[-2]:
            capacity = needed if length == 0 else max(needed, length + length // 2)
            capacity = -(-capacity // _BLOCK) * _BLOCK
            self._key_buffer = _grown(self.keys, key_states, length, capacity)
            self._value_buffer = _grown(self.values, value_states, length, capacity)
        self._key_buffer[:, :, length:needed] = key_states
        self._value_buffer[:, :, length:needed] = value_states
        self.keys = self._key_buffer[:, :, :needed]
        self.values = self._value_buffer[:, :, :needed]
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep the rows `indices` (R,), in that order; an index may repeat."""
        if self._key_buffer is None or self._value_buffer is None:
            return
        length = self.get_seq_length()
        self._key_buffer = self._key_buffer.index_select(0, indices)
        self._value_buffer = self._value_buffer.index_select(0, indices)
        self.keys = self._key_buffer[:, :, :length]
        self.values = self._value_buffer[:, :, :length]


def _grown(old: torch.Tensor, new: torch.Tensor, length: int, capacity: int) -> torch.Tensor:
    batch, heads, _, width = new.shape
    buffer = new.new_empty((batch, heads, capacity, width))
    if length:
        buffer[:, :, :length] = old
    return buffer


def build_cache(config: PreTrainedConfig) -> DynamicCache:
    """An empty cache for `config`; CheckpointError if the architecture keeps state that is not keys and
    values."""
    cache = DynamicCache(config=config)
    for layer in cache.layers:
        if not isinstance(layer, DynamicLayer):
            kind = type(layer).__name__
            raise CheckpointError(
                f"architecture {config.model_type!r} is not served: it keeps {kind} state; "
                "attention-only causal language models (Llama, Qwen3, Qwen3-MoE, Mixtral, ...) are"
            )
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def cache_bytes_per_token(config: PreTrainedConfig, element_size: int) -> int:
    """Bytes of keys and values that one token of one sequence adds, all layers together."""
    text = config.get_text_config(decoder=True)
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * width * element_size)
