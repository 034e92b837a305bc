"""The arithmetic limit of decoding: the matrix products a batch needs, and nothing between them.

For a transformers model of Llama's or Qwen3's (also sparse) shape, with its own weights, number type and
threads: the products of one prompt's prefill, then for every further token and layer query, key and value;
the two products of attention at the context as it grows, in the grouped-query shape; output; gate, up and
down (sparse: the router and the experts that were active, at the row counts that were seen); and the output
head. No normalisation, softmax, activation, sampling or cache write.

Each product is tried in several forms (matrices apart or side by side, written out of place or into a buffer,
packed for oneDNN, keys stored either way round, fused attention although it does a softmax more, the prompt's
keys shared by all rows) and the fastest is taken, so that the limit is one torch can reach. Not promised:
that no other library multiplies faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from generation_parts.product_forms import (
    ATTENTION_FORMS,
    EXPERT_FORMS,
    PROMPT_SHARED,
    AtLength,
    Heads,
    OfCounts,
    Product,
    at_length,
    fastest_linears,
    linears_of,
    numbers,
    time_products,
)

RowsOfExperts = list[list[list[int]]]
"""Rows each expert sees, by decode step and layer; an empty list where the layer is dense."""


@dataclass(frozen=True)
class Shape:
    """`rows` sequences that continue one prompt of `n_prompt` tokens by `n_tokens` each."""

    rows: int
    n_prompt: int
    n_tokens: int


@dataclass
class BareProducts:
    """What `build_bare` chose; `run` does all products once. `forms` says which form each product takes."""

    shape: Shape
    forms: dict[str, str]
    prefill: list[Product] = field(default_factory=list)
    before: list[Product] = field(default_factory=list)
    attention: list[AtLength] = field(default_factory=list)
    after: list[list[Product]] = field(default_factory=list)
    experts: list[OfCounts | None] = field(default_factory=list)
    rows_of_experts: RowsOfExperts = field(default_factory=list)
    head: Product | None = None

    @torch.inference_mode()
    def run(self) -> None:
        for product in self.prefill:
            product()
        for step in range(self.shape.n_tokens - 1):
            length = self.shape.n_prompt + step + 1
            for at, before in enumerate(self.before):
                before()
                self.attention[at](length)
                for product in self.after[at]:
                    product()
                sparse = self.experts[at]
                if sparse is not None:
                    sparse(self.rows_of_experts[step][at])
            if self.head is not None:
                self.head()


@torch.inference_mode()
def build_bare(
    model: Any, shape: Shape, rows_of_experts: RowsOfExperts | None = None, *, share_prompt: bool = True
) -> BareProducts:
    """The products of `model` for `shape`, each in its fastest form at the present thread count.

    A sparse model needs `rows_of_experts` (see `count_rows_of_experts`). Without `share_prompt` every row is
    multiplied with keys and values of its own, as in a cache that holds the prompt once for each row.
    """
    layers = model.model.layers
    chosen: dict[str, str] = {}
    bare = BareProducts(shape, chosen, rows_of_experts=rows_of_experts or [])
    groups: list[tuple[str, list[list[torch.Tensor]]]] = [
        ("query, key, value", [_weights(x.self_attn, "q_proj", "k_proj", "v_proj") for x in layers]),
        ("output", [_weights(x.self_attn, "o_proj") for x in layers]),
        ("gate, up", [_weights(x.mlp, "gate_proj", "up_proj") for x in layers]),
        ("down", [_weights(x.mlp, "down_proj") for x in layers]),
        ("router", [[x.mlp.gate.weight] if hasattr(x.mlp, "experts") else [] for x in layers]),
    ]
    products: dict[str, list[Product | None]] = {}
    for name, matrices in groups:
        chosen[name], products[name] = fastest_linears(matrices, shape.rows)
        bare.prefill += [p for p in linears_of(matrices, shape.n_prompt, chosen[name]) if p is not None]
    bare.before = [p for p in products["query, key, value"] if p is not None]
    for at in range(len(layers)):
        rest = (products[name][at] for name in ("output", "gate, up", "down", "router"))
        bare.after.append([p for p in rest if p is not None])
    _add_attention(bare, layers, share_prompt)
    _add_experts(bare, layers)
    head = model.get_output_embeddings().weight.detach()
    chosen["head"], heads = fastest_linears([[head]], shape.rows)
    bare.head = heads[0]
    bare.prefill += [p for p in linears_of([[head]], 1, chosen["head"]) if p is not None]
    return bare


@torch.inference_mode()
def count_rows_of_experts(model: Any, sequences: torch.Tensor, n_prompt: int) -> RowsOfExperts:
    """How many of the rows of `sequences` (B, P + N) each expert sees when token P + 1, P + 2, ... is read."""
    picked: dict[int, torch.Tensor] = {}
    hooks = [
        layer.mlp.gate.register_forward_hook(
            lambda _module, _inputs, output, at=at: picked.__setitem__(at, output[2].reshape(*sequences.shape, -1))
        )
        for at, layer in enumerate(model.model.layers)
        if hasattr(layer.mlp, "experts")
    ]
    try:
        model.model(input_ids=sequences, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    n_experts = {at: model.model.layers[at].mlp.experts.num_experts for at in picked}
    return [
        [
            torch.bincount(picked[at][:, position].flatten(), minlength=n_experts[at]).tolist() if at in picked else []
            for at in range(len(model.model.layers))
        ]
        for position in range(n_prompt, sequences.shape[1])
    ]


def _weights(module: Any, *names: str) -> list[torch.Tensor]:
    return [getattr(module, name).weight.detach() for name in names if hasattr(module, name)]


def _add_attention(bare: BareProducts, layers: Any, share_prompt: bool) -> None:
    """Attention in its fastest form at the middle context length, and the prompt's own."""
    attention, shape = layers[0].self_attn, bare.shape
    width = int(attention.head_dim)
    n_kv = attention.k_proj.weight.shape[0] // width
    heads = Heads(
        n_rows=shape.rows,
        n_kv=n_kv,
        group=attention.q_proj.weight.shape[0] // width // n_kv,
        width=width,
        n_prompt=shape.n_prompt,
        capacity=shape.n_prompt + shape.n_tokens,
    )
    like = attention.q_proj.weight
    middle = shape.n_prompt + max(1, shape.n_tokens // 2)
    seconds: dict[str, float] = {}
    for form, build in ATTENTION_FORMS.items():
        if form == PROMPT_SHARED and not share_prompt:
            continue
        tried = [build(heads, like) for _ in layers]
        seconds[form] = time_products([at_length(one, middle) for one in tried])
        del tried
    bare.forms["attention"] = min(seconds, key=lambda form: seconds[form])
    bare.attention = [ATTENTION_FORMS[bare.forms["attention"]](heads, like) for _ in layers]
    n_prompt, n_heads = shape.n_prompt, n_kv * heads.group
    query, key = numbers(like, n_heads, n_prompt, width), numbers(like, n_heads, width, n_prompt)
    weights, value = numbers(like, n_heads, n_prompt, n_prompt), numbers(like, n_heads, n_prompt, width)
    for _ in layers:
        bare.prefill += [lambda: torch.bmm(query, key), lambda: torch.bmm(weights, value)]


def _add_experts(bare: BareProducts, layers: Any) -> None:
    """The active experts of every sparse layer, in the form that is faster at the first step's row counts."""
    sparse = [at for at, layer in enumerate(layers) if hasattr(layer.mlp, "experts")]
    bare.experts = [None] * len(layers)
    if not sparse:
        return
    if not bare.rows_of_experts:
        raise ValueError("a sparse model needs the rows each expert sees: count_rows_of_experts")
    seconds: dict[str, float] = {}
    for form in EXPERT_FORMS:
        tried = [_of_counts(_experts(layers[at], form, bare.shape.rows), bare.rows_of_experts[0][at]) for at in sparse]
        seconds[form] = time_products(tried)
    form = bare.forms["experts"] = min(seconds, key=lambda name: seconds[name])
    for at in sparse:
        bare.experts[at] = _experts(layers[at], form, bare.shape.rows)
        n_experts = layers[at].mlp.experts.num_experts
        n_rows = bare.shape.n_prompt * layers[at].mlp.gate.top_k
        active = min(n_experts, n_rows)
        spread = [n_rows // active + (expert < n_rows % active) for expert in range(active)]
        bare.prefill.append(_of_counts(_experts(layers[at], form, n_rows), spread))


def _experts(layer: Any, form: str, rows: int) -> OfCounts:
    experts = layer.mlp.experts
    return EXPERT_FORMS[form](experts.gate_up_proj.detach(), experts.down_proj.detach(), rows)


def _of_counts(product: OfCounts, counts: Sequence[int]) -> Product:
    return lambda: product(counts)
