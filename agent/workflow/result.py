"""Gather a workflow into one `WorkflowResult`, with the links between what its stages made, and write its files."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.interface.schemas import Item
from agent.interface.workflow_schemas import EvidenceLink, StageReport, WorkflowResult
from agent.plural import plural
from agent.report.export import FORMULA_STARTS
from agent.report.workflow_page import write_workflow_report
from agent.tool_calls import recorded_calls
from agent.workflow.plan import Workflow
from agent.workflow.references import texts_in
from agent.workflow.sweep import sweep_rows

if TYPE_CHECKING:
    from agent.session import Session

PACKAGES = ("rdkit", "langgraph")
FILES = ("report.html", "items.csv", "result.json")
_FILE_HANDLE = re.compile(r"F[1-9]\d*")


def build_workflow_result(
    workflow: Workflow, stages: Sequence[StageReport], run_id: str, thread_id: str, seconds: float, stopped: bool
) -> WorkflowResult:
    """The document without its files. `stopped`: it was asked to end early."""
    states = Counter(report.state for report in stages)
    failed = any(call.result.fault for report in stages for call in report.calls if _counts(report, workflow))
    return WorkflowResult(
        run_id=run_id,
        name=workflow.name,
        state="stopped" if stopped else "failed" if failed else "done",
        thread_id=thread_id,
        stages=list(stages),
        links=list(dict.fromkeys(_links(stages))),
        message=_message(stages),
        enough=states["done"] == len(stages) or all(r.state == "done" or not _counts(r, workflow) for r in stages),
        seconds=round(seconds, 3),
        settings={"workflow": workflow.to_json()},
        versions={"organon": version("organon"), **{package: version(package) for package in PACKAGES}},
        seed=workflow.seed,
    )


def write_workflow_files(result: WorkflowResult, session: Session, folder: Path) -> WorkflowResult:
    """Write the report, the table of items and the document itself into the run's folder; gives the result that names
    them, with the rows of a sweep."""
    files = {name: str(folder / name) for name in FILES}
    workflow = Workflow.model_validate(result.settings["workflow"])
    rows = sweep_rows(workflow, result.stages, result.run_id, session)
    enough = result.enough and all(row.state == "done" for row in rows)
    told = {"files": files, "report": files["report.html"], "sweep": rows, "enough": enough}
    result = result.model_copy(update=told)
    inputs = [Item.model_validate(item) for item in session.ledger.items(result.thread_id, "file")]
    calls = _calls_behind(result, session)
    write_workflow_report(result, inputs, calls, session.artifacts.read_text, folder / "report.html")
    _write_items(result, folder / "items.csv")
    (folder / "result.json").write_text(result.model_dump_json(indent=1), encoding="utf-8")
    return result


def items_of(result: WorkflowResult) -> Iterator[tuple[str, str, Item]]:
    """Every item with the stage and the call that made it."""
    for report in result.stages:
        for call in report.calls:
            for item in call.result.items:
                yield report.id, call.call_id, item


def _counts(report: StageReport, workflow: Workflow) -> bool:
    return not next(stage for stage in workflow.stages if stage.id == report.id).continue_on_failure


def _links(stages: Sequence[StageReport]) -> Iterator[EvidenceLink]:
    made: set[str] = set()
    for report in stages:
        for call in report.calls:
            given = [text for text in texts_in(call.args) if text in made or _FILE_HANDLE.fullmatch(text)]
            for item in call.result.items:
                link = {"target": item.handle, "call_id": call.call_id}
                for source in item.made_from:
                    yield EvidenceLink(source=source, relation="made_from", **link)
                for source in given if not item.made_from else ():
                    if source != item.handle:
                        yield EvidenceLink(source=source, relation="argument", **link)
        made |= {item.handle for call in report.calls for item in call.result.items}


def _message(stages: Sequence[StageReport]) -> str:
    states = Counter(report.state for report in stages)
    made = Counter(item.kind for report in stages for call in report.calls for item in call.result.items)
    said = ", ".join(f"{n} {state}" for state, n in states.items())
    things = ", ".join(plural(n, kind) for kind, n in made.items()) or "nothing"
    reasons = [f"{report.id}: {report.reason}" for report in stages if report.reason]
    text = f"{plural(len(stages), 'stage')}: {said}; made or found {things}."
    return " ".join([text, *(f"{reason}." for reason in reasons[:3])])


def _calls_behind(result: WorkflowResult, session: Session) -> dict[str, dict[str, Any]]:
    """Every call whose id stands at a number or check: the executed tool calls that the ledger knows, and the calls of
    the stages themselves."""
    ids = {q.call_id for _, _, item in items_of(result) for q in item.numbers.values()}
    ids |= {check.call_id for _, _, item in items_of(result) for check in item.checks}
    calls = recorded_calls(session.ledger, sorted(ids - {""}))
    times = {
        event.payload["call_id"]: event.time
        for event in session.ledger.events(result.run_id)
        if event.type == "tool_result"
    }
    for report in result.stages:
        for call in report.calls:
            calls[call.call_id] = {
                "tool": f"{report.action} (stage {report.id})",
                "version": result.versions["organon"],
                "args": call.args,
                "seconds": call.result.seconds,
                "time": times.get(call.call_id),
            }
    return calls


def _write_items(result: WorkflowResult, path: Path) -> None:
    """One row an item: where it came from, what it is, and a column for each number with its unit in the name."""
    rows: list[dict[str, Any]] = []
    for stage, call_id, item in items_of(result):
        numbers = {f"{name} [{q.unit}]" if q.unit else name: q.value for name, q in item.numbers.items()}
        against = [f"{check.name}: {check.verdict}" for check in item.checks if check.verdict != "pass"]
        row = {"stage": stage, "call_id": call_id, "handle": item.handle, "kind": item.kind, "name": item.name}
        rows.append(
            {**row, "value": item.value, "made_from": " ".join(item.made_from), "checks": "; ".join(against), **numbers}
        )
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["stage"]
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, restval="")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
