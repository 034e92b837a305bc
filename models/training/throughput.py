"""How fast a run is against what its threads can do.

The peak is measured, not looked up: one float32 product, as large as the caches like it, on the run's own threads.
FLOPs a token follow from the architecture (6 an active parameter, 12 h t a layer for attention over t earlier
tokens, forward and backward), so the share of the peak is below what the hardware did.
"""

import time
from typing import Any

import torch

from models.training.architecture import active_parameters

SIDE = 768


def measure_peak(device: torch.device, seconds: float = 0.3) -> float:
    """float32 operations a second of this process's threads: the best of repeated products. 0 on a GPU, where one
    product of this size says nothing.
    """
    if device.type != "cpu":
        return 0.0
    left, right, out = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE), torch.empty(SIDE, SIDE)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.mm(left, right, out=out)
        best = min(best, time.perf_counter() - start)
    return 2 * SIDE**3 / best


def flops_per_token(model: Any, mean_length: float) -> float:
    """Forward and backward, for documents of `mean_length` tokens (a token looks back on half of one)."""
    attention: float = 12 * model.config.num_hidden_layers * model.config.hidden_size * mean_length / 2
    return 6 * active_parameters(model) + attention
