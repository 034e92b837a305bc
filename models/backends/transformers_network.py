"""Transformers' own forward pass behind the engine's cache, for architectures `llama_like` does not cover.

Served: decoder-only models whose layers all attend to everything, or all through one sliding window. Models
that keep other state (state-space, linear attention) or mix windows are refused when they are loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from models.backends.network import Prompts, pad_right, read_off
from models.backends.slots import BufferPool, Places, SlotCache
from models.errors import CheckpointError


class TransformersNetwork:
    """See `models.backends.network.Network`."""

    shares_prompts = False

    def __init__(self, model: Any) -> None:
        self._model = model
        self.device: torch.device = model.device
        self.pool = BufferPool(model.dtype, model.device)
        config = model.config.get_text_config(decoder=True)
        self._window = _window(model.config)
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.cache_bytes_per_token = int(2 * config.num_hidden_layers * heads * width * model.dtype.itemsize)
        self._n_vocab = int(config.vocab_size)

    @torch.inference_mode()
    def read(self, sequences: Sequence[Sequence[int]]) -> Prompts:
        ids = pad_right(sequences, self.device)
        cache = DynamicCache()

        def head(start: int, stop: int) -> torch.Tensor:
            output = self._model(
                input_ids=ids[:, start:stop],
                position_ids=torch.arange(start, stop, device=self.device)[None].expand(len(ids), -1),
                past_key_values=cache,
                use_cache=True,
            )
            logits: torch.Tensor = output.logits
            return logits.float()

        last, log_probs = read_off(sequences, ids, self._n_vocab, head)
        return Prompts(
            last, log_probs, [layer.keys for layer in cache.layers], [layer.values for layer in cache.layers]
        )

    @torch.inference_mode()
    def step(self, ids: torch.Tensor, places: Places, cache: SlotCache) -> torch.Tensor:
        view = DynamicCache()
        view.layers = [_SlotLayer(cache, number, places) for number in range(len(cache.keys))]
        output = self._model(
            input_ids=ids[:, None],
            attention_mask=self._mask(places, cache.n_places),
            position_ids=places.positions[:, None],
            past_key_values=view,
            use_cache=True,
        )
        logits: torch.Tensor = output.logits
        return logits[:, -1].float()

    def _mask(self, places: Places, n_places: int) -> torch.Tensor:
        """(B, 1, 1, n_places): 0 where a row looks, the least number where it does not."""
        at = torch.arange(n_places, device=self.device)
        position = places.positions[:, None]
        hidden = at > position
        if self._window is not None:
            hidden |= at <= position - self._window
        least = torch.finfo(self._model.dtype).min
        mask = torch.zeros(hidden.shape, dtype=self._model.dtype, device=self.device).masked_fill_(hidden, least)
        return mask[:, None, None]


class _SlotLayer(DynamicLayer):  # type: ignore[misc]
    """One layer of the engine's cache in the shape transformers' attention asks for."""

    def __init__(self, cache: SlotCache, number: int, places: Places) -> None:
        super().__init__()
        self._cache, self._number, self._places = cache, number, places

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self._cache.write(self._number, key_states[:, :, 0], value_states[:, :, 0], self._places)
        n_rows = len(key_states)
        return self._cache.keys[self._number][:n_rows], self._cache.values[self._number][:n_rows]

    def get_seq_length(self) -> int:
        return self._cache.n_places - 1


def _window(config: Any) -> int | None:
    """The sliding window all layers share, or None where all attend to everything."""
    for layer in DynamicCache(config=config).layers:
        if not isinstance(layer, DynamicLayer):
            raise CheckpointError(
                f"architecture {config.model_type!r} is not served: it keeps {type(layer).__name__} state; "
                "attention-only causal language models (Llama, Qwen3, Qwen3-MoE, Mixtral, ...) are"
            )
    windows = {getattr(layer, "sliding_window", None) for layer in DynamicCache(config=config).layers}
    if len(windows) > 1:
        raise CheckpointError(
            f"architecture {config.model_type!r} is not served: its layers attend through different windows"
        )
    return next(iter(windows), None)
