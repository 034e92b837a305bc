"""The reference compound through every stage with the finalists' settings; a failed cheap check is shown only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.discovery.deps import Deps
from agent.discovery.standing import objectives_of
from tools.domain import StageOutcome
from tools.funnel import call_id_of, executing, stages_of
from tools.rank import overall_desirability


def judge_reference(outcomes: Sequence[StageOutcome], context: Mapping[str, Any], deps: Deps) -> dict[str, Any]:
    """`ReferenceLigand` as JSON, from the outcomes of its expensive stages and all its cheap checks, run here."""
    execute = executing(deps.ledger, deps.artifacts)
    cheap = [
        replace(execute(call_id_of(call), call), name=call.name, hard=call.hard)
        for stage in stages_of(deps.domain, "cheap")
        for call in stage.calls(context["reference"]["smiles"], {}, context)
    ]
    report = deps.domain.reference_report(context, [*cheap, *(r for o in outcomes for r in o.results)])
    values = {name: score["value"] for name, score in report["scores"].items()}
    desirability = overall_desirability(values, objectives_of(deps))
    report["scores"]["desirability"] = {"value": desirability, "unit": "", "goal": "maximize", "call_id": ""}
    return report
