"""`recalled`: what memory brought up for this target, as it is: judged on this receptor like any other candidate."""

from __future__ import annotations

from agent.discovery.deps import Deps
from agent.discovery.recall import recalled_of
from agent.discovery.refine.strategy import Order, Proposal
from tools.domain import Context


class Recalled:
    def propose(self, order: Order, context: Context, _deps: Deps) -> list[Proposal]:
        """The frozen seeds; the origin says where each comes from."""
        seeds = recalled_of(context)["seeds"]
        return [] if order.batch else [Proposal(seed["text"], f"recalled: {seed['why']}") for seed in seeds]
