"""A sparse feed-forward block at inference: each token through its few experts, the products batched by expert."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


def mix_experts(block: Any, states: torch.Tensor) -> torch.Tensor:
    """The output (N, d) of transformers' sparse `block` (router `gate`, stacked `experts`) for `states` (N, d).

    On the CPU the tokens are sorted by expert, so that an expert's rows are one slice and an expert nobody chose
    costs nothing; a token's parts are added in the order of its choices, whatever else is in the batch. On a GPU
    transformers' own grouped products are used.
    """
    if states.device.type != "cpu":
        mixed: torch.Tensor = block(states[None])[0]
        return mixed
    _, weights, chosen = block.gate(states)
    n_tokens, n_chosen = chosen.shape
    order = chosen.flatten().argsort(stable=True)
    rows = states.index_select(0, order.div(n_chosen, rounding_mode="floor"))
    counts = chosen.flatten().bincount(minlength=block.experts.gate_up_proj.shape[0]).tolist()
    parts, start = [], 0
    for expert, count in enumerate(counts):
        if count:
            gate, up = functional.linear(rows[start : start + count], block.experts.gate_up_proj[expert]).chunk(
                2, dim=-1
            )
            parts.append(functional.linear(functional.silu(gate).mul_(up), block.experts.down_proj[expert]))
            start += count
    back = torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))
    outputs = torch.cat(parts).index_select(0, back).view(n_tokens, n_chosen, -1)
    return torch.bmm(weights[:, None].to(outputs.dtype), outputs)[:, 0]
