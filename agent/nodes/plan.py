"""plan: prepare the target, ask the memory, run the controls; freeze all of it into the run's first event.

Everything later steps depend on is in the returned `context`. A resumed run reads it from the checkpoint.
"""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from agent.campaign import Campaign
from agent.controls import run_controls
from agent.deps import Deps
from agent.executor import Fault, Task
from agent.state import DiscoveryState
from tools.errors import InputError, TransientError
from tools.worker import prepare_in_worker

PREPARE_TIMEOUT_SECONDS = 300.0
N_REMEMBERED = 12
FROM_SEEDS = {"evolve": 0.5, "condition": 0.25}
"""Shares of a first round that starts from given molecules; samples of the model fill the rest."""


def plan(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:  # noqa: ARG001 - a node is given it
    deps = runtime.context
    deps.control.emit("step_started", {"step": "prepare the target"}, once="prepare")
    prepared = _prepare(deps)
    campaign = deps.campaign.model_dump(mode="json")
    context = deps.domain.context(campaign, prepared)
    context["memory"] = _remembered(context, deps)
    deps.control.emit(
        "run_started",
        {"campaign": campaign, "target": prepared["target"], "memory": context["memory"]},
        once="run_started",
    )
    deps.control.emit("step_started", {"step": "controls"}, once="controls")
    context["controls"] = run_controls(context, deps)
    deps.control.emit("step_finished", {"step": "controls", "panel": context["controls"]}, once="controls done")
    return {
        "context": context,
        "round": 1,
        "plan": _first_plan(deps.campaign),
        "docked": 0,
        "ending": "",
        "seconds": deps.clock.seconds(),
    }


def _first_plan(campaign: Campaign) -> dict[str, list[Any]]:
    """The first round: fresh samples; with seeds these themselves, and mostly what comes of them."""
    seeds, rest = campaign.seeds, max(0, campaign.per_round - len(campaign.seeds))
    mix = [("given", len(seeds)), *((name, round(rest * share)) for name, share in FROM_SEEDS.items())]
    return {"mix": mix if seeds else [], "parents": list(seeds), "rejected": []}


def _prepare(deps: Deps) -> dict[str, Any]:
    """The target, read and prepared in a worker process. What is wrong with the input stops the run."""
    spec = deps.campaign.target.model_dump_json()
    task = Task((deps.domain.name, spec, str(deps.settings.home)), PREPARE_TIMEOUT_SECONDS)
    answers = deps.executor.map_ordered(prepare_in_worker, [task], deps.control.should_stop, None)
    answer = next(iter(answers))[1]
    if isinstance(answer, Fault):
        raise TransientError(f"the target could not be prepared: {answer.kind}: {answer.message}")
    if "input_error" in answer:
        raise InputError(answer["input_error"])
    return dict(answer)


def _remembered(context: dict[str, Any], deps: Deps) -> list[dict[str, Any]]:
    """The best that earlier runs found on this very receptor: shown, and parents while this run has too few."""
    if deps.campaign.memory == "off":
        return []
    return deps.vectors.best_on_receptor(context["receptor"], N_REMEMBERED)
