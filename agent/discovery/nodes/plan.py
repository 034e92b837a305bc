"""plan: prepare the target, ask the memory, run the controls; freeze all of it into the run's first event.

Everything later steps depend on is in the returned `context`. A resumed run reads it from the checkpoint.
"""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from agent.campaign import Campaign
from agent.discovery.controls import run_controls
from agent.discovery.deps import Deps
from agent.discovery.recall import recall
from agent.discovery.state import DiscoveryState
from agent.executor import Fault, Task
from tools.errors import InputError, TransientError
from tools.worker import prepare_in_worker

PREPARE_TIMEOUT_SECONDS = 300.0
FROM_SEEDS = {"evolve": 0.5, "condition": 0.25}
"""Shares of a first round that starts from given molecules; samples of the model fill the rest."""
FROM_MEMORY = {"evolve": 0.25}
"""The same where only earlier runs or own data gave molecules to start from."""


def plan(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:  # noqa: ARG001 - a node is given it
    deps = runtime.context
    deps.control.emit("step_started", {"step": "prepare the target"}, once="prepare")
    prepared = _prepare(deps)
    campaign = deps.campaign.model_dump(mode="json")
    context = deps.domain.context(campaign, prepared)
    context.update(recall(context, deps))
    deps.control.emit(
        "run_started",
        {
            "campaign": campaign,
            "target": prepared["target"],
            "memory": context["memory"],
            "recall": context["recall"],
        },
        once="run_started",
    )
    deps.control.emit("step_started", {"step": "controls"}, once="controls")
    context["controls"] = run_controls(context, deps)
    deps.control.emit("step_finished", {"step": "controls", "panel": context["controls"]}, once="controls done")
    return {
        "context": context,
        "round": 1,
        "plan": _first_plan(deps.campaign, context),
        "docked": 0,
        "ending": "",
        "seconds": deps.clock.seconds(),
    }


def _first_plan(campaign: Campaign, context: dict[str, Any]) -> dict[str, list[Any]]:
    """The first round: fresh samples; with seeds these themselves and mostly what comes of them; what memory brought up
    is tried too, and its best are parents. What is known to fail is not proposed."""
    recalled = [seed["text"] for seed in context["recall"]["seeds"]]
    remembered = [finding["text"] for finding in context["memory"]]
    given, parents = campaign.seeds, list(dict.fromkeys([*campaign.seeds, *remembered, *recalled]))
    rest = max(0, campaign.per_round - len(given) - len(recalled))
    shares = FROM_SEEDS if given else FROM_MEMORY if parents and campaign.refine != "none" else {}
    mix = [("given", len(given)), ("recalled", len(recalled)), *((name, round(rest * s)) for name, s in shares.items())]
    return {"mix": [entry for entry in mix if entry[1]], "parents": parents, "rejected": context["recall"]["avoid"]}


def _prepare(deps: Deps) -> dict[str, Any]:
    """The target, read and prepared in a worker process. What is wrong with the input stops the run."""
    spec = deps.campaign.target.model_dump_json()
    task = Task((deps.domain.name, spec, str(deps.settings.home), deps.campaign.must), PREPARE_TIMEOUT_SECONDS)
    answers = deps.executor.map_ordered(prepare_in_worker, [task], deps.control.should_stop, None)
    answer = next(iter(answers))[1]
    if isinstance(answer, Fault):
        raise TransientError(f"the target could not be prepared: {answer.kind}: {answer.message}")
    if "input_error" in answer:
        raise InputError(answer["input_error"])
    return dict(answer)
