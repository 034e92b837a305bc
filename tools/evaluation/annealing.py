"""Simulated annealing on a measured landscape: what a search that may look gets for a budget of look-ups.

The mark beside a generator that never looks (Kirkpatrick 1983, doi 10.1126/science.220.4598.671): single
substitutions at the free sites, Metropolis rule, temperature falling geometrically. Not promised: a tuned optimiser.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from tools.evaluation.fitness_evaluators import AMINO_ACIDS


def anneal(
    fitness: Mapping[str, float],
    starts: Sequence[str],
    sites: Sequence[int],
    *,
    n_steps: int,
    seed: int,
    hot: float = 0.5,
    cold: float = 0.01,
) -> list[str]:
    """The best sequence met by one chain from each of `starts` in `n_steps` look-ups.

    `hot` and `cold` are the first and last temperature in units of fitness. A move to an unmeasured sequence costs its
    look-up and is refused.
    """
    rng = random.Random(seed)
    found = []
    for start in starts:
        here = best = start
        for step in range(n_steps):
            temperature = hot * (cold / hot) ** (step / max(1, n_steps - 1))
            site = rng.choice(sites)
            moved = here[:site] + rng.choice(AMINO_ACIDS.replace(here[site], "")) + here[site + 1 :]
            if moved not in fitness:
                continue
            gain = fitness[moved] - fitness[here]
            if gain >= 0 or rng.random() < math.exp(gain / temperature):
                here = moved
            best = max(best, here, key=lambda one: fitness[one])
        found.append(best)
    return found
