"""A training forward pass over transformers' own weights (Llama and Qwen3-MoE shapes) without padding, for CPUs.

Documents lie end to end: every product runs over all tokens of a micro-batch at once, and only attention sees rows,
of documents of like length, padded on the right. Losses equal transformers' to 1e-5 (tested). Not promised: any other
architecture, gradient hooks on the modules (their forward is not called), a GPU.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.training import kernels

LOOSENESS = 1.15
"""Documents share attention rows while the longest is at most this many times the shortest (rows are padded)."""


@dataclass(frozen=True)
class Packed:
    """Documents end to end, without their last token, which is only a target. All on one axis of N tokens."""

    ids: Tensor  # (N,)
    targets: Tensor  # (N,)
    positions: Tensor  # (N,)
    document: Tensor  # (N,) which document a token is of, in the order given
    blocks: list["Block"]


@dataclass(frozen=True)
class Block:
    """Rows of like length for attention: R documents of up to L tokens."""

    n_rows: int
    n_tokens: int
    index: Tensor | None  # (R * L,) token of the block at each place, any token where padded; None: nothing is padded
    places: Tensor  # (tokens of the block,) the place of each


def pack(documents: Sequence[NDArray[Any]]) -> Packed:
    """Documents of at least two tokens as one packed batch, shortest first."""
    order = sorted(range(len(documents)), key=lambda i: len(documents[i]))
    chosen = [np.asarray(documents[i], dtype=np.int64) for i in order]
    lengths = np.array([len(document) - 1 for document in chosen])
    return Packed(
        torch.from_numpy(np.concatenate([document[:-1] for document in chosen])),
        torch.from_numpy(np.concatenate([document[1:] for document in chosen])),
        torch.from_numpy(np.concatenate([np.arange(n) for n in lengths])),
        torch.from_numpy(np.repeat(np.array(order), lengths)),
        _blocks(lengths),
    )


def _blocks(lengths: NDArray[np.int64]) -> list[Block]:
    blocks, start = [], 0
    while start < len(lengths):
        stop = int(np.searchsorted(lengths, LOOSENESS * lengths[start], side="right"))
        blocks.append(_block(lengths[start:stop]))
        start = stop
    return blocks


def _block(lengths: NDArray[np.int64]) -> Block:
    n_rows, longest = len(lengths), int(lengths[-1])
    real = np.arange(longest)[None] < lengths[:, None]
    places = torch.from_numpy(np.flatnonzero(real))
    if real.all():
        return Block(n_rows, longest, None, places)
    index = np.zeros(real.size, dtype=np.int64)
    index[np.flatnonzero(real)] = np.arange(int(lengths.sum()))
    return Block(n_rows, longest, torch.from_numpy(index), places)


@dataclass(frozen=True)
class Routing:
    """What the routers of all layers did: the load-balancing loss, and each expert's share of choices (layers, E)."""

    balance: Tensor
    load: Tensor

    @classmethod
    def of(cls, layers: Sequence[tuple[Tensor, Tensor]]) -> "Routing":
        """From each layer's (balance, load)."""
        return cls(torch.stack([b for b, _ in layers]).mean(), torch.stack([load for _, load in layers]))


def token_losses(model: Any, batch: Packed, chosen: Tensor | None = None) -> tuple[Tensor, Routing | None]:
    """Negative log-likelihood (nats) of every target, or of the targets at `chosen` only, and the routing, if any."""
    decoder = model.model
    hidden = functional.embedding(batch.ids, decoder.embed_tokens.weight)
    cosine, sine = _angles(decoder.rotary_emb, batch.positions)
    routed = []
    for layer in decoder.layers:
        normed = _normed(layer.input_layernorm, hidden)
        hidden = _add_product(hidden, _attend(layer.self_attn, normed, batch, cosine, sine), layer.self_attn.o_proj)
        normed = _normed(layer.post_attention_layernorm, hidden)
        if hasattr(layer.mlp, "experts"):
            mixed, statistics = _mix(layer.mlp, normed)
            hidden = hidden + mixed
            routed.append(statistics)
        else:
            both = torch.cat([layer.mlp.gate_proj.weight, layer.mlp.up_proj.weight])
            inner = kernels.gated(normed @ both.t())
            hidden = _add_product(hidden, inner, layer.mlp.down_proj)
    targets = batch.targets
    if chosen is not None:
        hidden, targets = kernels.picked(hidden, chosen), targets[chosen]
    logits = _normed(decoder.norm, hidden) @ model.lm_head.weight.t()
    losses = functional.cross_entropy(logits, targets, reduction="none")
    if not routed:
        return losses, None
    return losses, Routing.of(routed)


def _angles(rotary: Any, positions: Tensor) -> tuple[Tensor, Tensor]:
    angles = positions[:, None, None].float() * rotary.inv_freq
    return angles.cos() * rotary.attention_scaling, angles.sin() * rotary.attention_scaling


def _normed(norm: Any, x: Tensor) -> Tensor:
    return kernels.normed(x, norm.weight, norm.variance_epsilon)


def _add_product(residual: Tensor, x: Tensor, linear: Any) -> Tensor:
    return torch.addmm(residual, x, linear.weight.t())


def _attend(attention: Any, normed: Tensor, batch: Packed, cosine: Tensor, sine: Tensor) -> Tensor:
    """Causal attention within each document: (N, d) -> (N, H D)."""
    width = attention.head_dim
    query, key, value = (
        (normed @ linear.weight.t()).view(len(normed), -1, width)
        for linear in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    if hasattr(attention, "q_norm"):
        query, key = _normed(attention.q_norm, query), _normed(attention.k_norm, key)
    query, key = kernels.rotated(query, cosine, sine), kernels.rotated(key, cosine, sine)
    sizes = [len(block.places) for block in batch.blocks]
    parts = [
        _attend_block(q, k, v, block, attention.scaling)
        for q, k, v, block in zip(*(x.split_with_sizes(sizes) for x in (query, key, value)), batch.blocks, strict=True)
    ]
    return torch.cat(parts).view(len(normed), -1)


def _attend_block(query: Tensor, key: Tensor, value: Tensor, block: Block, scale: float) -> Tensor:
    rows = []
    for x in (query, key, value):
        padded = x if block.index is None else kernels.spread(x, block.index, block.places)
        rows.append(padded.view(block.n_rows, block.n_tokens, *x.shape[1:]).transpose(1, 2))
    q, k, v = rows
    grouped = query.shape[1] != key.shape[1]
    mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=grouped)
    flat = mixed.transpose(1, 2).reshape(block.n_rows * block.n_tokens, *query.shape[1:])
    if block.index is None:
        return flat
    return kernels.picked(flat, block.places)


def _mix(block: Any, normed: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """The sparse block's output, and its (balance, load)."""
    router, experts = block.gate, block.experts
    probabilities = torch.softmax(normed @ router.weight.t(), dim=-1)
    weights, chosen = probabilities.topk(router.top_k, dim=-1)
    if router.norm_topk_prob:
        weights = weights / weights.sum(dim=-1, keepdim=True)
    mixed = kernels.mix_experts(normed, weights, chosen, experts.gate_up_proj, experts.down_proj)
    return mixed, _balance(probabilities, chosen)


def routing_of(router_logits: Tensor, n_chosen: int) -> tuple[Tensor, Tensor]:
    """(balance, load) of one layer from its router's logits (N, E)."""
    probabilities = torch.softmax(router_logits, dim=-1)
    return _balance(probabilities, probabilities.topk(n_chosen, dim=-1).indices)


def _balance(probabilities: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Switch Transformer's load-balancing loss (10.48550/arXiv.2101.03961, eq. 4; 1 when even) and each expert's share
    of the choices.
    """
    n_experts = probabilities.shape[1]
    load = chosen.flatten().bincount(minlength=n_experts) / chosen.numel()
    return n_experts * torch.dot(load, probabilities.mean(0)), load
