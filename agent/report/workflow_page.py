"""`write_workflow_report`: a workflow as one HTML file: its stages, what each made, and what was made from what.

Same rules as the page of a campaign (`agent.report.page`), and no script at all: the policy forbids every one. Numbers
link to the call that made them, things to what they were made from. A run that a stage started has a report of its
own, which is linked by its place beside this one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.interface.schemas import Item
from agent.interface.workflow_schemas import StageReport, WorkflowResult
from agent.report import wording
from agent.report.chain import Column, draw_chain
from tools.errors import OrganonError
from tools.molecule.draw import draw_svg

HERE = Path(__file__).parent
DRAWING_SIZE = (220, 150)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
DOMAINS = {
    "protein": "protein",
    "antibody": "antibody",
    "pocket": "pocket",
    "molecule": "ligand",
    "route": "synthesis route",
    "reaction": "reaction",
    "material": "material",
    "passage": "literature",
}
"""Kind of item -> the word for it in the line that says which domains the work crossed."""
STRUCTURE = re.compile(r"\.(pdb|ent|cif|mmcif)(\.gz)?$")


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    text: str


def write_workflow_report(
    result: WorkflowResult,
    inputs: Sequence[Item],
    calls: Mapping[str, dict[str, Any]],
    artifacts: Callable[[str], str],
    out: Path,
) -> Path:
    """Write the page to `out` and return that path. `inputs` are files that the workflow was given; `calls` maps a
    call id to {tool, version, args, seconds, time}; `artifacts` gives the text of an artifact id (drawings)."""
    handles = {item.handle for item in inputs}
    handles |= {item.handle for report in result.stages for call in report.calls for item in call.result.items}
    items = [item for report in result.stages for call in report.calls for item in call.result.items]
    context = {
        "result": result,
        "facts": _facts(result, items),
        "crossed": crossed(result, inputs),
        "inputs": inputs,
        "handles": handles,
        "chain": draw_chain(_columns(result, inputs), result.links),
        "drawings": {item.handle: _drawing(item, artifacts) for item in items},
        "calls": dict(sorted(calls.items(), key=lambda entry: (str(entry[1].get("time") or ""), entry[0]))),
        "call_anchor": {call_id: f"call-{n}" for n, call_id in enumerate(sorted(calls), 1)},
        "request": _request(result),
        "sweep_scores": list(dict.fromkeys(name for row in result.sweep for name in row.best)),
        "style": Markup((HERE / "report.css").read_text(encoding="utf-8")),
        "chain_style": Markup((HERE / "workflow.css").read_text(encoding="utf-8")),
        "policy": POLICY,
    }
    out.write_text(_environment().get_template("workflow.html.j2").render(**context), encoding="utf-8")
    return out


def crossed(result: WorkflowResult, inputs: Sequence[Item]) -> list[str]:
    """The kinds of things the work went through, in the order in which they first appear."""
    kinds = [item.kind for report in result.stages for call in report.calls for item in call.result.items]
    given = ["protein structure"] if any(STRUCTURE.search(item.name.lower()) for item in inputs) else []
    return list(dict.fromkeys([*given, *(DOMAINS[kind] for kind in kinds if kind in DOMAINS)]))


def _facts(result: WorkflowResult, items: Sequence[Item]) -> list[Fact]:
    done = sum(report.state == "done" for report in result.stages)
    calls = [call for report in result.stages for call in report.calls]
    return [
        Fact("Stages done", f"{done} of {len(result.stages)}"),
        Fact("Calls", str(len(calls))),
        Fact("Things made or found", str(len(items))),
        Fact("Citations", str(sum(len(call.result.citations) for call in calls))),
        Fact("Evidence links", str(len(result.links))),
        Fact("Wall time", wording.duration(result.seconds)),
        Fact("Seed", str(result.seed)),
    ]


def _columns(result: WorkflowResult, inputs: Sequence[Item]) -> list[Column]:
    given = [Column("given", "done", inputs)] if inputs else []
    return given + [Column(report.id, report.state, list(_made(report))) for report in result.stages]


def _made(report: StageReport) -> Iterable[Item]:
    return (item for call in report.calls for item in call.result.items)


def _drawing(item: Item, artifacts: Callable[[str], str]) -> str:
    """The drawing that the action made (of a route, a reaction), or a molecule's 2D structure, as a data: address; ""
    where there is neither. As an image it runs no script, whatever stands in it."""
    try:
        if item.kind != "molecule" and item.links.get("drawing", "").endswith(".svg"):
            svg = artifacts(item.links["drawing"])
        elif item.kind == "molecule":
            svg = draw_svg(item.value, *DRAWING_SIZE)
        else:
            return ""
    except OrganonError:
        return ""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def _request(result: WorkflowResult) -> str:
    """The workflow as a file again, without what is unset."""
    workflow = dict(result.settings.get("workflow", {}))
    stages = [
        {k: v for k, v in stage.items() if v not in (None, {}, "", False, "always")} for stage in workflow["stages"]
    ]
    document = {"name": workflow["name"], "seed": workflow["seed"], "stages": stages}
    if workflow["budget"].get("minutes"):
        document["budget"] = workflow["budget"]
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        label=wording.label, unit=wording.unit, duration=wording.duration, moment=wording.moment, plain=wording.plain
    )
    environment.globals.update(quantity=wording.quantity, is_missing=wording.is_missing)
    return environment
