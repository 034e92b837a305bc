"""95 % intervals of figures: Wilson for shares of independent yes-or-no answers, bootstrap for everything else.

The bootstrap resamples inputs (products, texts, molecules), never single answers of one input, since those are not
independent. Not used for uniqueness and what counts distinct objects: a resample repeats objects and so makes them
look less diverse than they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tools.evaluation.protocol import Figure

N_RESAMPLES = 1000
"""Resamples of a bootstrap; percentile bounds move by about 0.1 standard errors at this number (Efron and Tibshirani
1993, doi:10.1007/978-1-4899-4541-9, chapter 13)."""


def wilson_interval(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953); `z` 1.96 for 95 %.

    10 of 20: (0.2993, 0.7007). ValueError where n is 0.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} is no share")
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap_interval(
    n: int,
    statistic: Callable[[NDArray[np.intp]], float],
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap: `statistic` of index arrays drawn with replacement from 0..n-1; NaN resamples are left
    out."""
    rng = np.random.default_rng(seed)
    values = np.array([statistic(rng.integers(0, n, n)) for _ in range(n_resamples)], dtype=np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def share_figure(name: str, successes: int, n: int, definition: str) -> Figure:
    """A share of independent yes-or-no answers with Wilson's interval; without a value where n is 0."""
    if n == 0:
        return Figure(name, None, None, None, 0, definition)
    low, high = wilson_interval(successes, n)
    return Figure(name, successes / n, low, high, n, definition, "Wilson")


def mean_figure(name: str, values: Sequence[float], definition: str, *, seed: int, over: str = "inputs") -> Figure:
    """The mean of one value an input, bootstrapped over the inputs."""
    array = np.asarray(values, dtype=np.float64)
    return statistic_figure(name, len(array), lambda at: float(array[at].mean()), definition, seed=seed, over=over)


def ratio_figure(
    name: str,
    numerators: Sequence[float],
    denominators: Sequence[float],
    definition: str,
    *,
    seed: int,
    over: str = "inputs",
) -> Figure:
    """Sum over inputs divided by sum over inputs (a mean where inputs weigh by their size), bootstrapped over
    inputs."""
    top, bottom = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)

    def ratio(at: NDArray[np.intp]) -> float:
        total = bottom[at].sum()
        return float(top[at].sum() / total) if total else math.nan

    return statistic_figure(name, len(top), ratio, definition, seed=seed, over=over)


def statistic_figure(
    name: str,
    n: int,
    statistic: Callable[[NDArray[np.intp]], float],
    definition: str,
    *,
    seed: int,
    over: str = "inputs",
    n_resamples: int = N_RESAMPLES,
) -> Figure:
    """Any statistic of inputs 0..n-1 given as an index array, with its percentile bootstrap: none for one input,
    and none where all resamples agree (0 of 76 is not known to within 0)."""
    value = statistic(np.arange(n)) if n else math.nan
    if math.isnan(value):
        return Figure(name, None, None, None, n, definition)
    if n < 2:
        return Figure(name, value, None, None, n, definition)
    low, high = bootstrap_interval(n, statistic, seed=seed, n_resamples=n_resamples)
    if low == high:
        return Figure(name, value, None, None, n, definition)
    return Figure(name, value, low, high, n, definition, f"bootstrap over {over}")
