"""`evolve`: the domain's mutation and crossover on the best so far (graph GA; Jensen 2019, 10.1039/C8SC05372C).

Parents are drawn with a probability that halves every `HALF_RANK` ranks; half of the children are crossovers once
there are two parents. The operators keep the campaign's hard limits that they know of; the funnel decides the rest.
"""

from __future__ import annotations

import numpy as np

from agent.discovery.deps import Deps
from agent.discovery.refine.strategy import Order, Proposal, derived_seed
from tools.domain import Context

HALF_RANK = 3.0
CROSSOVER_SHARE = 0.5


class Evolve:
    def propose(self, order: Order, context: Context, deps: Deps) -> list[Proposal]:
        if not order.parents:
            return []
        rng = np.random.default_rng(derived_seed(deps.campaign.seed, "evolve", order.round, order.batch))
        weights = 0.5 ** (np.arange(len(order.parents)) / HALF_RANK)
        weights /= weights.sum()
        proposals = []
        for _ in range(order.n):
            first, second = rng.choice(len(order.parents), size=2, p=weights)
            seed = int(rng.integers(2**31))
            mate = order.parents[second] if first != second and rng.random() < CROSSOVER_SHARE else None
            proposals.append(self._child(order.parents[first], mate, seed, context, deps))
        return [child for child in proposals if child is not None and child.text not in order.rejected]

    def _child(self, parent: str, mate: str | None, seed: int, context: Context, deps: Deps) -> Proposal | None:
        if mate is not None:
            text = deps.domain.crossover(parent, mate, context, seed)
            if text is not None:
                return Proposal(text, "evolve:crossover", (parent, mate))
        text = deps.domain.mutate(parent, context, seed)
        return None if text is None else Proposal(text, "evolve:mutation", (parent,))
