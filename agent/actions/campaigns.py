"""start_campaign and run_status: a whole campaign, workflow or sweep as one call, and how a run is getting on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pydantic import Field, ValidationError

from agent.actions import load_action
from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.child_run import child_id, execute_child
from agent.actions.given import is_handle
from agent.actions.run_items import candidate_item, run_item
from agent.background import background_of
from agent.campaign import Campaign
from agent.campaign_file import Request, parse_request, parse_yaml, start_request, stored
from agent.interface.schemas import ActionCost, ActionResult, Item, Quantity, RunResult
from agent.progress import Progress, progress_of
from agent.workflow.plan import Stage, foreseen_arguments
from tools.errors import InputError

MAX_ITEMS = 20
SECONDS_A_DOCKING = 12.0
"""What docking one candidate takes with exhaustiveness 1 and its checks, one processor: the demo's figure, rounded."""
MAX_TEXT = 200_000


class StartCampaignArguments(Arguments):
    campaign: dict[str, Any] | str = Field(
        description="A campaign, workflow or sweep: as an object, as YAML text, or the handle (F1) or name of a file "
        "of this conversation. For example {name: abl, task: ligand, target: ABL1, budget: {docking_calls: 24}}."
    )
    wait: bool | None = Field(
        default=None,
        description="Wait for its end and give its table. Default: only where no server can run it in the background.",
    )


class RunStatusArguments(Arguments):
    run_id: str | None = Field(
        default=None, description="Id or handle (D1) of a run; default: the last one that this conversation started."
    )


def _start(args: StartCampaignArguments, context: ActionContext) -> ActionResult:
    session = context.session
    run_id = child_id(context)
    if not session.ledger.has_run(run_id):
        start_request(session, _request(args, context), run_id, context.thread_id)
    record = session.ledger.get_run(run_id)
    take_up = background_of(session.settings.home)
    if take_up is not None and not args.wait:
        if record.state == "queued":
            take_up(run_id)
        summary = f"Run {run_id} ({record.name}) was started and goes on in the background; ask for its status."
        return _answer("start_campaign", context, summary, [run_item(record)], run_id)
    execute_child(run_id, record.name, context)
    record = session.ledger.get_run(run_id)
    found = record.result or {}
    if record.kind != "campaign":
        summary = f"{record.name}: {found.get('message', record.state)}"
        return _answer("start_campaign", context, summary, [run_item(record)], run_id, found)
    result = session.result(run_id)
    candidates = [candidate_item(candidate, result) for candidate in result.candidates[:MAX_ITEMS]]
    return _answer("start_campaign", context, _outcome(result), [*candidates, run_item(record)], run_id, found)


def _answer(
    action: str,
    context: ActionContext,
    summary: str,
    items: list[Item],
    run_id: str,
    found: Mapping[str, Any] | None = None,
) -> ActionResult:
    found, warnings = found or {}, []
    controls = found.get("controls") or {}
    if controls and controls.get("trust") != "trusted":
        warnings.append(f"docking is {controls['trust']} on this target: {controls['summary']}")
    return ActionResult(
        action=action,
        call_id=context.call_id,
        summary=summary,
        items=items,
        runs=[run_id],
        files=dict(found.get("files") or {}),
        warnings=warnings,
        not_checked=["that a docking score is an affinity: none was measured"] if found.get("candidates") else [],
    )


def _outcome(result: RunResult) -> str:
    shown = f"{result.name} on {result.target.name}" if result.target else result.name
    return f"{shown}, run {result.run_id}: {result.message}"


def _request(args: StartCampaignArguments, context: ActionContext) -> Request:
    data = args.campaign if isinstance(args.campaign, dict) else _read(args.campaign, context)
    return parse_request(data, stored(context.session, context.thread_id))


def _read(text: str, context: ActionContext) -> object:
    """The document of a handle, a file's name, or the text itself."""
    text = text.strip()
    if not text:
        raise InputError("campaign: it is empty; give YAML text, an object or the handle of a file (F1)")
    handle = text if is_handle(text) else _handle_of_name(text, context)
    if handle:
        item = context.item(handle)
        if item.kind != "file":
            raise InputError(f"{handle} is a {item.kind}; a campaign is a file (F1), YAML text or an object")
        text = context.session.artifacts.read_bytes(item.value)[: MAX_TEXT + 1].decode("utf-8", errors="replace")
    if len(text) > MAX_TEXT:
        raise InputError(f"campaign: more than {MAX_TEXT} characters is no campaign file")
    document = parse_yaml(text)
    if not isinstance(document, Mapping):
        raise InputError(f"campaign: {text[:60]!r} is neither a file of this conversation nor a campaign in YAML")
    return document


def _handle_of_name(text: str, context: ActionContext) -> str:
    """The handle of the file of this name in the conversation, the latest; "" where there is none."""
    files = context.session.ledger.items(context.thread_id, "file")
    named = [str(item["handle"]) for item in files if item["name"] == text]
    return named[-1] if named else ""


def _start_cost(args: StartCampaignArguments, context: ActionContext) -> ActionCost:
    request, workers = _request(args, context), context.session.settings.workers
    if request.campaign is not None:
        return _campaign_cost(request.campaign, workers)
    assert request.workflow is not None
    costs = [cost for stage in request.workflow.stages for cost in _stage_costs(stage, context)]
    return ActionCost(
        seconds=_bounded(sum(cost.seconds for cost in costs), request.workflow.budget.minutes),
        docking_calls=sum(cost.docking_calls for cost in costs),
        outward=any(cost.outward for cost in costs),
    )


def _stage_costs(stage: Stage, context: ActionContext) -> Iterator[ActionCost]:
    """Of each call of a stage that can be foreseen: the action's own estimate. Files that a sweep's campaigns name are
    found already."""
    for args in foreseen_arguments(stage):
        plan = args.get("campaign")
        if stage.do == "start_campaign" and isinstance(plan, dict) and "target" in plan and "sweep" not in plan:
            with suppress(ValidationError):
                yield _campaign_cost(Campaign.model_validate(plan), context.session.settings.workers)
        else:
            yield load_action(stage.do).estimate(args, context)


def _campaign_cost(campaign: Campaign, workers: int) -> ActionCost:
    """Its dockings and its finalists' shared over the workers, or what its time budget allows."""
    docking, calls = campaign.docking, campaign.budget.docking_calls
    work = calls * docking.exhaustiveness + docking.finalists * docking.final_exhaustiveness
    seconds = _bounded(work * SECONDS_A_DOCKING / workers, campaign.budget.minutes)
    return ActionCost(seconds=seconds, docking_calls=calls)


def _bounded(seconds: float, minutes: float | None) -> float:
    return round(seconds if minutes is None else min(seconds, minutes * 60.0), 1)


def _status(args: RunStatusArguments, context: ActionContext) -> ActionResult:
    run_id = run_named(args.run_id, context)
    progress = progress_of(context.session, run_id)
    item = run_item(context.session.ledger.get_run(run_id), _numbers(progress, context.call_id))
    item = item.model_copy(update={"details": {**item.details, **progress.to_json()}})
    return ActionResult(
        action="run_status", call_id=context.call_id, summary=progress.sentence(), items=[item], runs=[run_id]
    )


def _numbers(progress: Progress, call_id: str) -> dict[str, Quantity]:
    """Counts are this call's own; the best scores carry the call that measured them."""
    numbers = {"seconds": Quantity(value=round(progress.seconds, 1), unit="s", call_id=call_id)}
    for name, count in progress.counts.items():
        numbers[name] = Quantity(value=float(count), unit="count", call_id=call_id)
    for name, best in progress.best.items():
        numbers[f"best {name}"] = Quantity(value=best.value, unit=best.unit, call_id=best.call_id or call_id)
    return numbers


def run_named(text: str | None, context: ActionContext) -> str:
    """The run that an argument names: its id, its handle, or by default the last that this conversation started.
    InputError where there is none, or it belongs to another conversation's turn."""
    ledger = context.session.ledger
    if text and is_handle(text):
        item = context.item(text)
        if item.kind != "run":
            raise InputError(f"{text} is a {item.kind}, not a run")
        return item.value
    if text:
        ledger.get_run(text.strip())
        return text.strip()
    own = [run for run in ledger.get_thread(context.thread_id).runs if run != context.control.run_id]
    worked = [run for run in own if ledger.get_run(run).kind in ("campaign", "demo", "workflow")]
    if not worked:
        kinds = Counter(ledger.get_run(run).kind for run in own)
        known = f" (it has {', '.join(f'{n} {kind}' for kind, n in kinds.items())})" if kinds else ""
        raise InputError(f"this conversation has started no campaign yet{known}; give a run id or start one")
    return max(worked, key=lambda run: ledger.get_run(run).created)


START_CAMPAIGN = Action(
    name="start_campaign",
    about="Start a discovery campaign, workflow or sweep given as YAML, an object or a file. Use it when the whole "
    "request stands in a campaign file; for a single design task use design_ligands.",
    args=StartCampaignArguments,
    run=_start,
    cost=_start_cost,
)
RUN_STATUS = Action(
    name="run_status",
    about="How a run is getting on: state, round, best so far, what was rejected, and what it waits for.",
    args=RunStatusArguments,
    run=_status,
)
