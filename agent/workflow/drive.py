"""Execute a workflow: its stages in order, each call under an id of its own, whatever kills the process on the way.

A call is finished when its `tool_result` stands in the run's log; a resumed run reads finished calls back and repeats
none. A failed stage ends only the stages that need it. Stop and pause are obeyed between calls, and handed on to the
runs that a call has started. Not promised: that the time budget ends a call that has begun.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.actions import load_action
from agent.actions.action import ActionContext, execute
from agent.interface.schemas import ActionResult, Item
from agent.interface.workflow_schemas import StageCall, StageReport
from agent.workflow.plan import Stage, Workflow, needed_stages
from agent.workflow.references import Reference, parse_reference, references_in, resolve
from agent.workflow.result import build_workflow_result, write_workflow_files
from tools.errors import InputError, OrganonError, StopError

if TYPE_CHECKING:
    from agent.runs import RunControl
    from agent.session import Session
    from tools.memory.ledger import RunRecord

WAITS_BY_DEFAULT = "start_campaign"
"""In a workflow this action waits for the run it starts: the stages after it want its results."""


def drive_workflow(session: Session, record: RunRecord, control: RunControl) -> dict[str, Any]:
    """A run of kind "workflow". Its document: a `Workflow`, with the `thread_id` to work in where there is one. Gives
    back a `WorkflowResult`; a fault in a stage that counts is raised at the end, so that the run can be resumed, which
    repeats the failed calls only."""
    asked = dict(record.campaign)
    thread_id = str(asked.pop("thread_id", "") or record.run_id)
    workflow = Workflow.model_validate(asked)
    session.ledger.put_thread(thread_id, workflow.name)
    session.ledger.add_to_thread(thread_id, record.run_id)
    run = _Execution(session, control, workflow, thread_id)
    run.announce()
    for stage in workflow.stages:
        run.perform(stage)
    result = build_workflow_result(
        workflow, run.reports, record.run_id, thread_id, run.seconds(), control.should_stop()
    )
    result = write_workflow_files(result, session, control.run_dir)
    document = result.model_dump(mode="json")
    failed = [
        report.id for report in result.stages if run.counts(report.id) and any(c.result.fault for c in report.calls)
    ]
    if failed and result.state != "stopped":
        session.ledger.put_result(record.run_id, document)
        raise OrganonError(f"failed: stage {', '.join(failed)}; {result.message} Resume repeats what failed only")
    return document


@dataclass
class _Execution:
    """The state of one execution: what each stage came to so far."""

    session: Session
    control: RunControl
    workflow: Workflow
    thread_id: str
    reports: list[StageReport] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    known: dict[str, ActionResult] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    spent: float = 0.0
    handles: dict[str, str] = field(default_factory=dict)

    def announce(self) -> None:
        """Read back what is finished, store the files under handles, and write the plan down."""
        for event in self.session.ledger.events(self.control.run_id):
            if event.type == "tool_result":
                result = ActionResult.model_validate(event.payload["result"])
                self.attempts[result.call_id] = self.attempts.get(result.call_id, 0) + 1
                self.known[result.call_id] = result
                self.spent += result.seconds
        files = [{"kind": "file", "value": held, "name": name} for name, held in self.workflow.files.items()]
        items = [Item.model_validate(file).model_dump(mode="json") for file in files]
        stored = self.session.ledger.put_items(self.thread_id, f"{self.control.run_id}.files", items)
        self.handles = {str(item["name"]): str(item["handle"]) for item in stored}
        steps = [{"action": s.do, "args": s.with_, "why": s.why or s.id, "stage": s.id} for s in self.workflow.stages]
        self.control.emit("plan", {"steps": steps}, once="plan")

    def seconds(self) -> float:
        return self.spent + time.monotonic() - self.began

    def counts(self, stage_id: str) -> bool:
        return not self._stage(stage_id).continue_on_failure

    def perform(self, stage: Stage) -> None:
        """Run a stage, or note why not; its report is appended either way."""
        needs = needed_stages(stage)
        self.control.wait_while_paused()
        reason = self._obstacle(needs)
        if not reason:
            try:
                elements, left_out = self._elements(stage)
            except InputError as error:
                reason = str(error)
        if reason:
            state = "stopped" if self.control.should_stop() else "skipped"
            self._report(stage, state, needs, reason=reason)
            return
        if not elements:
            self._report(stage, "skipped", needs, reason=_nothing(stage, left_out), left_out=left_out)
            return
        self.control.emit("step_started", {"step": f"stage {stage.id}: {stage.do}"}, once=f"stage {stage.id} started")
        calls, reason = self._calls(stage, elements)
        state = _state(calls, len(elements), reason, self.control.should_stop())
        self._report(stage, state, needs, reason=reason, calls=calls, left_out=left_out)

    def _report(self, stage: Stage, state: str, needs: list[str], **more: Any) -> None:
        seconds = round(sum(call.result.seconds for call in more.get("calls", ())), 3)
        document = {"id": stage.id, "action": stage.do, "state": state, "why": stage.why, "needs": needs, **more}
        report = StageReport.model_validate({**document, "seconds": seconds})
        self.reports.append(report)
        faults = [call.result.summary for call in report.calls if call.result.fault]
        said = {"step": f"stage {stage.id}", "state": state, "reason": report.reason or "; ".join(faults[:1])}
        tries = sum(self.attempts.get(call.call_id, 0) for call in report.calls)
        self.control.emit("step_finished", said, once=f"stage {stage.id} {state} {tries}")

    def _obstacle(self, needs: Sequence[str]) -> str:
        """Why a stage cannot begin; "" where nothing is in its way."""
        if self.control.should_stop():
            return "the run was stopped"
        if self._out_of_time():
            return "the time budget was spent"
        for report in self.reports:
            faulty = any(call.result.fault for call in report.calls)
            if report.id in needs and (report.state == "skipped" or (faulty and self.counts(report.id))):
                return f"it needs stage `{report.id}`, which {'failed' if faulty else 'did not run'}"
        return ""

    def _out_of_time(self) -> bool:
        minutes = self.workflow.budget.minutes
        return minutes is not None and self.seconds() > minutes * 60.0

    def _stage(self, stage_id: str) -> Stage:
        return next(stage for stage in self.workflow.stages if stage.id == stage_id)

    def _elements(self, stage: Stage) -> tuple[list[Any], dict[str, str]]:
        """What a stage runs over ([None] without `foreach`), and what `when: passed` leaves out with the reason.
        InputError where it names an item that an earlier stage did not give."""
        named = [item for reference in references_in(stage.with_) for item in self._lookup(reference)]
        if stage.foreach is None:
            obstacles = {item.handle: _spoken_against(item) for item in named if stage.when == "passed"}
            held = {handle: reason for handle, reason in obstacles.items() if reason}
            return ([] if held else [None]), held
        given = [stage.foreach] if isinstance(stage.foreach, str) else stage.foreach
        elements: list[Any] = []
        for value in given:
            reference = parse_reference(value) if isinstance(value, str) else None
            elements += [self._file(value)] if reference is None else self._lookup(reference)
        left_out = {}
        if stage.when == "passed":
            obstacles = {e.handle: _spoken_against(e) for e in elements if isinstance(e, Item)}
            left_out = {handle: reason for handle, reason in obstacles.items() if reason}
            elements = [e for e in elements if not (isinstance(e, Item) and e.handle in left_out)]
        return elements, left_out

    def _lookup(self, reference: Reference) -> list[Item]:
        report = next(report for report in self.reports if report.id == reference.stage)
        return reference.pick([item for call in report.calls for item in call.result.items])

    def _file(self, value: Any) -> Any:
        """The handles of the files in a value, in place of their names."""
        if isinstance(value, str):
            return self.handles.get(value, value)
        if isinstance(value, Mapping):
            return {key: self._file(held) for key, held in value.items()}
        return [self._file(held) for held in value] if isinstance(value, list) else value

    def _calls(self, stage: Stage, elements: Sequence[Any]) -> tuple[list[StageCall], str]:
        """The stage's calls that were made, and why not all were, if so."""
        calls: list[StageCall] = []
        for n, element in enumerate(elements, 1):
            if calls and self.control.should_stop():
                return calls, "the run was stopped"
            if calls and self._out_of_time():
                return calls, "the time budget was spent"
            self.control.wait_while_paused()
            call = self._call(stage, element, f"{self.control.run_id}.{stage.id}.{n}")
            if call is None:
                return calls, "the run was stopped"
            calls.append(call)
            if call.result.fault and not stage.continue_on_failure:
                return calls, call.result.summary
        return calls, ""

    def _call(self, stage: Stage, element: Any, call_id: str) -> StageCall | None:
        """One call, made or read back. None where a stop came before it was finished: a resumed run makes it again."""
        action = load_action(stage.do)
        args = self._file(resolve(stage.with_, self._lookup, element))
        if "seed" in action.args.model_fields and "seed" not in args:
            args["seed"] = self.workflow.seed
        if stage.do == WAITS_BY_DEFAULT:
            args.setdefault("wait", True)
        shown = element.handle if isinstance(element, Item) else "" if element is None else str(element)
        held = self.known.get(call_id)
        if held is not None and not held.fault:
            return StageCall(call_id=call_id, args=args, element=shown, result=held)
        attempt = self.attempts.get(call_id, 0)
        said = {"call_id": call_id, "action": stage.do, "args": args, "stage": stage.id}
        self.control.emit("tool_call", said, once=f"call {call_id} {attempt}")
        try:
            result = execute(action, args, ActionContext(self.session, self.control, self.thread_id, call_id))
        except StopError:
            if self.control.should_stop():
                return None
            raise
        payload = {"call_id": call_id, "result": result.model_dump(mode="json")}
        self.control.emit("tool_result", payload, once=f"result {call_id} {attempt}")
        self.attempts[call_id] = attempt + 1
        return StageCall(call_id=call_id, args=args, element=shown, result=result)


def _spoken_against(item: Item) -> str:
    """Why an item does not count as passed: its hard checks that said something else; "" where it does."""
    against = [f"{check.name}: {check.verdict}" for check in item.checks if check.hard and check.verdict != "pass"]
    return ", ".join(against)


def _nothing(stage: Stage, left_out: Mapping[str, str]) -> str:
    if left_out:
        return "nothing passed: " + "; ".join(f"{handle} ({reason})" for handle, reason in left_out.items())
    return f"nothing to run over: {stage.foreach} names no item"


def _state(calls: Sequence[StageCall], wanted: int, reason: str, stopped: bool) -> str:
    faults = sum(bool(call.result.fault) for call in calls)
    if stopped and len(calls) < wanted:
        return "stopped"
    if faults == len(calls):
        return "failed"
    return "partial" if faults or len(calls) < wanted or reason else "done"
