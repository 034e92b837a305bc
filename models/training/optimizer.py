"""Optimisers: AdamW for everything, or Muon for the matrices inside the layers and AdamW for the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): the momentum of a weight matrix is
replaced by the nearest semi-orthogonal matrix, found by five Newton-Schulz iterations. Done here in float32 and
for all matrices of one shape at once, since the CPUs this has to run on have no bfloat16.
"""

from collections import defaultdict
from typing import Any, Literal

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients from the cited page


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised. Only for parameters with two dimensions."""

    def __init__(self, params: Any, lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[tuple(parameter.shape)].append(parameter)
            for parameters in by_shape.values():
                self._update(parameters, group)

    def _update(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        directions = []
        for parameter in parameters:
            assert parameter.grad is not None
            state = self.state[parameter]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(parameter)
            state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
            directions.append(torch.lerp(parameter.grad, state["momentum"], group["momentum"]))
        updates = orthogonalise(torch.stack(directions))
        scale = max(1.0, parameters[0].shape[0] / parameters[0].shape[1]) ** 0.5
        for parameter, update in zip(parameters, updates, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(update, alpha=-group["lr"] * scale)


def orthogonalise(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices, roughly (singular values end between about 0.7 and 1.2); shape (N, R,
    C).
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.transpose(1, 2) if tall else x
    return result


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
        matrices = {n: p for n, p in named.items() if kind == "muon" and p.ndim == 2 and "layers." in n}
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
            self._all.append(Muon(list(matrices.values()), lr=matrix_learning_rate, weight_decay=weight_decay))
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
        """`parameter name|state name` -> tensor, fit for safetensors."""
        return {
            f"{self._name_of[parameter]}|{key}": torch.as_tensor(value).clone()
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
                    optimizer.state[parameter] = by_parameter[self._name_of[parameter]]
