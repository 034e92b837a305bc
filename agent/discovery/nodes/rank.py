"""rank: where the run stands after a round, and whether there will be another."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.discovery.deps import Deps
from agent.discovery.nodes.validate import reserve_for_finalists
from agent.discovery.standing import Standing, standings
from agent.discovery.state import DiscoveryState
from agent.interface.schemas import RoundSummary


def rank(state: DiscoveryState, runtime: Runtime[Deps]) -> Command[Literal["refine", "confirm"]]:
    deps, round_ = runtime.context, state["round"]
    table = standings(deps, state["context"])
    summary = summarise(table, round_, deps.clock.seconds())
    deps.control.emit("round_finished", summary.model_dump(mode="json"), once=f"round {round_}")
    ending = _ending(state, deps)
    update = {"seconds": deps.clock.seconds(), "ending": ending}
    return Command(update=update, goto="confirm" if ending else "refine")


def summarise(table: list[Standing], round_: int, seconds: float) -> RoundSummary:
    """Counts of one round, and the best of each score over this and all earlier rounds (passed candidates only)."""
    mine = [s for s in table if s.candidate.round == round_]
    best: dict[str, float] = {}
    for standing in (s for s in table if s.passed and s.candidate.round <= round_):
        for name, score in standing.scores.items():
            if score.value is not None:
                better = min if score.goal == "minimize" else max
                best[name] = better(best.get(name, score.value), score.value)
    return RoundSummary(
        round=round_,
        generated=len(mine),
        docked=sum(s.docked for s in mine),
        passed=sum(s.passed for s in mine),
        best=best,
        seconds=seconds,
        origins=dict(Counter(_kind_of_origin(s.candidate.origin) for s in mine)),
    )


def _kind_of_origin(origin: str) -> str:
    """ "sample:molecule, asked for LogP 2..3" counts as "sample:molecule, asked for LogP", whichever the bin."""
    return re.sub(r" [0-9.]+(?=,|$)", "", origin)


def _ending(state: DiscoveryState, deps: Deps) -> str:
    """Why there is no further round, or an empty string."""
    if deps.control.should_stop():
        return "stopped by request"
    if state["round"] >= deps.campaign.rounds:
        return "all rounds done"
    if state["docked"] >= deps.campaign.budget.docking_calls:
        return "docking budget spent"
    if deps.seconds_left() <= reserve_for_finalists(deps):
        return "time budget spent"
    return ""
