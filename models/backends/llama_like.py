"""Our own forward pass for Llama-shaped decoders: Llama, Mistral without a window, Qwen2, Qwen3 and Qwen3-MoE.

The weights stay transformers': query, key and value matrices (and gate and up) are laid side by side once and
the model's own parameters become views into them, so nothing is held twice. What makes it fast where a step is
a few milliseconds: one product in place of three, residuals added inside the products, the cache written in
place (`slots`), and none of the per-call work of a general library. Logits equal transformers' to 1e-4 in
fp32 (tested for each architecture).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from models.backends.experts import SparseBlock
from models.backends.network import Prompts, pad_right, read_off
from models.backends.slots import BufferPool, Places, SharedPrompt, SlotCache

_MODEL_TYPES = ("llama", "mistral", "qwen2", "qwen3", "qwen3_moe")
_FIXED_ROPE = ("default", "linear", "llama3", "yarn")
"""Position encodings that do not change with the length of the sequence."""


def covers(model: Any) -> bool:
    """Whether this pass computes what transformers' does for `model`."""
    config = model.config
    if config.model_type not in _MODEL_TYPES or config.hidden_act != "silu":
        return False
    windows = [kind for kind in getattr(config, "layer_types", None) or [] if kind != "full_attention"]
    if windows or (config.model_type == "mistral" and config.sliding_window is not None):
        return False
    if model.model.rotary_emb.rope_type not in _FIXED_ROPE:
        return False
    return all(
        type(module) is nn.Linear
        for layer in model.model.layers
        for module in layer.modules()
        if isinstance(module, nn.Linear)
    )


class LlamaLike:
    """See `models.backends.network.Network`."""

    shares_prompts = True

    def __init__(self, model: Any) -> None:
        config = model.config
        self.device: torch.device = model.device
        self.pool = BufferPool(model.dtype, model.device)
        self._embedding: torch.Tensor = model.model.embed_tokens.weight
        self._layers = [_Layer(layer) for layer in model.model.layers]
        self._norm: torch.Tensor = model.model.norm.weight
        self._epsilon: float = config.rms_norm_eps
        self._head: torch.Tensor = model.lm_head.weight
        first = self._layers[0]
        self.cache_bytes_per_token = 2 * len(self._layers) * first.n_kv * first.width * self._embedding.itemsize
        everywhere = torch.arange(config.max_position_embeddings, device=self.device)[None]
        with torch.inference_mode():
            cosine, sine = model.model.rotary_emb(self._embedding[:1, None], everywhere)
        half = first.width // 2
        self._cosine = cosine[0]
        self._sine = torch.cat([-sine[0, :, :half], sine[0, :, half:]], dim=-1)

    @torch.inference_mode()
    def read(self, sequences: Sequence[Sequence[int]]) -> Prompts:
        ids = pad_right(sequences, self.device)
        n_rows, n_tokens = ids.shape
        hidden = functional.embedding(ids, self._embedding).view(n_rows * n_tokens, -1)
        cosine, sine = (
            self._cosine[:n_tokens, None].repeat(n_rows, 1, 1),
            self._sine[:n_tokens, None].repeat(n_rows, 1, 1),
        )
        keys, values = [], []
        for layer in self._layers:
            query, key, value = layer.project(self._normed(hidden, layer.attention_norm), cosine, sine)
            query, key, value = (x.view(n_rows, n_tokens, -1, layer.width).transpose(1, 2) for x in (query, key, value))
            mixed = functional.scaled_dot_product_attention(
                query, key, value, is_causal=True, scale=layer.scale, enable_gqa=layer.n_heads != layer.n_kv
            )
            hidden = layer.add_attention(hidden, mixed.transpose(1, 2).reshape(n_rows * n_tokens, -1))
            hidden = layer.add_feed_forward(hidden, self._normed(hidden, layer.feed_forward_norm))
            keys.append(key)
            values.append(value)
        states = self._normed(hidden, self._norm).view(n_rows, n_tokens, -1)
        last, log_probs = read_off(
            sequences,
            ids,
            self._head.shape[0],
            lambda start, stop: functional.linear(states[:, start:stop], self._head).float(),
        )
        return Prompts(last, log_probs, keys, values)

    @torch.inference_mode()
    def step(self, ids: torch.Tensor, places: Places, cache: SlotCache) -> torch.Tensor:
        hidden = functional.embedding(ids, self._embedding)
        cosine, sine = self._cosine[places.positions, None], self._sine[places.positions, None]
        for number, layer in enumerate(self._layers):
            query, key, value = layer.project(self._normed(hidden, layer.attention_norm), cosine, sine)
            cache.write(number, key, value, places)
            mixed = layer.attend(query, cache.keys[number], cache.values[number], places, number)
            hidden = layer.add_attention(hidden, mixed)
            hidden = layer.add_feed_forward(hidden, self._normed(hidden, layer.feed_forward_norm))
        return functional.linear(self._normed(hidden, self._norm), self._head).float()

    def _normed(self, hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(hidden, weight.shape, weight, self._epsilon)


class _Layer:
    """One decoder layer over N tokens; `n_heads` query heads share `n_kv` key/value heads of `width`."""

    def __init__(self, layer: Any) -> None:
        attention, block = layer.self_attn, layer.mlp
        self.width: int = attention.head_dim
        self.scale: float = attention.scaling
        self.n_heads = attention.q_proj.out_features // self.width
        self.n_kv = attention.k_proj.out_features // self.width
        self.attention_norm: torch.Tensor = layer.input_layernorm.weight
        self.feed_forward_norm: torch.Tensor = layer.post_attention_layernorm.weight
        self._qkv, self._qkv_bias = _side_by_side(attention.q_proj, attention.k_proj, attention.v_proj)
        self._out: nn.Linear = attention.o_proj
        self._head_norm: tuple[torch.Tensor, float] | None = None
        if hasattr(attention, "q_norm"):
            weights = [attention.q_norm.weight.expand(self.n_heads, -1), attention.k_norm.weight.expand(self.n_kv, -1)]
            self._head_norm = torch.cat(weights), attention.q_norm.variance_epsilon
        self._experts = SparseBlock(block) if hasattr(block, "experts") else None
        if self._experts is None:
            self._gate_up, self._gate_up_bias = _side_by_side(block.gate_proj, block.up_proj)
            self._down: nn.Linear = block.down_proj

    def project(
        self, normed: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Query (N, H, D), key (N, K, D), value (N, K, D), the first two rotated by position (N, 1, D)."""
        n_turned = self.n_heads + self.n_kv
        heads = functional.linear(normed, self._qkv, self._qkv_bias).view(len(normed), n_turned + self.n_kv, self.width)
        turned = heads[:, :n_turned]
        if self._head_norm is not None:
            weights, epsilon = self._head_norm
            turned = functional.rms_norm(turned, (self.width,), None, epsilon) * weights
        first, second = turned.chunk(2, dim=-1)
        turned = torch.addcmul(turned * cosine, torch.cat([second, first], dim=-1), sine)
        return turned[:, : self.n_heads], turned[:, self.n_heads :], heads[:, n_turned:]

    def attend(
        self, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, places: Places, layer: int
    ) -> torch.Tensor:
        """One query a row (B, H, D) over the rows' places: (B, H * D). `keys`, `values` are (R, K, T, D)."""
        n_rows, n_places = len(query), keys.shape[2]
        grouped = (query * self.scale).reshape(n_rows * self.n_kv, -1, self.width)
        key = keys.view(-1, n_places, self.width)[: n_rows * self.n_kv]
        value = values.view(-1, n_places, self.width)[: n_rows * self.n_kv]
        scores = torch.bmm(grouped, key.transpose(1, 2))
        if places.bias is not None:
            scores.view(n_rows, self.n_kv, -1, n_places).add_(places.bias)
        if places.shared:
            return self._attend_shared(grouped, scores, value, places.shared, layer).view(n_rows, -1)
        return torch.bmm(scores.softmax(-1), value).view(n_rows, -1)

    def _attend_shared(
        self,
        grouped: torch.Tensor,
        scores: torch.Tensor,
        value: torch.Tensor,
        shared: Sequence[SharedPrompt],
        layer: int,
    ) -> torch.Tensor:
        """Each row over its own places and the prompt it shares: two softmaxes, put together by their sums.

        `grouped` is (B * K, G, D), `scores` (B * K, G, T). A prompt is one product for all its rows.
        """
        summit = scores.amax(-1, keepdim=True)
        weights = (scores - summit).exp_()
        total, mixed = (
            x.view(-1, self.n_kv, *x.shape[1:]) for x in (weights.sum(-1, keepdim=True), torch.bmm(weights, value))
        )
        summit, query = summit.view_as(total), grouped.view_as(mixed)
        for prompt in shared:
            rows = slice(None) if prompt.rows is None else prompt.rows
            its_query = query[rows].transpose(0, 1).reshape(self.n_kv, -1, self.width)
            its_scores = torch.bmm(its_query, prompt.keys[layer].transpose(1, 2))
            its_summit = its_scores.amax(-1, keepdim=True)
            its_weights = its_scores.sub_(its_summit).exp_()
            its_mixed = torch.bmm(its_weights, prompt.values[layer])
            peak, its_total, its_mixed = (
                x.view(self.n_kv, -1, mixed.shape[2], x.shape[-1]).transpose(0, 1)
                for x in (its_summit, its_weights.sum(-1, keepdim=True), its_mixed)
            )
            highest = torch.maximum(summit[rows], peak)
            own_share, its_share = (summit[rows] - highest).exp(), (peak - highest).exp()
            total[rows] = total[rows] * own_share + its_total * its_share
            mixed[rows] = mixed[rows] * own_share + its_mixed * its_share
        return mixed / total

    def add_attention(self, hidden: torch.Tensor, mixed: torch.Tensor) -> torch.Tensor:
        return _add_product(hidden, mixed, self._out)

    def add_feed_forward(self, hidden: torch.Tensor, normed: torch.Tensor) -> torch.Tensor:
        if self._experts is not None:
            return hidden + self._experts(normed)
        gate, up = functional.linear(normed, self._gate_up, self._gate_up_bias).chunk(2, dim=-1)
        return _add_product(hidden, functional.silu(gate).mul_(up), self._down)


def _add_product(hidden: torch.Tensor, inner: torch.Tensor, linear: nn.Linear) -> torch.Tensor:
    added = torch.addmm(hidden, inner, linear.weight.t())
    return added if linear.bias is None else added.add_(linear.bias)


def _side_by_side(*linears: nn.Linear) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The weights (sum of out, in) and biases of `linears` as one, theirs being views from now on."""
    weight = torch.cat([linear.weight.detach() for linear in linears])
    bias = None if linears[0].bias is None else torch.cat([linear.bias.detach() for linear in linears])
    start = 0
    for linear in linears:
        stop = start + linear.out_features
        linear.weight.data = weight[start:stop]
        if bias is not None:
            linear.bias.data = bias[start:stop]
        start = stop
    return weight, bias
