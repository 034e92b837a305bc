"""`given`: the molecules that the campaign starts from, as they are, so that they are judged like any candidate."""

from __future__ import annotations

from agent.discovery.deps import Deps
from agent.discovery.refine.strategy import Order, Proposal
from tools.domain import Context


class Given:
    def propose(self, order: Order, _context: Context, deps: Deps) -> list[Proposal]:
        return [] if order.batch else [Proposal(text, "given") for text in deps.campaign.seeds]
