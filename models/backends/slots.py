"""Keys and values of the rows being decoded: one buffer per layer, row b's token at position p at place p.

A long prompt that many rows continue is kept once, beside the rows, whose places then count from its end. No
padding on the left and no shifting: a row enters by writing its prompt, grows by writing one place, and leaves
by having another row copied over it. Products run over whole buffers, places not written yet masked: over a
part of a wider buffer they were seen to take up to twice the time on a CPU (each row's gap stops the
prefetcher). So buffers are widened in small blocks, and their memory is taken from a pool and given back to it,
because touching fresh memory costs as much as copying into used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

_BLOCK = 16
_SLACK = 2
"""Fresh memory on a CPU is asked for with this much to spare: untouched it costs nothing, and it lets the next,
wider buffer be cut from it."""
_POOL_BYTES = 512 * 1024 * 1024
"""Memory a pool keeps while nothing is decoded."""


class BufferPool:
    """Flat pieces of memory of one number type, given back by one cache and reused by the next."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self._dtype, self._device = dtype, device
        self._free: list[torch.Tensor] = []

    def take(self, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """A buffer of `shape` with undefined content, and the piece it is cut from."""
        size = math.prod(shape)
        fitting = [piece for piece in self._free if piece.numel() >= size]
        if fitting:
            piece = min(fitting, key=torch.Tensor.numel)
            self._free = [other for other in self._free if other is not piece]
        else:
            slack = _SLACK if self._device.type == "cpu" else 1
            piece = torch.empty(size * slack, dtype=self._dtype, device=self._device)
        return piece[:size].view(shape), piece

    def give(self, piece: torch.Tensor) -> None:
        self._free.append(piece)

    def trim(self) -> None:
        """Forget what is more than a pool may keep, largest pieces first."""
        self._free.sort(key=torch.Tensor.numel)
        while sum(piece.nbytes for piece in self._free) > _POOL_BYTES:
            self._free.pop()


class SlotCache:
    """`keys` and `values`: one (R, K, T, D) tensor a layer, R rows, K key/value heads, T places of width D."""

    def __init__(self, pool: BufferPool) -> None:
        self._pool = pool
        self.keys: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []
        self._pieces: list[torch.Tensor] = []

    @property
    def n_places(self) -> int:
        return self.keys[0].shape[2] if self.keys else 0

    def reserve(self, like: torch.Tensor, n_layers: int, n_rows: int, length: int) -> None:
        """Room for `n_rows` of `length` tokens, what is there kept; `like` (U, K, P, D) tells heads and width."""
        rows, places = (self.keys[0].shape[0], self.n_places) if self.keys else (0, 0)
        if n_rows <= rows and length <= places:
            return
        n_rows = max(n_rows, rows)
        length = places if length <= places else -(-max(length, places + places // 8) // _BLOCK) * _BLOCK
        shape = (n_rows, like.shape[1], length, like.shape[3])
        fresh = not self.keys
        for layer in range(n_layers):
            for number, side in enumerate((self.keys, self.values)):
                buffer, piece = self._pool.take(shape)
                buffer[rows:] = 0  # never NaN: a masked place still enters the products
                buffer[:rows, :, places:] = 0
                if fresh:
                    side.append(buffer)
                    self._pieces.append(piece)
                else:
                    buffer[:rows, :, :places] = side[layer]
                    side[layer] = buffer
                    self._pool.give(self._pieces[2 * layer + number])
                    self._pieces[2 * layer + number] = piece

    def write_prompts(
        self, first: int, keys: list[torch.Tensor], values: list[torch.Tensor], pick: torch.Tensor, length: int
    ) -> None:
        """Rows from `first` on: the first `length` tokens of prompt `pick[i]` of `keys` and `values` (U, K, P, D) a
        layer."""
        stop = first + len(pick)
        for layer, (key, value) in enumerate(zip(keys, values, strict=True)):
            self.keys[layer][first:stop, :, :length] = key[:, :, :length].index_select(0, pick)
            self.values[layer][first:stop, :, :length] = value[:, :, :length].index_select(0, pick)

    def write(self, layer: int, key: torch.Tensor, value: torch.Tensor, at: Places) -> None:
        """One token (B, K, D) a row at the rows' places."""
        for buffer, new in ((self.keys[layer], key), (self.values[layer], value)):
            if at.same is not None:
                buffer[: len(new), :, at.same] = new
            else:
                buffer[at.rows, :, at.slots] = new

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
        for piece in self._pieces:
            self._pool.give(piece)
        self._pieces.clear()
        self._pool.trim()


@dataclass(slots=True, eq=False)
class SharedPrompt:
    """Keys and values (K, P, D) a layer that several rows continue, kept once for all of them; `rows` (N,) says
    which, None: every row."""

    keys: list[torch.Tensor]
    values: list[torch.Tensor]
    rows: torch.Tensor | None = None

    @property
    def length(self) -> int:
        return int(self.keys[0].shape[1])


class Places:
    """Where the next token of B rows goes, and what may be looked at.

    `positions` are counted from the start of the text; a row's slots begin at its offset, behind the prompt it
    shares. `same` is the slot if it is one for all rows; `bias`, (B or 1, 1, 1, n_places) fp32, is 0 where a row
    has a token and -inf where not, or None where all slots count.
    """

    def __init__(
        self,
        positions: NDArray[np.int64],
        n_places: int,
        device: torch.device,
        offsets: NDArray[np.int64] | None = None,
        shared: Sequence[SharedPrompt] = (),
    ) -> None:
        slots = positions if offsets is None else positions - offsets
        self.positions = torch.from_numpy(positions.copy()).to(device)
        self.slots = self.positions if offsets is None else torch.from_numpy(slots).to(device)
        self.same = int(slots[0]) if slots.min() == slots.max() else None
        self.shared = shared
        self.bias: torch.Tensor | None = None
        if self.same is None:
            self.rows = torch.arange(len(slots), device=device)
        if self.same != n_places - 1:
            last = self.slots[:, None] if self.same is None else self.slots[:1, None]
            unwritten = torch.arange(n_places, device=device) > last
            self.bias = torch.zeros(unwritten.shape, device=device).masked_fill_(unwritten, -torch.inf)[:, None, None]
