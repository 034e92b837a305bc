"""From many numbers to an order: desirability, Pareto fronts, diversity, and honest corrections for size.

Knows no chemistry: candidates are anything, numbers come by name, likeness comes as a function. A number that
is missing (None or not finite) makes what depends on it None, never 0. Nothing here draws random numbers
except `paired_bootstrap`, whose seed is an argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from tools.errors import InputError

T = TypeVar("T")
Direction = Literal["minimize", "maximize", "target"]
Numbers = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Objective:
    """What is wanted of one score. `low` and `high`, in the score's unit, are where desirability ends or
    begins.

    minimize: 1 at `low` and below, 0 at `high` and above. maximize: the mirror image. target: 1 at `target`,
    0 at `low` and at `high`. `shape` is the exponent of the slope between (1 straight, above 1 demanding).
    """

    score: str
    goal: Direction
    low: float
    high: float
    weight: float = 1.0
    target: float | None = None
    shape: float = 1.0

    def __post_init__(self) -> None:
        finite = all(math.isfinite(x) for x in (self.low, self.high, self.weight, self.shape))
        if self.goal not in ("minimize", "maximize", "target"):
            raise InputError(f"objective {self.score}: goal {self.goal!r} is not minimize, maximize or target")
        if not finite or self.low >= self.high:
            raise InputError(f"objective {self.score}: low {self.low} must lie below high {self.high}")
        if self.weight <= 0 or self.shape <= 0:
            raise InputError(f"objective {self.score}: weight {self.weight} and shape {self.shape} must be > 0")
        if (self.goal == "target") != (self.target is not None):
            raise InputError(f"objective {self.score}: goal target needs a target, the others take none")
        if self.target is not None and not self.low < self.target < self.high:
            raise InputError(f"objective {self.score}: target {self.target} is not between low and high")


def desirability(value: float | None, objective: Objective) -> float | None:
    """0 (useless) .. 1 (as good as wanted) of one value; None where the value is missing.

    Derringer & Suich 1980, doi 10.1080/00224065.1980.11980968, one- and two-sided. Example: docking score -9
    with low -12, high -4, minimize: (-4 - -9) / 8 = 0.625.
    """
    if value is None or not math.isfinite(value):
        return None
    low, high = objective.low, objective.high
    if objective.goal == "target" and objective.target is not None:
        low, high = (low, objective.target) if value <= objective.target else (objective.target, high)
        rising = value <= objective.target
    else:
        rising = objective.goal == "maximize"
    fraction = (value - low) / (high - low) if rising else (high - value) / (high - low)
    return float(min(max(fraction, 0.0), 1.0) ** objective.shape)


def overall_desirability(values: Numbers, objectives: Sequence[Objective]) -> float | None:
    """The weighted geometric mean of all desirabilities (Derringer & Suich 1980): one that is 0 makes it 0.

    None where any objective's value is missing: what was not measured is not ranked.
    """
    if not objectives:
        raise InputError("overall desirability needs at least one objective")
    single = [desirability(values.get(objective.score), objective) for objective in objectives]
    known = [d for d in single if d is not None]
    if len(known) < len(single):
        return None
    if min(known) == 0.0:
        return 0.0
    total = sum(objective.weight for objective in objectives)
    logs = (o.weight * math.log(d) for o, d in zip(objectives, known, strict=True))
    return math.exp(sum(logs) / total)


def pareto_fronts(rows: Sequence[Numbers], objectives: Sequence[Objective]) -> list[list[int]]:
    """Row indices by front: none in a front is beaten in everything that counts by a row of the same or a
    later one.

    A row beats another when it is at least as good in every objective and better in one (Deb 2002, doi
    10.1109/4235.996017). Goals count by raw value (target: by distance), weights and bounds do not. Rows with a
    missing value are in no front.
    """
    costs: dict[int, tuple[float, ...]] = {}
    for index, row in enumerate(rows):
        values = [row.get(objective.score) for objective in objectives]
        known = [v for v in values if v is not None and math.isfinite(v)]
        if len(known) == len(objectives):
            costs[index] = tuple(_cost(v, o) for v, o in zip(known, objectives, strict=True))
    fronts: list[list[int]] = []
    while costs:
        front = [i for i, cost in costs.items() if not any(_dominates(c, cost) for c in costs.values())]
        fronts.append(front)
        for index in front:
            del costs[index]
    return fronts


def _cost(value: float, objective: Objective) -> float:
    if objective.target is not None:
        return abs(value - objective.target)
    return value if objective.goal == "minimize" else -value


def _dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(first, second, strict=True)) and first != second


def select_diverse(
    candidates: Sequence[T],
    scores: Sequence[float | None],
    n: int,
    similarity: Callable[[T, T], float],
    threshold: float,
    *,
    fill: bool = False,
) -> list[int]:
    """Indices of at most `n` candidates, best score first, no two more alike than `threshold` (sphere
    exclusion).

    Higher scores are better; equal ones keep their order; a candidate without a score is never selected. With
    `fill` the places left over go to the best of those that were too alike, behind the diverse ones. Sphere
    exclusion: Hudson 1996, doi 10.1002/qsar.19960150402.
    """
    if len(candidates) != len(scores):
        raise InputError(f"{len(candidates)} candidates but {len(scores)} scores")
    if n < 0:
        raise InputError(f"n {n} must not be negative")
    known = [(-s, i) for i, s in enumerate(scores) if s is not None and math.isfinite(s)]
    chosen: list[int] = []
    crowded: list[int] = []
    for _, index in sorted(known):
        if len(chosen) == n:
            break
        alike = any(similarity(candidates[index], candidates[other]) > threshold for other in chosen)
        (crowded if alike else chosen).append(index)
    return chosen + (crowded[: n - len(chosen)] if fill else [])


def ligand_efficiency(score: float | None, size: int) -> float | None:
    """-score / size, in the score's unit per heavy atom (Hopkins 2004, doi 10.1016/S1359-6446(04)03069-7).

    For scores where lower is better, so that higher efficiency is better. None without a score or a size.
    """
    if score is None or not math.isfinite(score) or size < 1:
        return None
    return -score / size


@dataclass(frozen=True, slots=True)
class SizeRegression:
    """score = intercept + slope * size; `residuals` in input order, None where the score is missing."""

    slope: float
    intercept: float
    residuals: tuple[float | None, ...]


def size_regression(scores: Sequence[float | None], sizes: Sequence[int], min_points: int = 5) -> SizeRegression | None:
    """What is left of each score once its trend with size is taken out: negative is better than size explains.

    Theil-Sen (Sen 1968, doi 10.1080/01621459.1968.10480934): the median slope, which a few outliers do not
    move. None with fewer than `min_points` known scores or only one size.
    """
    if len(scores) != len(sizes):
        raise InputError(f"{len(scores)} scores but {len(sizes)} sizes")
    points = [(size, s) for size, s in zip(sizes, scores, strict=True) if s is not None and math.isfinite(s)]
    if len(points) < min_points or len({size for size, _ in points}) < 2:
        return None
    x, y = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    from scipy import stats  # a second to load, which starting a chat does not have

    slope = float(stats.theilslopes(y, x)[0])
    intercept = float(np.median(y - slope * x))
    residuals = tuple(
        None if s is None or not math.isfinite(s) else float(s - intercept - slope * size)
        for s, size in zip(scores, sizes, strict=True)
    )
    return SizeRegression(slope, intercept, residuals)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean paired difference (first - second) with its bootstrap interval, in the unit of the values."""

    difference: float
    low: float
    high: float
    n_pairs: int
    confidence: float

    @property
    def excludes_zero(self) -> bool:
        """Only then may a text say "better" or "worse"."""
        return self.low > 0.0 or self.high < 0.0


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    seed: int,
    *,
    n_resamples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap of the mean of first[i] - second[i] (Efron & Tibshirani 1993, chapter 13).

    Fewer than 2 pairs or a value that is not finite is an `InputError`; with a handful of pairs the interval
    is too narrow, so report `n_pairs` beside it.
    """
    if len(first) != len(second) or len(first) < 2:
        raise InputError(f"paired bootstrap needs two equal lists of 2 or more, got {len(first)} and {len(second)}")
    if not 0.0 < confidence < 1.0 or n_resamples < 1:
        raise InputError(f"confidence {confidence} must be in (0, 1) and n_resamples {n_resamples} positive")
    differences: NDArray[np.float64] = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    if not np.isfinite(differences).all():
        raise InputError("paired bootstrap got a value that is not a finite number")
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, differences.size, size=(n_resamples, differences.size))
    means = differences[picks].mean(axis=1)
    low, high = np.quantile(means, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return Interval(float(differences.mean()), float(low), float(high), int(differences.size), confidence)
