"""Keys and values of the rows being decoded: one buffer per layer, row b's token at position p at place p.

No padding on the left and no shifting: a row enters by writing its prompt, grows by writing one column, and
leaves by having another row copied over it. Buffers grow in blocks, because products over a buffer much wider
than what is in use were seen to run at half the speed (memory pages).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

_BLOCK = 32


class SlotCache:
    """`keys` and `values`: one (R, K, T, D) tensor a layer, R rows, K key/value heads, T places of width D."""

    def __init__(self) -> None:
        self.keys: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []

    def reserve(self, like: torch.Tensor, n_layers: int, n_rows: int, length: int) -> None:
        """Room for `n_rows` of `length` tokens, what is there kept; `like` (U, K, P, D) tells heads and type."""
        rows, places = (self.keys[0].shape[0], self.keys[0].shape[2]) if self.keys else (0, 0)
        if n_rows <= rows and length <= places:
            return
        n_rows = max(n_rows, rows)
        length = places if length <= places else -(-max(length, places + places // 4) // _BLOCK) * _BLOCK
        shape = (n_rows, like.shape[1], length, like.shape[3])
        for side in (self.keys, self.values):
            for layer in range(n_layers):
                buffer = like.new_empty(shape)
                buffer[rows:] = 0  # never NaN: a masked place still enters the products
                buffer[:rows, :, places:] = 0
                if layer < len(side):
                    buffer[:rows, :, :places] = side[layer]
                    side[layer] = buffer
                else:
                    side.append(buffer)

    def write_prompts(self, first: int, keys: list[torch.Tensor], values: list[torch.Tensor], pick: torch.Tensor) -> None:
        """Rows from `first` on: prompt `pick[i]` of `keys` and `values` (U, K, P, D) a layer."""
        stop, length = first + len(pick), keys[0].shape[2]
        for layer, (key, value) in enumerate(zip(keys, values, strict=True)):
            self.keys[layer][first:stop, :, :length] = key.index_select(0, pick)
            self.values[layer][first:stop, :, :length] = value.index_select(0, pick)

    def write(self, layer: int, key: torch.Tensor, value: torch.Tensor, at: Places) -> None:
        """One token (B, K, D) a row at the rows' places."""
        for buffer, new in ((self.keys[layer], key), (self.values[layer], value)):
            if at.same is not None:
                buffer[: len(new), :, at.same] = new
            else:
                buffer[at.rows, :, at.positions] = new

    def copy_rows(self, sources: Sequence[int], targets: Sequence[int], start: int, stop: int) -> None:
        """Row by row, places `start` to `stop`, as if all were copied at once."""
        if not sources:
            return
        device = self.keys[0].device
        source, target = torch.tensor(sources, device=device), torch.tensor(targets, device=device)
        for buffer in (*self.keys, *self.values):
            buffer[target, :, start:stop] = buffer[source, :, start:stop]

    def release(self) -> None:
        """Give the memory back; no row may be in use."""
        self.keys.clear()
        self.values.clear()


class Places:
    """Where the next token of B rows goes. `same` is the place if it is one for all, so that no row needs a
    mask; `length` is the number of places that count, and `bias` (B, 1, 1, length) fp32 is 0 where a row has a
    token and -inf where not (None if `same`)."""

    def __init__(self, positions: Sequence[int], device: torch.device) -> None:
        self.positions = torch.tensor(positions, device=device)
        self.length = max(positions) + 1
        self.same = positions[0] if min(positions) == self.length - 1 else None
        self.bias: torch.Tensor | None = None
        if self.same is None:
            self.rows = torch.arange(len(positions), device=device)
            unwritten = torch.arange(self.length, device=device) > self.positions[:, None]
            bias = torch.zeros(unwritten.shape, device=device).masked_fill_(unwritten, -torch.inf)
            self.bias = bias[:, None, None]
