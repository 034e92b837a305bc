"""The cache of the rows in work, against plain tensors, and the memory it plans for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.backends.memory import RowCost, free_memory, is_out_of_memory, used_memory
from models.backends.slots import BufferPool, Places, SlotCache

CPU = torch.device("cpu")


def tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_rows_are_what_was_written_however_the_cache_grows_and_moves() -> None:
    """Prompts of 3 and 5 tokens, rows that grow at their own places, one row leaving, another joining."""
    pool = BufferPool(torch.float32, CPU)
    pool.give(torch.full((100_000,), torch.nan))  # memory as another cache may have left it
    cache = SlotCache(pool)
    keys, values = [tokens(2, 2, 5, 4, seed=1)], [tokens(2, 2, 5, 4, seed=2)]
    cache.reserve(keys[0], 1, 3, 5)
    cache.write_prompts(0, keys, values, torch.tensor([0, 1, 1]), 5)
    rows = [keys[0][0, :, :3], keys[0][1], keys[0][1]]
    for step in range(40):
        positions = [row.shape[1] for row in rows]
        cache.reserve(keys[0], 1, len(rows), max(positions) + 1)
        new = tokens(len(rows), 2, 4, seed=step + 9)
        cache.write(0, new, -new, Places(np.array(positions), cache.n_places, CPU))
        rows = [torch.cat([row, new[at, :, None]], dim=1) for at, row in enumerate(rows)]
        if step == 20:
            cache.copy_rows([2], [0], 0, max(positions) + 1)
            rows = [rows[2], rows[1]]
        if step == 30:
            cache.reserve(keys[0], 1, 3, 3)
            cache.write_prompts(2, keys, values, torch.tensor([1]), 5)
            rows.append(keys[0][1])
    for at, row in enumerate(rows):
        assert torch.equal(cache.keys[0][at, :, : row.shape[1]], row)
    assert bool(torch.isfinite(cache.keys[0]).all()), "a masked place that is not a number would spoil its row"
    assert cache.n_places % 16 == 0


def test_memory_is_reused_and_given_up_beyond_what_a_pool_keeps() -> None:
    pool = BufferPool(torch.float32, CPU)
    like = tokens(1, 2, 4, 4)
    first = SlotCache(pool)
    first.reserve(like, 2, 8, 20)
    place = first.keys[0].data_ptr()
    first.release()
    second = SlotCache(pool)
    second.reserve(like, 2, 8, 20)
    assert place in {side[layer].data_ptr() for side in (second.keys, second.values) for layer in range(2)}
    large = torch.empty(1).expand(2**28)  # 1 GB, if it were real
    pool.give(large)
    second.release()
    assert all(piece is not large for piece in pool._free)


def test_places_say_what_each_row_may_look_at() -> None:
    uneven = Places(np.array([2, 0, 4]), 6, CPU)
    assert uneven.same is None
    assert uneven.bias is not None
    assert (uneven.bias[:, 0, 0] == 0).tolist() == [
        [True] * 3 + [False] * 3,
        [True] + [False] * 5,
        [True] * 5 + [False],
    ]
    even = Places(np.array([3, 3]), 6, CPU)
    assert even.same == 3
    assert even.bias is not None
    assert even.bias.shape == (1, 1, 1, 6)
    assert Places(np.array([5, 5]), 6, CPU).bias is None


def test_less_memory_means_fewer_rows_but_never_none() -> None:
    cost = RowCost(bytes_per_token=100, n_vocab=10)
    counts = [cost.rows_in(free, 50) for free in (0, 10**5, 10**6, 10**9)]
    assert counts[0] == 1
    assert counts == sorted(set(counts))
    assert counts[2] * cost.of(50) <= 10**6
    assert cost.rows_in(10**6, 500) < counts[2]


def test_memory_figures_are_of_this_machine() -> None:
    assert free_memory(CPU) > 10**7
    assert 10**7 < used_memory(CPU) < 10**12


def test_what_counts_as_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    assert is_out_of_memory(torch.OutOfMemoryError())
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
