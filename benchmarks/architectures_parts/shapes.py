"""The networks that are compared, and which study each belongs to.

The sparse network is the one that ships. Its two controls are dense: one of the parameters a token meets in it
("equal active"), one of all it stores ("equal bytes"), wider rather than with a huge feed-forward part, since that is
what anyone would build of that size. The scaling studies add smaller ones of like proportions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from models.training.config import PretrainConfig


@dataclass(frozen=True)
class Shape:
    """Settings of `PretrainConfig` by name; `studies` of architecture, scaling-dense, scaling-sparse."""

    name: str
    studies: tuple[str, ...]
    settings: dict[str, int]


def _dense(name: str, studies: tuple[str, ...], width: int, layers: int, heads: int, inner: int) -> Shape:
    size = {"hidden_size": width, "n_layers": layers, "n_heads": heads, "intermediate_size": inner}
    return Shape(name, studies, {**size, "n_experts": 0})


def _sparse(name: str, studies: tuple[str, ...], width: int, layers: int, heads: int, inner: int) -> Shape:
    size = {"hidden_size": width, "n_layers": layers, "n_heads": heads, "expert_intermediate_size": inner}
    return Shape(name, studies, {**size, "n_experts": 16, "experts_per_token": 2})


ARCHITECTURE, DENSE, SPARSE = "architecture", "scaling-dense", "scaling-sparse"
STUDIES = (ARCHITECTURE, DENSE, SPARSE)

SHAPES: tuple[Shape, ...] = (
    _sparse("sparse 10M-a2M", (ARCHITECTURE, SPARSE), 192, 6, 6, 160),
    _dense("dense 2M, equal active", (ARCHITECTURE, DENSE), 192, 6, 6, 320),
    _dense("dense 0.3M", (DENSE,), 96, 3, 3, 160),
    _dense("dense 0.8M", (DENSE,), 128, 5, 4, 224),
    _dense("dense 10M, equal bytes", (ARCHITECTURE, DENSE), 384, 6, 12, 880),
    _sparse("sparse 1.3M-a0.3M", (SPARSE,), 96, 3, 3, 80),
    _sparse("sparse 3.8M-a0.8M", (SPARSE,), 128, 5, 4, 112),
    _dense("dense 4.5M", (DENSE,), 272, 6, 8, 528),
)
"""In the order they are trained: what an early look needs first."""


def configured(base: PretrainConfig, shape: Shape, *, tokens: int, step: int, threads: int) -> PretrainConfig:
    """`base` with another shape and a budget of `tokens`, `step` of them a step: all else, and the order of the
    data, is alike for all shapes. Validation is the study's own, so the run's is cut to a document a modality.
    """
    changed: dict[str, Any] = {
        **shape.settings,
        "minutes": None,
        "steps": max(1, round(tokens / step)),
        "tokens_per_step": step,
        "micro_batch_tokens": min(base.micro_batch_tokens, step),
        "warmup_steps": min(base.warmup_steps, max(1, round(tokens / step / 10))),
        "evaluate_minutes": 1e9,
        "evaluate_tokens": 1,
        "threads": threads,
    }
    return replace(base, **changed)
