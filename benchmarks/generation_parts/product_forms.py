"""Forms of one matrix product (see `matrix_products`): functions that take operands and give the product to time.

Operands besides weights are random numbers of the weights' type on their device; buffers are made once and not
timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import linear, scaled_dot_product_attention

Product = Callable[[], object]
AtLength = Callable[[int], object]
OfCounts = Callable[[Sequence[int]], object]
"""The products of one layer's experts, given how many rows each sees."""

_TRIALS = 5
_TRIAL_SECONDS = 0.02


def numbers(like: torch.Tensor, *size: int) -> torch.Tensor:
    return torch.randn(size, device=like.device, dtype=torch.float32).to(like.dtype)


def linears_of(matrices: Sequence[Sequence[torch.Tensor]], rows: int, form: str) -> list[Product | None]:
    return [LINEAR_FORMS[form](list(m), numbers(m[0], rows, m[0].shape[1])) if m else None for m in matrices]


def fastest_linears(matrices: Sequence[Sequence[torch.Tensor]], rows: int) -> tuple[str, list[Product | None]]:
    """The fastest form over all layers together, and its products; layers without such matrices give None."""
    if not any(matrices):
        return "none", [None] * len(matrices)
    best: tuple[float, str, list[Product | None]] | None = None
    for form in LINEAR_FORMS:
        try:
            products = linears_of(matrices, rows, form)
            seconds = time_products([p for p in products if p is not None])
        except (RuntimeError, AttributeError, NotImplementedError):
            continue  # this device or number type has no such form
        if best is None or seconds < best[0]:
            best = (seconds, form, products)
    if best is None:
        raise RuntimeError("no form of a matrix product runs on this device")
    return best[1], best[2]


def _apart(matrices: list[torch.Tensor], x: torch.Tensor) -> Product:
    return lambda: [linear(x, matrix) for matrix in matrices]


def _side_by_side(matrices: list[torch.Tensor], x: torch.Tensor) -> Product:
    joined = torch.cat(matrices)
    return lambda: linear(x, joined)


def _transposed(matrices: list[torch.Tensor], x: torch.Tensor) -> Product:
    joined = torch.cat(matrices).t().contiguous()
    return lambda: torch.mm(x, joined)


def _into_buffer(matrices: list[torch.Tensor], x: torch.Tensor) -> Product:
    joined = torch.cat(matrices).t().contiguous()
    out = x.new_empty(len(x), joined.shape[1])
    return lambda: torch.mm(x, joined, out=out)


def _features_first(matrices: list[torch.Tensor], x: torch.Tensor) -> Product:
    joined, column = torch.cat(matrices), x.t().contiguous()
    return lambda: torch.mm(joined, column)


def _packed(matrices: list[torch.Tensor], x: torch.Tensor) -> Product:
    packed = torch.ops.mkldnn._reorder_linear_weight(torch.cat(matrices), len(x))
    multiply = torch.ops.mkldnn._linear_pointwise
    return lambda: multiply(x, packed, None, "none", [], "")


LINEAR_FORMS: dict[str, Callable[[list[torch.Tensor], torch.Tensor], Product]] = {
    "apart": _apart,
    "side by side": _side_by_side,
    "side by side, transposed": _transposed,
    "side by side, transposed, into a buffer": _into_buffer,
    "side by side, features first": _features_first,
    "side by side, packed": _packed,
}


# -- attention -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Heads:
    n_rows: int
    n_kv: int
    group: int
    width: int
    n_prompt: int
    capacity: int


def at_length(attention: AtLength, length: int) -> Product:
    return lambda: attention(length)


def _rows_alone(heads: Heads, like: torch.Tensor) -> AtLength:
    batch = heads.n_rows * heads.n_kv
    query = numbers(like, batch, heads.group, heads.width)
    keys, values = (numbers(like, batch, heads.capacity, heads.width) for _ in range(2))
    weights = numbers(like, batch * heads.group * heads.capacity)

    def multiply(length: int) -> None:
        torch.bmm(query, keys[:, :length].transpose(1, 2))
        torch.bmm(weights[: batch * heads.group * length].view(batch, heads.group, length), values[:, :length])

    return multiply


def _keys_transposed(heads: Heads, like: torch.Tensor) -> AtLength:
    batch = heads.n_rows * heads.n_kv
    query = numbers(like, batch, heads.group, heads.width)
    keys = numbers(like, batch, heads.width, heads.capacity)
    values = numbers(like, batch, heads.capacity, heads.width)
    weights = numbers(like, batch * heads.group * heads.capacity)

    def multiply(length: int) -> None:
        torch.bmm(query, keys[:, :, :length])
        torch.bmm(weights[: batch * heads.group * length].view(batch, heads.group, length), values[:, :length])

    return multiply


def _fused(heads: Heads, like: torch.Tensor) -> AtLength:
    query = numbers(like, heads.n_rows, heads.n_kv * heads.group, 1, heads.width)
    keys, values = (numbers(like, heads.n_rows, heads.n_kv, heads.capacity, heads.width) for _ in range(2))
    grouped = heads.group > 1
    attend = scaled_dot_product_attention
    return lambda length: attend(query, keys[:, :, :length], values[:, :, :length], enable_gqa=grouped)


def _prompt_shared(heads: Heads, like: torch.Tensor) -> AtLength:
    """All rows against the prompt's keys in one product a head, then each row against its own."""
    own = Heads(heads.n_rows, heads.n_kv, heads.group, heads.width, 0, heads.capacity - heads.n_prompt)
    alone = _rows_alone(own, like)
    rows = heads.n_rows * heads.group
    query, weights = numbers(like, heads.n_kv, rows, heads.width), numbers(like, heads.n_kv, rows, heads.n_prompt)
    keys = numbers(like, heads.n_kv, heads.width, heads.n_prompt)
    values = numbers(like, heads.n_kv, heads.n_prompt, heads.width)

    def multiply(length: int) -> None:
        torch.bmm(query, keys)
        torch.bmm(weights, values)
        alone(length - heads.n_prompt)

    return multiply


PROMPT_SHARED = "the prompt's keys shared"
ATTENTION_FORMS: dict[str, Callable[[Heads, torch.Tensor], AtLength]] = {
    "two batched products": _rows_alone,
    "two batched products, keys transposed": _keys_transposed,
    "fused attention": _fused,
    PROMPT_SHARED: _prompt_shared,
}


# -- experts -------------------------------------------------------------------------------------------------
def _experts_as_stored(gate_up: torch.Tensor, down: torch.Tensor, rows: int) -> OfCounts:
    x, inner = numbers(gate_up, rows, gate_up.shape[2]), numbers(gate_up, rows, down.shape[2])

    def multiply(counts: Sequence[int]) -> None:
        for expert, count in enumerate(counts):
            if count:
                linear(x[:count], gate_up[expert])
                linear(inner[:count], down[expert])

    return multiply


def _experts_transposed(gate_up: torch.Tensor, down: torch.Tensor, rows: int) -> OfCounts:
    x, inner = numbers(gate_up, rows, gate_up.shape[2]), numbers(gate_up, rows, down.shape[2])
    first, second = gate_up.transpose(1, 2).contiguous(), down.transpose(1, 2).contiguous()

    def multiply(counts: Sequence[int]) -> None:
        for expert, count in enumerate(counts):
            if count:
                torch.mm(x[:count], first[expert])
                torch.mm(inner[:count], second[expert])

    return multiply


EXPERT_FORMS: dict[str, Callable[[torch.Tensor, torch.Tensor, int], OfCounts]] = {
    "one after the other": _experts_as_stored,
    "one after the other, transposed": _experts_transposed,
}


# -- time ----------------------------------------------------------------------------------------------------
def time_products(products: Sequence[Product]) -> float:
    """Fewest seconds of doing `products` once in a few trials of a fiftieth of a second: what else runs only adds."""
    started = _now()
    for product in products:
        product()
    repeats = max(1, round(_TRIAL_SECONDS / max(_now() - started, 1e-6)))
    trials = []
    for _ in range(_TRIALS):
        started = _now()
        for _ in range(repeats):
            for product in products:
                product()
        trials.append((_now() - started) / repeats)
    return min(trials)


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
