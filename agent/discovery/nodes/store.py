"""store: put what was found where the next run will look for it."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from agent.discovery.deps import Deps
from agent.discovery.finalists import final_context
from agent.discovery.standing import standings
from agent.discovery.state import DiscoveryState


def store(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:
    deps, context = runtime.context, state["context"]
    confirmed = {s.candidate.candidate_id: s for s in standings(deps, final_context(context)) if s.passed}
    rows = []
    for standing in standings(deps, context):
        if not standing.docked:
            continue
        final = confirmed.get(standing.candidate.candidate_id, standing)
        rows.append(
            {
                "id": f"{deps.run_id}/{standing.candidate.candidate_id}",
                "text": standing.candidate.text,
                "run_id": deps.run_id,
                "receptor": context["receptor"],
                "target": context["target"]["name"],
                "passed": standing.passed,
                "desirability": final.desirability,
                "scores": {k: v.value for k, v in final.scores.items() if v.value is not None},
                "units": {k: v.unit for k, v in final.scores.items() if v.value is not None and v.unit},
                "calls": {k: v.call_id for k, v in final.scores.items() if v.value is not None and v.call_id},
                "reason": next((o.reason for o in standing.outcomes if o.reason), ""),
                "verdict": "pass" if standing.passed else "fail" if standing.failed else "unknown",
                "sequence": (context.get("pocket_chain") or {}).get("sequence", ""),
            }
        )
    deps.vectors.add_results(rows)
    deps.control.emit("step_finished", {"step": "store", "n": len(rows)}, once="store")
    return {"seconds": deps.clock.seconds()}
