"""validate: every candidate through the cheap stages, then as many as the budget allows through the expensive ones.

Which candidates are docked is decided from finished earlier rounds and this round's cheap results only, so that a
resumed run chooses the same. Results are stored in candidate order, whatever order they finish in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from agent.discovery.choose import choose
from agent.discovery.deps import Deps
from agent.discovery.state import DiscoveryState
from agent.executor import Fault, Task
from tools.domain import StageOutcome
from tools.funnel import executing, replay_chain, stages_of, walk
from tools.types import Candidate, CheckResult, Verdict
from tools.worker import chain_in_worker

FIRST_RESERVE, MOST_RESERVE, RESERVE_MARGIN = 0.4, 0.6, 1.2


def validate(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:
    deps, context, round_ = runtime.context, state["context"], state["round"]
    deps.control.wait_while_paused()
    candidates = deps.ledger.candidates(deps.run_id, round_)
    passing = screen(candidates, context, deps)
    n_dock = min(deps.campaign.dock_per_round, deps.campaign.budget.docking_calls - state["docked"])
    chosen = choose(passing, n_dock, round_, context, deps)
    earlier, docked = deps.ledger.results(deps.run_id), 0
    for index, outcomes in chains([c.text for c in chosen], context, deps, reserve_for_finalists(deps)):
        keep(chosen[index], outcomes, earlier, deps)
        docked += 1
    return {"docked": state["docked"] + docked, "seconds": deps.clock.seconds()}


def screen(
    candidates: Sequence[Candidate], context: Mapping[str, Any], deps: Deps
) -> list[tuple[Candidate, Sequence[CheckResult]]]:
    """Run the cheap stages here, in one process; returns those that passed, with their cheap results."""
    stages, execute = stages_of(deps.domain, "cheap"), executing(deps.ledger, deps.artifacts)
    passing: list[tuple[Candidate, Sequence[CheckResult]]] = []
    finished: dict[str, Sequence[CheckResult]] = {}
    known = deps.ledger.results(deps.run_id)
    for candidate in candidates:
        outcomes = list(walk(stages, candidate.text, context, execute))
        if candidate.candidate_id not in known:
            finished[candidate.candidate_id] = results_of(outcomes)
            announce(candidate, outcomes, deps)
        if outcomes[-1].verdict is Verdict.PASS:
            passing.append((candidate, results_of(outcomes)))
    deps.ledger.put_all_results(deps.run_id, finished)
    return passing


def keep(
    candidate: Candidate,
    outcomes: Sequence[StageOutcome],
    earlier: Mapping[str, Sequence[CheckResult]],
    deps: Deps,
) -> None:
    """Store a candidate's new results behind its `earlier` ones, and say so. What a resumed run finds again stays."""
    known = earlier[candidate.candidate_id]
    ids = {result.call_id for result in known}
    new = [result for result in results_of(outcomes) if result.call_id not in ids]
    deps.ledger.put_results(deps.run_id, candidate.candidate_id, [*known, *new])
    announce(candidate, outcomes, deps)


def chains(
    texts: Sequence[str], context: Mapping[str, Any], deps: Deps, reserve_seconds: float
) -> Iterator[tuple[int, list[StageOutcome]]]:
    """(index, outcomes) of the expensive stages for each text, in order, from worker processes.

    Nothing new is dispatched once only `reserve_seconds` of the time budget are left, or after a stop; texts that were
    not dispatched are passed over.
    """
    tasks = [
        Task((deps.domain.name, text, dict(context), str(deps.settings.home)), deps.settings.chain_timeout_seconds)
        for text in texts
    ]
    deadline = time.monotonic() + deps.seconds_left() - reserve_seconds
    for index, answer in deps.executor.map_ordered(chain_in_worker, tasks, deps.control.should_stop, deadline):
        if not (isinstance(answer, Fault) and answer.kind == "not_dispatched"):
            yield index, outcomes_of(answer, texts[index], context, deps)


def outcomes_of(
    answer: list[StageOutcome] | Fault, text: str, context: Mapping[str, Any], deps: Deps
) -> list[StageOutcome]:
    """What a worker came to; for one that did not finish, what the ledger holds and the fault."""
    if not isinstance(answer, Fault):
        return answer
    return replay_chain(deps.domain.name, text, context, deps.ledger, f"{answer.kind}: {answer.message}")


def reserve_for_finalists(deps: Deps) -> float:
    """Seconds to keep for docking the finalists and the reference again, shared over the workers.

    What a docked candidate took so far, its docking scaled by exhaustiveness (Vina's time is proportional to it), with
    `RESERVE_MARGIN` on top; before the first docking `FIRST_RESERVE` of the budget, and never more than `MOST_RESERVE`.
    """
    minutes, docking = deps.campaign.budget.minutes, deps.campaign.docking
    if minutes is None:
        return 0.0
    docked = [
        results
        for results in deps.ledger.results(deps.run_id).values()
        if any(result.name == "dock" for result in results)
    ]
    if not docked:
        return FIRST_RESERVE * minutes * 60.0
    scale = docking.final_exhaustiveness / docking.exhaustiveness
    took = sum(r.seconds * (scale if r.name == "dock" else 1.0) for results in docked for r in results) / len(docked)
    waves = -(-(docking.finalists + 1) // deps.executor.workers)
    return min(MOST_RESERVE * minutes * 60.0, RESERVE_MARGIN * waves * took)


def results_of(outcomes: Sequence[StageOutcome]) -> list[CheckResult]:
    return [result for outcome in outcomes for result in outcome.results]


def announce(candidate: Candidate, outcomes: Sequence[StageOutcome], deps: Deps) -> None:
    """One `check_finished` event a stage; a resumed run does not repeat it."""
    for outcome in outcomes:
        calls = [result.call_id for result in outcome.results]
        deps.control.emit(
            "check_finished",
            {
                "candidate_id": candidate.candidate_id,
                "text": candidate.text,
                "stage": outcome.stage,
                "verdict": str(outcome.verdict),
                "reason": outcome.reason,
                "values": {r.name: r.value for r in outcome.results if r.value is not None},
                "calls": calls,
            },
            once=f"check {candidate.candidate_id} {outcome.stage} {calls[-1] if calls else ''}",
        )
