"""`condition`: the model completes the opening of a random spelling of one of the best.

A partial SMILES is the one prompt every molecule model understands: the kept opening holds part of the parent, the
completion is what the model finds likely after it. Not promised: that the kept part is what made the parent good.
"""

from __future__ import annotations

from agent.discovery.deps import Deps
from agent.discovery.refine.sample import sampling
from agent.discovery.refine.strategy import Order, Proposal, derived_seed
from tools.domain import Context

SAMPLES_PER_PREFIX = 4


class Condition:
    def propose(self, order: Order, _context: Context, deps: Deps) -> list[Proposal]:
        if not order.parents:
            return []
        requests, opened = [], {}
        for k in range(-(-order.n // SAMPLES_PER_PREFIX)):
            parent = order.parents[k % len(order.parents)]
            seed = derived_seed(deps.campaign.seed, "condition", order.round, order.batch, k)
            prompt, kept = deps.domain.reprompt(parent, seed)
            name = f"condition-{k:04d}"
            requests.append(sampling(prompt.text, prompt.stop, SAMPLES_PER_PREFIX, seed, name))
            opened[name] = (kept, prompt.stop, parent)
        proposals = []
        for sample in sorted(deps.model.generate(requests), key=lambda s: (s.request_id, s.index)):
            kept, stop, parent = opened[sample.request_id]
            text = kept + sample.text.removesuffix(stop)
            proposals.append(Proposal(text, "condition", (parent,), sample.log_prob))
        return [proposal for proposal in proposals if proposal.text not in order.rejected][: order.n]
