"""confirm: dock the finalists again, more thoroughly, and judge their new poses by every later stage; beside them, and
in the same way, the reference compound."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from agent.discovery.deps import Deps
from agent.discovery.finalists import final_context, finalists
from agent.discovery.nodes.validate import chains, keep
from agent.discovery.reference import judge_reference
from agent.discovery.standing import standings
from agent.discovery.state import DiscoveryState


def confirm(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:
    deps, final = runtime.context, final_context(state["context"])
    chosen = [s.candidate for s in finalists(standings(deps, state["context"]), deps)]
    reference = final["reference"]
    texts = ([reference["smiles"]] if reference else []) + [candidate.text for candidate in chosen]
    offset = len(texts) - len(chosen)
    earlier, judged = deps.ledger.results(deps.run_id), None
    for index, outcomes in chains(texts, final, deps, reserve_seconds=0.0):
        if index < offset:
            judged = judge_reference(outcomes, final, deps)
        else:
            keep(chosen[index - offset], outcomes, earlier, deps)
    return {"reference": judged, "seconds": deps.clock.seconds()}
