"""Start, list, look at, pause, resume, stop and approve runs."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from agent.interface.api.documents import (
    Accepted,
    Approval,
    RunDetail,
    RunLine,
    Start,
    Started,
    moment,
    run_line,
)
from agent.interface.api.problems import ProblemError
from agent.interface.api.served import RunId, Served, Use
from agent.interface.api.starting import start_run
from agent.interface.schemas import RunState
from agent.kinds import KINDS
from tools.errors import InputError

router = APIRouter(prefix="/api/v1", tags=["runs"])

MOST_LISTED = 500


@router.post("/runs", status_code=201)
def start(asked: Start, response: Response, use: Use) -> Started:
    """Start a chat turn, a campaign, a workflow or one action. The answer comes at once; watch the run's events."""
    started = start_run(asked, use)
    response.headers["Location"] = f"/api/v1/runs/{started.run_id}"
    return started


@router.get("/runs")
def list_runs(
    use: Use,
    kind: Annotated[str | None, Query(max_length=40, description=f"One of {', '.join(KINDS)}.")] = None,
    state: RunState | None = None,
    thread_id: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> list[RunLine]:
    """Runs, newest first."""
    active = set(use.service.active())
    runs = use.session.ledger.summarise_runs(kind, state, thread_id, limit)
    return [run_line(run, run.run_id in active) for run in runs]


@router.get("/runs/{run_id}")
def get_run(run_id: RunId, use: Use) -> RunDetail:
    """One run: what was asked, how it stands, what it came to."""
    use.need_run(run_id)
    record = use.session.ledger.get_run(run_id)
    events = use.session.ledger.events_of_types(run_id, ("approval_requested", "run_finished"))
    result = None if record.result is None else with_addresses(run_id, record.result)
    asked = [event.payload for event in events if event.type == "approval_requested"]
    ends = [str(event.payload.get("message", "")) for event in events if event.type == "run_finished"]
    return RunDetail(
        run_id=run_id,
        name=record.name,
        kind=record.kind,
        state=record.state,  # type: ignore[arg-type]
        created=moment(record.created),
        updated=moment(record.updated),
        thread_id=use.session.ledger.thread_of(run_id),
        has_result=result is not None,
        active=run_id in use.service.active(),
        document=dict(record.campaign),
        seed=record.seed,
        result=result,
        files=dict((result or {}).get("files") or {}),
        approval=dict(asked[-1]) if asked and record.state == "waiting_approval" else None,
        message=ends[-1] if ends else "",
        n_events=use.session.ledger.count_events(run_id),
    )


@router.post("/runs/{run_id}/pause", status_code=202)
def pause(run_id: RunId, use: Use) -> Accepted:
    """Ask a run to wait before its next step."""
    use.need_run(run_id)
    _or_conflict(lambda: use.session.manager.request_pause(run_id))
    return _accepted(run_id, use)


@router.post("/runs/{run_id}/resume", status_code=202)
def resume(run_id: RunId, use: Use) -> Accepted:
    """Let a paused, stopped, failed or interrupted run go on where it stood."""
    use.need_run(run_id)
    _or_conflict(lambda: use.service.resume(run_id))
    return _accepted(run_id, use)


@router.post("/runs/{run_id}/stop", status_code=202)
def stop(run_id: RunId, use: Use) -> Accepted:
    """Ask a run to end; what is finished is kept."""
    use.need_run(run_id)
    _or_conflict(lambda: use.session.manager.request_stop(run_id))
    return _accepted(run_id, use)


@router.post("/runs/{run_id}/approve", status_code=202)
def approve(run_id: RunId, answer: Approval, use: Use) -> Accepted:
    """Answer the question a run waits with."""
    use.need_run(run_id)
    asked = use.session.ledger.events_of_types(run_id, ("approval_requested",))
    keys = [event.payload.get("key") for event in asked]
    if answer.key not in keys:
        raise ProblemError(
            409, f"run {run_id} did not ask {answer.key!r}; it asked {', '.join(map(str, keys)) or 'nothing'}"
        )
    given: dict[str, Any] = {"approved": answer.approved}
    if answer.args is not None:
        given["args"] = answer.args
    _or_conflict(lambda: use.session.manager.approve(run_id, answer.key, given))
    return _accepted(run_id, use)


def with_addresses(run_id: str, result: Any) -> dict[str, Any]:
    """A result whose files are named by their address here, not by their place on the server's disk."""
    shown = dict(result)
    if isinstance(shown.get("files"), dict):
        shown["files"] = {name: f"/api/v1/runs/{run_id}/files/{quote(name)}" for name in shown["files"]}
    if shown.get("report"):
        shown["report"] = f"/api/v1/runs/{run_id}/report"
    return shown


def _accepted(run_id: str, use: Served) -> Accepted:
    return Accepted(run_id=run_id, state=use.session.ledger.get_run(run_id).state)  # type: ignore[arg-type]


def _or_conflict(ask: Any) -> None:
    """A run that is not in the state for this is a conflict, not a wrong request."""
    try:
        ask()
    except InputError as error:
        raise ProblemError(409, str(error)) from None
