"""The mean of the best k numbers of a sample, and how far two samples differ in it.

Runs propose different candidates, so nothing pairs them: the interval resamples each run's candidates on their own
(two-sample bootstrap, Efron & Tibshirani 1993, doi 10.1201/9780429246593, chapter 8). It says how much the figure
depends on which of *these* candidates were drawn; it knows nothing of how another seed would have gone. The best single
value has no such interval: the bootstrap fails for extremes (Bickel & Freedman 1981, doi 10.1214/aos/1176345637), which
is why k is at least 2 and each sample must hold at least twice as many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.errors import InputError
from tools.types import Goal

SOURCE = "two-sample percentile bootstrap, Efron & Tibshirani 1993, doi 10.1201/9780429246593"


@dataclass(frozen=True, slots=True)
class BestMeanDifference:
    """first - second, in the values' unit. `low` and `high` are None where a sample is too small for an interval."""

    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    k: int
    n_first: int
    n_second: int
    confidence: float

    @property
    def decided(self) -> bool:
        """Whether the interval leaves out zero: only then may a text say "better" or "worse"."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


def best_mean(values: Sequence[float], k: int, goal: Goal) -> float:
    """The mean of the best `k` of the values, of all where there are fewer."""
    if not values:
        raise InputError("the best mean of no values is not defined")
    ordered = sorted(values, reverse=goal == "maximize")[:k]
    return math.fsum(ordered) / len(ordered)


def compare_best_means(
    first: Sequence[float],
    second: Sequence[float],
    k: int,
    goal: Goal,
    seed: int,
    *,
    n_resamples: int = 5_000,
    confidence: float = 0.95,
) -> BestMeanDifference:
    """The difference with its interval. InputError for an empty sample, a value that is no number, or k below 2."""
    if k < 2:
        raise InputError(f"k {k}: the mean of the best needs at least 2 (the bootstrap fails for the single best)")
    if not first or not second:
        raise InputError(f"two samples are needed, got {len(first)} and {len(second)} values")
    if not all(math.isfinite(value) for value in (*first, *second)):
        raise InputError("a value is not a finite number")
    means = best_mean(first, k, goal), best_mean(second, k, goal)
    low = high = None
    if min(len(first), len(second)) >= 2 * k:
        rng = np.random.default_rng(seed)
        drawn = [
            _resampled(np.asarray(values, dtype=np.float64), k, goal, n_resamples, rng) for values in (first, second)
        ]
        tail = (1.0 - confidence) / 2.0
        low, high = (float(x) for x in np.quantile(drawn[0] - drawn[1], [tail, 1.0 - tail]))
    return BestMeanDifference(*means, means[0] - means[1], low, high, k, len(first), len(second), confidence)


def _resampled(
    values: NDArray[np.float64], k: int, goal: Goal, n_resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Best-k mean of each resample, shape (n_resamples,); one resample is in memory at a time."""
    signed = values if goal == "minimize" else -values
    picks = (signed[rng.integers(0, signed.size, size=signed.size)] for _ in range(n_resamples))
    best = np.array([np.partition(pick, k - 1)[:k].mean() for pick in picks], dtype=np.float64)
    return best if goal == "minimize" else -best
