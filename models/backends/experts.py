"""A sparse feed-forward block at inference: each token through its few experts, the products batched by expert.

On the CPU there are three ways, because what costs differs: for a token or two the calls, for more the reading of
weights, for many the products. All add up the same parts. On a GPU transformers' own grouped products are used.
Not promised: equal bits for a token whatever is in the batch beside it (the differences are rounding's).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

_FEW_PAIRS = 8
"""Pairs of a token and its expert up to which each is a product of its own: 0.09 ms against 0.19 for one token."""
_SLACK = 2.5
"""Padding of experts to the busiest one pays with several threads up to this many times the rows there are."""
_CHEAP_ROWS = 8
"""Rows that cost an expert little more than one, its weights being read once for all."""


class SparseBlock:
    """Transformers' sparse `block` (router `gate`, stacked `experts`).

    The experts' matrices are laid out input-major once, which small products read a third faster, and the
    model's own parameters become views of that.
    """

    def __init__(self, block: Any) -> None:
        self._block = block
        self._grouped_by_transformers = block.experts.gate_up_proj.device.type != "cpu"
        if self._grouped_by_transformers:
            return
        self._gate_up, self._down = _input_major(block.experts.gate_up_proj), _input_major(block.experts.down_proj)
        self._gate_up_of, self._down_of = self._gate_up.unbind(0), self._down.unbind(0)
        self.n_experts = len(self._gate_up)

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        """The block's output (N, d) for `states` (N, d)."""
        if self._grouped_by_transformers:
            mixed: torch.Tensor = self._block(states[None])[0]
            return mixed
        _, weights, chosen = self._block.gate(states)
        if chosen.numel() <= _FEW_PAIRS:
            return self._one_by_one(states, weights, chosen)
        n_pairs, flat = chosen.numel(), chosen.flatten()
        order = flat.argsort(stable=True)
        counts = flat.bincount(minlength=self.n_experts)
        tokens = order.div(chosen.shape[1], rounding_mode="floor")
        rows, shares = states.index_select(0, tokens), weights.flatten().index_select(0, order)[:, None]
        busiest = int(counts.max())
        if torch.get_num_threads() > 1 and busiest <= max(_CHEAP_ROWS, _SLACK * n_pairs / self.n_experts):
            parts = self._all_at_once(rows, counts, flat.index_select(0, order), busiest).mul_(shares)
        else:
            parts = self._in_turn(rows, shares, counts.tolist())
        return torch.zeros_like(states).index_add_(0, tokens, parts)

    def _one_by_one(self, states: torch.Tensor, weights: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """A matrix-vector product for each pair."""
        n_tokens, n_chosen = chosen.shape
        flat = chosen.flatten().tolist()
        inner = states.new_empty(len(flat), self._gate_up.shape[2])
        for row, state, expert in zip(inner, states.repeat_interleave(n_chosen, 0), flat, strict=True):
            torch.mv(self._gate_up_of[expert].t(), state, out=row)
        parts = states.new_empty(len(flat), states.shape[1])
        for row, active, expert in zip(parts, _activate(inner), flat, strict=True):
            torch.mv(self._down_of[expert].t(), active, out=row)
        return torch.bmm(weights[:, None].to(states.dtype), parts.view(n_tokens, n_chosen, -1))[:, 0]

    def _in_turn(self, rows: torch.Tensor, shares: torch.Tensor, counts: list[int]) -> torch.Tensor:
        """Expert after expert; `rows` (P, d) are sorted by expert, and an expert nobody chose costs nothing."""
        inner = rows.new_empty(len(rows), self._gate_up.shape[2])
        _multiply(rows, self._gate_up_of, inner, counts)
        parts = torch.empty_like(rows)
        _multiply(_activate(inner).mul_(shares), self._down_of, parts, counts)
        return parts

    def _all_at_once(
        self, rows: torch.Tensor, counts: torch.Tensor, experts: torch.Tensor, busiest: int
    ) -> torch.Tensor:
        """Every expert padded to the rows of the busiest: one product that all threads share."""
        first = counts.cumsum(0).sub_(counts)
        places = torch.arange(len(rows)).sub_(first.index_select(0, experts)).add_(experts, alpha=busiest)
        padded = rows.new_zeros(self.n_experts * busiest, rows.shape[1]).index_copy_(0, places, rows)
        inner = torch.bmm(padded.view(self.n_experts, busiest, -1), self._gate_up)
        return torch.bmm(_activate(inner), self._down).flatten(0, 1).index_select(0, places)


def _activate(inner: torch.Tensor) -> torch.Tensor:
    gate, up = inner.chunk(2, dim=-1)
    return functional.silu(gate).mul_(up)


def _multiply(rows: torch.Tensor, matrices: tuple[torch.Tensor, ...], out: torch.Tensor, counts: list[int]) -> None:
    for count, matrix, its_rows, its_out in zip(
        counts, matrices, rows.split_with_sizes(counts), out.split_with_sizes(counts), strict=True
    ):
        if count:
            torch.mm(its_rows, matrix, out=its_out)


def _input_major(stacked: nn.Parameter) -> torch.Tensor:
    """The matrices (E, out, in) as (E, in, out) in memory; the parameter keeps its shape and becomes a view."""
    turned = stacked.detach().transpose(1, 2).contiguous()
    stacked.data = turned.transpose(1, 2)
    return turned
