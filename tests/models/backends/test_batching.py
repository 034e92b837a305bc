"""Batch plans, and the cache they plan for."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig
from transformers.cache_utils import DynamicLayer

from models.backends.base import Request
from models.backends.batching import Prompt, RowCost, free_memory, is_out_of_memory, plan_batches, used_memory
from models.backends.kv_cache import GrowingLayer, cache_bytes_per_token

COST = RowCost(bytes_per_token=100, n_vocab=10)


def prompt(n_ids: int, n: int, limit: int = 20) -> Prompt:
    request = Request("", n=n, request_id=f"{n_ids}x{n}")
    return Prompt(request, tuple(range(n_ids)), limit, frozenset())


def test_every_sample_is_planned_once_with_like_lengths_together() -> None:
    prompts = [prompt(30, 5), prompt(3, 4), prompt(8, 1)]
    batches = plan_batches(prompts, COST, free_bytes=10**9, max_rows=4)
    rows = [row for batch in batches for row in batch]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert len({(id(row.prompt), row.index) for row in rows}) == len(rows) == 10
    assert [len(row.prompt.ids) for row in rows] == [3] * 4 + [8] + [30] * 5


@pytest.mark.parametrize("free_bytes", [10_000, 50_000, 500_000])
def test_batches_fit_the_memory_at_full_length(free_bytes: int) -> None:
    batches = plan_batches([prompt(30, 40), prompt(3, 40)], COST, free_bytes, max_rows=256)
    for batch in batches:
        longest = max(len(row.prompt.ids) + row.prompt.limit for row in batch)
        assert len(batch) == 1 or len(batch) * COST.of(longest) <= free_bytes
    assert sum(map(len, batches)) == 80


def test_less_memory_means_smaller_batches_but_never_none() -> None:
    sizes = [len(plan_batches([prompt(30, 40)], COST, free, 256)[0]) for free in (0, 10**5, 10**6, 10**9)]
    assert sizes[0] == 1
    assert sizes == sorted(sizes)
    assert sizes[-1] == 40


def test_memory_figures_are_of_this_machine() -> None:
    assert free_memory(torch.device("cpu")) > 10**7
    assert 10**7 < used_memory(torch.device("cpu")) < 10**12


def test_what_counts_as_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    assert is_out_of_memory(torch.OutOfMemoryError())
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


def test_growing_layer_equals_the_concatenating_one() -> None:
    ours, theirs = GrowingLayer(), DynamicLayer()
    generator = torch.Generator().manual_seed(2)
    for step, length in enumerate([7, 1, 1, 40, *[1] * 60]):
        n_rows = 3 if step <= 3 else 4
        keys, values = torch.randn((2, n_rows, 2, length, 4), generator=generator)
        for got, expected in zip(ours.update(keys, values), theirs.update(keys, values), strict=True):
            assert torch.equal(got, expected)
        if step == 3:
            keep = torch.tensor([2, 0, 0, 1])
            ours.batch_select_indices(keep)
            theirs.batch_select_indices(keep)
    assert ours.get_seq_length() == theirs.get_seq_length() == 109


def test_cache_bytes_count_key_value_heads() -> None:
    config = LlamaConfig(hidden_size=64, num_hidden_layers=3, num_attention_heads=8, num_key_value_heads=2)
    assert cache_bytes_per_token(config, 4) == 2 * 3 * 2 * 8 * 4
