"""The few products and element-wise passes that a training step on a CPU is made of, each with its backward pass
written out.

Unusual: nothing here is approximate, it is what autograd would do with fewer passes over memory; all are tested
against plain autograd. On a CPU an element-wise pass costs as much as a product of this size, so what can be folded
is. Shapes: N tokens, d features, E experts, k experts a token, I features of an expert.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional


def normed(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """x / rms(x) * weight over the last dimension."""
    return _applied(_RootMeanSquareNorm, x, weight, epsilon)


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position encoding of (N, H, D): halves turned by an angle (N, 1, D/2)."""
    return _applied(_Rotation, x, cosine, sine)


def spread(x: Tensor, index: Tensor, places: Tensor) -> Tensor:
    """x[index], where place `places[i]` of the result holds row i and every other place is only padding."""
    return _applied(_Spread, x, index, places)


def picked(x: Tensor, index: Tensor) -> Tensor:
    """x[index] for an index without repetition."""
    return _applied(_Pick, x, index)


def gated(gate_up: Tensor) -> Tensor:
    """silu(gate) * up of a (N, 2 I) product holding both side by side."""
    return _applied(_Gated, gate_up)


def mix_experts(x: Tensor, weights: Tensor, chosen: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
    """Each of N tokens through its k experts, weighted: x (N, d), weights and chosen (N, k), gate_up (E, 2 I, d), down
    (E, d, I).

    Tokens are sorted by expert, so that an expert's tokens are one slice and one product, forward and backward; an
    expert nobody chose costs nothing. The weights are applied between the two products, where rows are shortest.
    """
    return _applied(_MixExperts, x, weights, chosen, gate_up, down)


def _applied(function: type[Function], *arguments: Any) -> Tensor:
    result: Tensor = function.apply(*arguments)  # type: ignore[no-untyped-call]
    return result


class _RootMeanSquareNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        inverse: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        inverse = inverse.add_(epsilon).rsqrt_()
        unit = x * inverse
        ctx.save_for_backward(unit, inverse, weight)
        return unit * weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        unit, inverse, weight = ctx.saved_tensors
        width = unit.shape[-1]
        product = grad * unit
        along = torch.mv(product.view(-1, width), weight).div_(-width).view(inverse.shape)
        to_weight = product.view(-1, width).sum(0)
        return torch.mul(grad, weight, out=product).addcmul_(unit, along).mul_(inverse), to_weight, None


class _Rotation(Function):
    """The backward pass turns back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        ctx.save_for_backward(cosine, sine)
        return _turned(x, cosine, sine)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cosine, sine = ctx.saved_tensors
        return _turned(grad, cosine, -sine), None, None


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    out = torch.empty(x.shape, dtype=x.dtype)
    torch.mul(first, cosine, out=out[..., :half]).addcmul_(second, sine, value=-1)
    torch.mul(second, cosine, out=out[..., half:]).addcmul_(first, sine)
    return out


class _Spread(Function):
    """The backward pass is a look-up too: padding carries no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return x.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (inverse,) = ctx.saved_tensors
        return grad.index_select(0, inverse), None, None


class _Pick(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.n_rows = len(x)
        return x.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        return grad.new_zeros((ctx.n_rows, *grad.shape[1:])).index_copy_(0, index, grad), None


class _Gated(Function):
    @staticmethod
    def forward(ctx: Any, gate_up: Tensor) -> Tensor:
        ctx.save_for_backward(gate_up)
        gate, up = gate_up.chunk(2, dim=-1)
        return functional.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (gate_up,) = ctx.saved_tensors
        return _gated_backward(gate_up, grad, None)


def _gated_backward(gate_up: Tensor, grad: Tensor, activated: Tensor | None) -> Tensor:
    """Gradient (N, 2 I) of silu(gate) * up; `activated` is silu(gate) where it is at hand."""
    gate, up = gate_up.chunk(2, dim=-1)
    out = torch.empty_like(gate_up)
    to_gate, to_up = out.chunk(2, dim=-1)
    torch.mul(grad, functional.silu(gate) if activated is None else activated, out=to_up)
    torch.ops.aten.silu_backward.grad_input(grad * up, gate, grad_input=to_gate)
    return out


class _MixExperts(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, chosen: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        n_tokens, n_chosen = chosen.shape
        order = chosen.flatten().argsort(stable=True)
        token = order.div(n_chosen, rounding_mode="floor")
        back = torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))
        slices = _slices(chosen, len(gate_up))
        rows, row_weights = x.index_select(0, token), weights.flatten().index_select(0, order)[:, None]
        hidden = x.new_empty(len(order), gate_up.shape[1])
        for expert, start, stop in slices:
            torch.mm(rows[start:stop], gate_up[expert].t(), out=hidden[start:stop])
        gate, up = hidden.chunk(2, dim=-1)
        activated = functional.silu(gate)
        mixed = activated * up
        weighted = mixed * row_weights
        outputs = x.new_empty(len(order), x.shape[1])
        for expert, start, stop in slices:
            torch.mm(weighted[start:stop], down[expert].t(), out=outputs[start:stop])
        ctx.save_for_backward(rows, row_weights, token, back, hidden, activated, mixed, weighted, gate_up, down)
        ctx.slices = slices
        return _summed(outputs, back, n_tokens)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, Tensor, Tensor]:
        rows, row_weights, token, back, hidden, activated, mixed, weighted, gate_up, down = ctx.saved_tensors
        n_tokens = len(grad)
        grads = grad.index_select(0, token)
        to_down, to_gate_up = torch.empty_like(down), torch.empty_like(gate_up)
        to_weighted = torch.empty_like(weighted)
        seen = set()
        for expert, start, stop in ctx.slices:
            seen.add(expert)
            torch.mm(grads[start:stop], down[expert], out=to_weighted[start:stop])
            torch.mm(grads[start:stop].t(), weighted[start:stop], out=to_down[expert])
        to_weights = torch.linalg.vecdot(to_weighted, mixed).index_select(0, back).view(n_tokens, -1)
        to_hidden = _gated_backward(hidden, to_weighted.mul_(row_weights), activated)
        to_rows = grads  # its values are used up
        for expert, start, stop in ctx.slices:
            torch.mm(to_hidden[start:stop].t(), rows[start:stop], out=to_gate_up[expert])
            torch.mm(to_hidden[start:stop], gate_up[expert], out=to_rows[start:stop])
        for expert in set(range(len(down))) - seen:
            to_down[expert].zero_()
            to_gate_up[expert].zero_()
        return _summed(to_rows, back, n_tokens), to_weights, None, to_gate_up, to_down


def _slices(chosen: Tensor, n_experts: int) -> list[tuple[int, int, int]]:
    """(expert, start, stop) of the rows sorted by expert, for experts with any."""
    found, start = [], 0
    for expert, count in enumerate(chosen.flatten().bincount(minlength=n_experts).tolist()):
        if count:
            found.append((expert, start, start + count))
            start += count
    return found


def _summed(rows: Tensor, back: Tensor, n_tokens: int) -> Tensor:
    """The sum of each token's k rows (N, d), rows being in the order of experts."""
    places = back.view(n_tokens, -1)
    total = rows.index_select(0, places[:, 0])
    for column in places.unbind(1)[1:]:
        total.add_(rows.index_select(0, column))
    return total
