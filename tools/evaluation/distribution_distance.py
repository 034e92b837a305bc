"""How far a property's distribution over samples is from that over a reference: Wasserstein-1, in the property's unit.

The area between the two cumulative distributions (Vallender 1974, doi:10.1137/1118101; MOSES uses the same for logP,
QED, SA and weight). Two finite samples of one distribution are never at distance 0: how far chance alone puts as many
draws is told beside each figure. The bootstrap is biased upwards for the same reason.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.evaluation.intervals import statistic_figure
from tools.evaluation.protocol import Figure

_CHANCE_DRAWS = 50

Values = NDArray[np.float64]


class DistanceTo:
    """Distances of resamples of `ours` (N,) to `theirs` (M,), the sorting done once."""

    def __init__(self, ours: Values, theirs: Values) -> None:
        self._n = len(ours)
        grid = np.sort(np.concatenate([ours, theirs]))
        self._steps = np.diff(grid)
        self._place = np.searchsorted(grid, ours, side="left")
        self._length = len(grid)
        self._reference = np.searchsorted(np.sort(theirs), grid[:-1], side="right") / len(theirs)

    def __call__(self, chosen: NDArray[np.intp]) -> float:
        """The distance of the sample that holds `ours[chosen]`."""
        counts = np.bincount(self._place[chosen], minlength=self._length)
        cumulative = np.cumsum(counts[:-1]) / len(chosen)
        return float(np.abs(cumulative - self._reference) @ self._steps)


def wasserstein(ours: Values, theirs: Values) -> float:
    """Wasserstein-1 distance of two samples. [0, 1] and [5, 6]: 5."""
    return DistanceTo(ours, theirs)(np.arange(len(ours)))


def chance_distance(theirs: Values, n: int, *, seed: int) -> float:
    """Mean distance to `theirs` of `n` values drawn from it."""
    rng = np.random.default_rng(seed)
    distance = DistanceTo(theirs, theirs)
    return float(np.mean([distance(rng.integers(0, len(theirs), n)) for _ in range(_CHANCE_DRAWS)]))


def distance_figure(name: str, ours: Values, theirs: Values, what: str, *, seed: int) -> Figure:
    """The distance with its bootstrap over `ours`; without a value where either side is empty."""
    if not len(ours) or not len(theirs):
        return Figure(name, None, None, None, 0, what)
    chance = chance_distance(theirs, len(ours), seed=seed)
    definition = f"{what} ({len(theirs)} molecules); {chance:.3g} for as many drawn from the reference itself"
    return statistic_figure(name, len(ours), DistanceTo(ours, theirs), definition, seed=seed, over="samples")
