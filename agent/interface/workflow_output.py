"""How a workflow shows in a terminal: lines on stderr while it runs, then its stages, things and sweep table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from agent.interface.output import output, print_progress
from agent.interface.schemas import Item
from agent.interface.workflow_schemas import WorkflowResult
from agent.report.wording import label, plain, quantity
from tools.errors import InputError

if TYPE_CHECKING:
    from agent.campaign_file import Request
    from agent.interface.schemas import Event

SHOWN_NUMBERS = 4
SHOWN_ITEMS = 8


def print_stage_event(event: Event) -> None:
    """One line for the events a person waits for."""
    print_progress(event, _line(event.type, event.payload))


def _line(kind: str, payload: dict[str, Any]) -> str:
    if kind == "step_started":
        return str(payload["step"])
    if kind == "tool_result":
        result = payload["result"]
        return f"{result['fault']}: {result['summary']}" if result["fault"] else str(result["summary"])
    if kind == "step_finished" and payload.get("state") not in (None, "done"):
        return f"{payload['step']} {payload['state']}: {payload['reason']}"
    if kind == "run_finished" and payload["state"] == "stopped":
        return f"run stopped: {payload['message'] or 'as asked'}"
    return ""


def print_workflow(result: WorkflowResult) -> None:
    """Stages, then the things each made, then where the files are."""
    table = Table(title=f"{result.name} ({result.run_id})", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for name in ("stage", "action", "state", "made", "what it says"):
        table.add_column(name, overflow="fold")
    for report in result.stages:
        made = [item.handle for call in report.calls for item in call.result.items]
        said = report.reason or " ".join(call.result.summary for call in report.calls[:2])
        table.add_row(report.id, report.action, report.state, _handles(made), said)
    output.print(table)
    for report in result.stages:
        for item in [item for call in report.calls for item in call.result.items][:SHOWN_ITEMS]:
            output.print(_item_line(item), soft_wrap=True)
    if result.sweep:
        _print_sweep(result)
    output.print(result.message)
    for path in result.files.values():
        output.print(path, soft_wrap=True)


def _handles(made: list[str]) -> str:
    return ", ".join(made[:SHOWN_ITEMS]) + (f" and {len(made) - SHOWN_ITEMS} more" if len(made) > SHOWN_ITEMS else "")


def _item_line(item: Item) -> str:
    numbers = [f"{label(name)} {quantity(q.value, q.unit)}" for name, q in list(item.numbers.items())[:SHOWN_NUMBERS]]
    value = item.value if len(item.value) <= 100 else f"{item.value[:97]}..."
    made = f" from {', '.join(item.made_from)}" if item.made_from else ""
    return f"{item.handle:>5} {item.kind}{made}: {item.name + ': ' if item.name else ''}{value}  {'; '.join(numbers)}"


def _print_sweep(result: WorkflowResult) -> None:
    scores = list(dict.fromkeys(name for row in result.sweep for name in row.best))[:6]
    keys = list(result.sweep[0].values)
    table = Table(title="sweep: best of each run's table", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for name in (*keys, "run", "state", "candidates", "docking", *(label(score) for score in scores)):
        table.add_column(name, overflow="fold")
    for row in result.sweep:
        best = [quantity(row.best.get(score), row.units.get(score, "")) for score in scores]
        count = "–" if row.candidates is None else str(row.candidates)
        values = [plain(row.values[key]) for key in keys]
        table.add_row(*values, row.run_id or "–", row.state, count, row.docking or "–", *best)
    output.print(table)


def copy_workflow_files(result: WorkflowResult, out: Path) -> WorkflowResult:
    """Copy a workflow's files into `out`, with the reports of the runs it started in folders of their own, and point
    the result and the report's links at them."""
    try:
        files = {name: str(shutil.copy(path, out / name)) for name, path in result.files.items()}
        if "report.html" in files:
            page = Path(files["report.html"])
            page.write_text(page.read_text(encoding="utf-8").replace('href="../', 'href="'), encoding="utf-8")
            for run_id in _runs_of(result):
                _copy_run(Path(result.files["report.html"]).parent.parent / run_id, out / run_id)
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}") from None
    return result.model_copy(update={"files": files, "report": files.get("report.html")})


def _runs_of(result: WorkflowResult) -> list[str]:
    runs = [run for report in result.stages for call in report.calls for run in call.result.runs]
    return list(dict.fromkeys(runs))


def _copy_run(folder: Path, out: Path) -> None:
    for name in ("report.html", "candidates.csv", "candidates.sdf", "items.csv"):
        if (folder / name).is_file():
            out.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / name, out / name)


def describe_request(request: Request) -> str:
    """What a checked file would run, for a person."""
    if request.campaign is not None:
        campaign = request.campaign
        return (
            f"{campaign.name}: a {campaign.task} campaign, {campaign.rounds} rounds of {campaign.per_round}, "
            f"{campaign.budget.docking_calls} dockings"
        )
    workflow = request.workflow
    if workflow is None:
        return "nothing"
    if workflow.sweep is not None:
        axes = ", ".join(f"{key} ({len(values)} values)" for key, values in workflow.sweep.axes.items())
        return f"{workflow.name}: a sweep over {axes}, {len(workflow.stages)} runs"
    stages = ", ".join(f"{stage.id} ({stage.do})" for stage in workflow.stages)
    count = len(workflow.stages)
    return f"{workflow.name}: a workflow of {count} stage{'' if count == 1 else 's'}: {stages}"
