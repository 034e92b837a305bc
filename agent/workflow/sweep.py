"""A sweep: one run for every combination of the values that a file gives for some of its keys.

`sweep: {target: [ABL1, EGFR], docking.exhaustiveness: [1, 4]}` makes four runs. A key may lead into a stage of a
workflow by the stage's id (`stages.ligands.with.rounds`). The combinations run one after another, as the stages of a
workflow, so that a sweep can be stopped, killed and resumed like any run.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.interface.workflow_schemas import StageReport, SweepRow
from agent.runs import run_id_for
from agent.workflow.plan import Workflow
from tools.errors import InputError

if TYPE_CHECKING:
    from agent.session import Session

MAX_RUNS = 100


def expand_sweep(document: Mapping[str, Any]) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Name of each combination -> (its values, the document with them in place and without `sweep`)."""
    axes = _axes(document)
    base = {key: value for key, value in document.items() if key != "sweep"}
    expanded: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for combination in itertools.product(*axes.values()):
        values = dict(zip(axes, combination, strict=True))
        varied = copy.deepcopy(base)
        for key, value in values.items():
            _put(varied, key, copy.deepcopy(value))
        name = _stage_name(values, expanded)
        varied["name"] = f"{str(base.get('name', 'sweep'))[:38]} {name}"[:80]
        expanded[name] = (values, varied)
    return expanded


def sweep_rows(workflow: Workflow, stages: Sequence[StageReport], run_id: str, session: Session) -> list[SweepRow]:
    """The summary table: what the run of each combination came to, read from the ledger."""
    if workflow.sweep is None:
        return []
    points = workflow.sweep.points
    return [_row(report, points[report.id], run_id, session) for report in stages if report.id in points]


def _row(report: StageReport, values: dict[str, Any], run_id: str, session: Session) -> SweepRow:
    runs = [run_id_for(run_id, call.call_id) for call in report.calls]
    reason = "; ".join([report.reason, *(call.result.summary for call in report.calls if call.result.fault)]).strip(
        "; "
    )
    if not runs or not session.ledger.has_run(runs[0]):
        return SweepRow(stage=report.id, values=values, state=report.state, reason=reason)
    record = session.ledger.get_run(runs[0])
    found = record.result or {}
    best, units = _best(found)
    controls = found.get("controls") or {}
    return SweepRow(
        stage=report.id,
        values=values,
        run_id=record.run_id,
        state=record.state,
        candidates=len(found["candidates"]) if "candidates" in found else None,
        docking=str(controls.get("trust", "")),
        best=best,
        units=units,
        seconds=found.get("seconds"),
        reason=reason,
    )


def _best(result: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, str]]:
    """The best value and the unit of every score of a campaign's table."""
    best: dict[str, float] = {}
    units: dict[str, str] = {}
    for candidate in result.get("candidates", ()):
        for name, score in candidate["scores"].items():
            if score["value"] is not None:
                better = min if score["goal"] == "minimize" else max
                best[name] = better(best.get(name, score["value"]), score["value"])
                units[name] = score["unit"]
    return best, units


def _axes(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    given = document.get("sweep")
    if not isinstance(given, Mapping) or not given:
        raise InputError("sweep: a mapping of keys to lists of values, such as `sweep: {target: [ABL1, EGFR]}`")
    axes: dict[str, list[Any]] = {}
    for key, values in given.items():
        if not isinstance(values, list) or not values:
            raise InputError(f"sweep.{key}: a list of values, not {values!r:.60}")
        if len({json.dumps(value, sort_keys=True, default=str) for value in values}) < len(values):
            raise InputError(f"sweep.{key}: a value stands there twice")
        axes[str(key)] = values
    runs = 1
    for values in axes.values():
        runs *= len(values)
    if runs > MAX_RUNS:
        shown = " x ".join(str(len(values)) for values in axes.values())
        raise InputError(
            f"sweep: {shown} = {runs} runs; at most {MAX_RUNS} in one file, take values out of {', '.join(axes)}"
        )
    return axes


def _put(document: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key; in a list of stages a part is a stage's id."""
    parts = key.split(".")
    held: Any = document
    for at, part in enumerate(parts[:-1]):
        if isinstance(held, list):
            held = _element(held, part, key)
            continue
        if isinstance(held.get(part), str) and at == 0 and part == "target":
            held[part] = {"name": held[part]}
        held = held.setdefault(part, {})
        if not isinstance(held, dict | list):
            raise InputError(f"sweep.{key}: `{'.'.join(parts[: at + 1])}` is {held!r:.60}, it has no `{parts[at + 1]}`")
    if isinstance(held, list):
        raise InputError(f"sweep.{key}: name a key within a stage, such as `{key}.with.n`")
    held[parts[-1]] = value


def _element(listed: list[Any], part: str, key: str) -> dict[str, Any]:
    for position, element in enumerate(listed):
        if isinstance(element, dict) and part in (element.get("id"), element.get("score"), str(position)):
            return element
    names = [str(e.get("id", e.get("score", n))) for n, e in enumerate(listed) if isinstance(e, dict)]
    raise InputError(f"sweep.{key}: there is no `{part}`; there is {', '.join(names)}")


def _stage_name(values: Mapping[str, Any], taken: Mapping[str, Any]) -> str:
    """A name that can be a stage's id: the values where they are short words, else a number."""
    words = "-".join(re.sub(r"[^A-Za-z0-9]+", "-", str(value)).strip("-") for value in values.values())
    plain = len(words) <= 30 and words[:1].isalpha() and all(isinstance(v, str | int | float) for v in values.values())
    return words if plain and words not in taken else f"run-{len(taken) + 1}"
