"""generate: fill the round with candidates by the plan's strategies; stored candidates are read back, never remade."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from agent.discovery.deps import Deps
from agent.discovery.refine import STRATEGIES
from agent.discovery.refine.strategy import Order, Proposal
from agent.discovery.state import DiscoveryState
from tools.types import Candidate

MAX_BATCHES = 4
"""How often a strategy is asked again where its proposals were duplicates; then the round is smaller."""


def generate(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:
    deps, round_ = runtime.context, state["round"]
    deps.control.wait_while_paused()
    if deps.ledger.candidates(deps.run_id, round_):
        return {"seconds": deps.clock.seconds()}
    earlier = {candidate.text for candidate in deps.ledger.candidates(deps.run_id)}
    proposals = _proposals(state, deps, earlier)
    candidates = [
        Candidate(f"r{round_}-{index:04d}", p.text, round_, index, p.origin, tuple(p.parents), p.log_prob)
        for index, p in enumerate(proposals)
    ]
    deps.ledger.put_candidates(deps.run_id, round_, candidates)
    for candidate in candidates:
        deps.control.emit("candidate_added", candidate.to_json(), once=f"candidate {candidate.candidate_id}")
    return {"seconds": deps.clock.seconds()}


def _proposals(state: DiscoveryState, deps: Deps, earlier: set[str]) -> list[Proposal]:
    """Distinct new proposals, strategy by strategy; what one strategy leaves open the last one (`sample`) fills."""
    plan, kept = state["plan"], dict[str, Proposal]()
    known = earlier.union(plan["rejected"])
    wanted = 0
    for name, share in [*plan["mix"], ("sample", 0)]:
        wanted = deps.campaign.per_round if name == "sample" else min(wanted + share, deps.campaign.per_round)
        for batch in range(MAX_BATCHES):
            if len(kept) >= wanted or deps.control.should_stop():
                break
            order = Order(
                n=wanted - len(kept),
                round=state["round"],
                batch=batch,
                parents=plan["parents"],
                rejected=frozenset(plan["rejected"]),
            )
            for proposal in STRATEGIES[name].propose(order, state["context"], deps):
                identity = deps.domain.identity(proposal.text) or proposal.text
                if identity and identity not in known and identity not in kept and len(kept) < wanted:
                    kept[identity] = Proposal(identity, proposal.origin, proposal.parents, proposal.log_prob)
    return list(kept.values())
