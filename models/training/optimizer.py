"""Optimisers: AdamW for everything, or Muon for the matrices inside the layers and AdamW for the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): the momentum of a weight matrix is
replaced by the nearest semi-orthogonal matrix, found by five Newton-Schulz iterations. Done here in float32 and
for all matrices of one shape at once, since the CPUs this has to run on have no bfloat16.
"""

from collections import defaultdict
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.training import parallel, sharding

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients from the cited page
AT_ONCE = 4  # matrices that stay in a core's cache through the iterations


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised. Only for matrices: one (R, C), or a stack of experts' (E, R, C), each by itself.

    `halved` parameters hold two matrices one above the other (gate and up), which are orthogonalised apart. The work
    is shared over the ranks of `parallel`.
    """

    def __init__(
        self, params: Any, lr: float, momentum: float = 0.95, weight_decay: float = 0.0, halved: Any = ()
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._halved = {id(parameter) for parameter in halved}

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    direction = sharding.whole(self._direction(parameter, group["momentum"]))
                    matrices = self._as_matrices(parameter, direction)
                    by_shape[matrices.shape[1], matrices.shape[2]].append((parameter, matrices))
            for shape, members in by_shape.items():
                updates = parallel.map_shared(orthogonalise, torch.cat([matrices for _, matrices in members]))
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                pieces = updates.split_with_sizes([len(matrices) for _, matrices in members])
                for (parameter, _), update in zip(members, pieces, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    change = sharding.like(update.reshape(parameter.shape), parameter)
                    parameter.add_(change, alpha=-group["lr"] * scale)

    def _direction(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """Nesterov momentum."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - momentum)
        return torch.lerp(parameter.grad, state["momentum"], momentum)

    def _as_matrices(self, parameter: nn.Parameter, direction: Tensor) -> Tensor:
        n_rows = parameter.shape[-2] // (2 if id(parameter) in self._halved else 1)
        return direction.view(-1, n_rows, parameter.shape[-1])


def orthogonalise(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices, roughly (singular values end between about 0.7 and 1.2); shape (N, R,
    C).
    """
    a, b, c = NEWTON_SCHULZ
    found = torch.empty_like(matrices)
    tall = matrices.shape[1] > matrices.shape[2]
    for start in range(0, len(matrices), AT_ONCE):
        x = matrices[start : start + AT_ONCE]
        x = x.transpose(1, 2) if tall else x
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        for _ in range(iterations):
            gram = x @ x.transpose(1, 2)
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        found[start : start + AT_ONCE] = x.transpose(1, 2) if tall else x
    return found


class Optimizers:
    """One or two optimisers driven as one: scaled learning rates, and a state of named tensors only."""

    def __init__(
        self,
        model: nn.Module,
        kind: Literal["adamw", "muon"],
        learning_rate: float,
        matrix_learning_rate: float,
        weight_decay: float,
    ) -> None:
        named = dict(model.named_parameters())
        matrices = {n: p for n, p in named.items() if kind == "muon" and _is_matrix(n, p)}
        decayed = [p for n, p in named.items() if n not in matrices and p.ndim >= 2]
        plain = [p for p in named.values() if p.ndim < 2]
        adam = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=learning_rate,
            betas=(0.9, 0.95),
            fused=True,
        )
        self._all: list[torch.optim.Optimizer] = [adam]
        self._peaks = [learning_rate]
        if matrices:
            halved = [p for n, p in matrices.items() if n.endswith("gate_up_proj")]
            self._all.append(
                Muon(list(matrices.values()), lr=matrix_learning_rate, weight_decay=weight_decay, halved=halved)
            )
            self._peaks.append(matrix_learning_rate)
        self._name_of: dict[Tensor, str] = {parameter: name for name, parameter in named.items()}

    def step(self, share_of_peak: float) -> None:
        """Update with the learning rates at this share of their peaks, then clear the gradients."""
        for optimizer, peak in zip(self._all, self._peaks, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * share_of_peak
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """`parameter name|state name` -> whole tensor on the CPU, fit for safetensors. Collective where split."""
        return {
            f"{self._name_of[parameter]}|{key}": sharding.whole(torch.as_tensor(value)).detach().cpu().clone()
            for optimizer in self._all
            for parameter, values in optimizer.state.items()
            for key, value in values.items()
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """The inverse of `state`, for the same model and kind of optimiser."""
        by_parameter: dict[str, dict[str, Tensor]] = defaultdict(dict)
        for name, value in state.items():
            parameter, key = name.rsplit("|", 1)
            by_parameter[parameter][key] = value
        for optimizer in self._all:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    optimizer.state[parameter] = {
                        key: sharding.like(value, parameter) if value.shape == parameter.shape else value
                        for key, value in by_parameter[self._name_of[parameter]].items()
                    }


def _is_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Whether Muon takes it: matrices inside the layers, but not a router, whose rows are one expert's each."""
    return parameter.ndim >= 2 and "layers." in name and not name.endswith("mlp.gate.weight")
