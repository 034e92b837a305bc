"""confirm: dock the finalists again, more thoroughly, and judge their new poses by every later stage."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from agent.deps import Deps
from agent.finalists import final_context, finalists
from agent.nodes.validate import evaluate
from agent.standing import standings
from agent.state import DiscoveryState


def confirm(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:
    deps = runtime.context
    chosen = finalists(standings(deps, state["context"]), deps)
    if not deps.control.should_stop():
        evaluate([s.candidate for s in chosen], final_context(state["context"]), deps, reserve_seconds=0.0)
    return {"seconds": deps.clock.seconds()}
