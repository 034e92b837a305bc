"""Loss against size: L(N) = E + A / N^alpha at one token budget, with intervals from resampled documents.

The form is Hoffmann et al. 2022's (10.48550/arXiv.2203.15556) with the data term held fixed, so E is no entropy of the
data: it contains what more tokens would still remove. Three sizes and three unknowns leave no residual to judge by;
then the fit is a straight line in log space (E = 0) and says so. The intervals are those of the validation documents;
what another seed would have changed is not in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Documents = Mapping[str, Sequence[Sequence[float]]]
"""Modality -> [nats, targets] of each validation document."""
Floats = NDArray[np.float64]
MAX_ALPHA = 3.0
"""Steeper curves are steps, not power laws: a fit that ends there is reported as not determined."""


@dataclass(frozen=True)
class Curve:
    """`floor` is E (nats), `scale` A, `alpha` the exponent; `residuals` (nats) in order of the sizes."""

    floor: float
    scale: float
    alpha: float
    residuals: tuple[float, ...]
    free_floor: bool
    note: str

    def at(self, size: float) -> float:
        return self.floor + self.scale * size**-self.alpha


def mean_losses(documents: Documents, mixture: Mapping[str, float], n_resampled: int, seed: int) -> Floats:
    """Nats a target, modalities weighed by their share of the training mixture: first of all documents, then of
    `n_resampled` draws with replacement (1 + n_resampled,). Equal document lists and seeds draw alike, so that
    differences between shapes are paired.
    """
    rng = np.random.default_rng(seed)
    total, weight = np.zeros(1 + n_resampled), 0.0
    for modality in sorted(documents):
        rows = np.asarray(documents[modality], dtype=np.float64)
        picked = rng.integers(0, len(rows), (n_resampled, len(rows)))
        sums = np.concatenate([rows.sum(0)[None], rows[picked].sum(1)])
        total += mixture[modality] * sums[:, 0] / sums[:, 1]
        weight += mixture[modality]
    means: Floats = total / weight
    return means


def modality_losses(documents: Documents) -> dict[str, float]:
    """Nats a target of each modality."""
    return {name: sum(nats for nats, _ in rows) / sum(n for _, n in rows) for name, rows in documents.items()}


def fit_curve(sizes: Sequence[float], losses: Sequence[float]) -> Curve | None:
    """The curve by least squares on log loss; None for fewer than three different sizes."""
    if len(set(sizes)) < 3:
        return None
    x, y = np.log(np.asarray(sizes, dtype=np.float64)), np.asarray(losses, dtype=np.float64)
    if len(set(sizes)) == 3:
        slope, intercept = np.polyfit(x, np.log(y), 1)
        note = "three sizes cannot tell a floor from a slope: E is fixed at 0"
        return _curve(x, y, 0.0, float(np.exp(intercept)), float(-slope), False, note)
    centre = x.mean()

    def residuals(free: Floats) -> Floats:
        predicted = free[0] + np.exp(free[1] - free[2] * (x - centre))
        difference: Floats = np.log(predicted) - np.log(y)
        return difference

    low = y.min()
    starts = [
        (share * low, np.log((1 - share) * y.mean() + 1e-6), alpha) for share in (0, 0.5, 0.9) for alpha in (0.1, 0.5)
    ]
    bounds = ([0.0, -20.0, 0.0], [float(low), 20.0, MAX_ALPHA])
    found = [least_squares(residuals, start, bounds=bounds, x_scale=(low, 1.0, 0.3)) for start in starts]
    floor, log_scale, alpha = min(found, key=lambda result: float(result.cost)).x
    note = ""
    if alpha > 0.99 * MAX_ALPHA or floor > 0.999 * low:
        note = "the sizes do not determine the curve: it ends at a bound"
    elif floor < 1e-3 * low:
        note = "best without a floor (E = 0)"
    scale = float(np.exp(log_scale + alpha * centre))
    return _curve(x, y, float(floor), scale, float(alpha), True, note)


def _curve(x: Floats, y: Floats, floor: float, scale: float, alpha: float, free_floor: bool, note: str) -> Curve:
    predicted = floor + scale * np.exp(-alpha * x)
    return Curve(floor, scale, alpha, tuple(float(r) for r in y - predicted), free_floor, note)


def interval(values: Sequence[float] | Floats) -> tuple[float, float]:
    """The middle 95 %."""
    low, high = np.quantile(np.asarray(values, dtype=np.float64), [0.025, 0.975])
    return float(low), float(high)
