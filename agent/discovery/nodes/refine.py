"""refine: read what the round taught and decide how the next one is made.

Parents are the best by desirability that passed every stage, thinned to distinct ones. What failed is avoided, and
the shares of the strategies follow how the candidates of each fared: its mean desirability over the candidates it
had docked, where one that failed a hard check counts 0.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from langgraph.runtime import Runtime

from agent.discovery.deps import Deps
from agent.discovery.recall import recalled_of
from agent.discovery.standing import Standing, standings
from agent.discovery.state import DiscoveryState
from tools.rank import select_diverse

N_PARENTS = 12
PARENT_SIMILARITY = 0.8
START_SHARES = {"evolve": 0.5, "condition": 0.25, "sample": 0.25}
SMALLEST_SHARE = 0.1
FIXED = {
    "evolve": {"evolve": 0.75, "sample": 0.25},
    "condition": {"condition": 0.75, "sample": 0.25},
    "adapt": {"adapt": 0.75, "sample": 0.25},
    "none": {"sample": 1.0},
}


def refine(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:
    deps = runtime.context
    table = standings(deps, state["context"])
    plan = {
        "mix": _mix(deps.campaign.refine, table, deps.campaign.per_round),
        "parents": _parents(table, state, deps),
        "rejected": [*recalled_of(state["context"])["avoid"], *(s.candidate.text for s in table if s.failed)],
    }
    deps.control.emit(
        "step_finished",
        {"step": "refine", "round": state["round"], "mix": plan["mix"], "parents": plan["parents"]},
        once=f"refine {state['round']}",
    )
    return {"plan": plan, "round": state["round"] + 1, "seconds": deps.clock.seconds()}


def _parents(table: list[Standing], state: DiscoveryState, deps: Deps) -> list[str]:
    """Distinct best texts; earlier runs' best on this target stand in while this run has too few."""
    best = [s.candidate.text for s in table if s.passed]
    remembered = [entry["text"] for entry in state["context"]["memory"] if entry["text"] not in best]
    texts = best[: 4 * N_PARENTS] + remembered[: max(0, N_PARENTS - len(best))]
    if not texts:
        texts = [s.candidate.text for s in table if s.desirability is not None][:N_PARENTS]
    if not texts:
        return []
    similarity = deps.domain.similarity(texts)
    best_first = [float(-place) for place in range(len(texts))]
    chosen = select_diverse(
        range(len(texts)),
        best_first,
        N_PARENTS,
        lambda first, second: float(similarity[first, second]),
        PARENT_SIMILARITY,
    )
    return [texts[i] for i in chosen]


def _mix(strategy: str, table: list[Standing], per_round: int) -> list[tuple[str, int]]:
    shares = FIXED.get(strategy) or _learned_shares(table)
    return [(name, round(per_round * share)) for name, share in shares.items() if name != "sample"]


def _learned_shares(table: list[Standing]) -> dict[str, float]:
    """Shares in proportion to how each strategy's docked candidates fared; none falls below `SMALLEST_SHARE`."""
    fared = defaultdict(list)
    for standing in table:
        if standing.docked:
            name = standing.candidate.origin.partition(":")[0]
            fared[name].append(standing.desirability or 0.0)
    if not all(fared.get(name) for name in START_SHARES):
        return START_SHARES
    means = {name: sum(fared[name]) / len(fared[name]) for name in START_SHARES}
    total = sum(means.values())
    if total == 0.0:
        return START_SHARES
    raised = {name: max(SMALLEST_SHARE, mean / total) for name, mean in means.items()}
    return {name: share / sum(raised.values()) for name, share in raised.items()}
