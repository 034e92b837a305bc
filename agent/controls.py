"""Controls before the first round: can docking be trusted on this target, and what do the filters do to real drugs?

The domain says which calls to make and what their results mean; here they are run, in workers, through the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agent.deps import Deps
from agent.executor import Fault, Task
from agent.finalists import final_context
from agent.nodes.validate import outcomes_of, results_of
from tools.domain import Call
from tools.funnel import call_id_of, executing, stages_of
from tools.types import CheckResult, Verdict
from tools.worker import call_in_worker, chain_in_worker


def run_controls(context: dict[str, Any], deps: Deps) -> dict[str, Any]:
    """{"panel": ControlPanel as JSON, "reference": ReferenceLigand as JSON or None}."""
    calls = deps.domain.control_calls(context, deps.campaign.controls)
    results = run_calls(calls, deps)
    panel = deps.domain.judge_controls(context, list(zip(calls, results, strict=True)))
    return {"panel": panel, "reference": _reference(context, deps)}


def _reference(context: dict[str, Any], deps: Deps) -> dict[str, Any] | None:
    """The reference through every stage with the finalists' settings; a failed cheap check is shown, not obeyed."""
    if not context["reference"]:
        return None
    text, final = context["reference"]["smiles"], final_context(context)
    execute = executing(deps.ledger, deps.artifacts)
    results = [
        replace(execute(call_id_of(call), call), name=call.name)
        for stage in stages_of(deps.domain, "cheap")
        for call in stage.calls(text, {}, final)
    ]
    task = Task((deps.domain.name, text, final, str(deps.settings.home)), deps.settings.chain_timeout_seconds)
    for _, answer in deps.executor.map_ordered(chain_in_worker, [task], deps.control.should_stop, None):
        results += results_of(outcomes_of(answer, text, final, deps))
    return deps.domain.reference_report(final, results)


def run_calls(calls: Sequence[Call], deps: Deps) -> list[CheckResult]:
    """Independent calls, in parallel, in their order; one that did not finish is unknown with the reason."""
    tasks = [
        Task((call.tool, dict(call.args), str(deps.settings.home)), deps.settings.chain_timeout_seconds)
        for call in calls
    ]
    results = []
    for index, answer in deps.executor.map_ordered(call_in_worker, tasks, deps.control.should_stop, None):
        results.append(_unfinished(calls[index], answer) if isinstance(answer, Fault) else answer)
    return results


def _unfinished(call: Call, fault: Fault) -> CheckResult:
    reason = f"{fault.kind}: {fault.message}"
    details = {"fault": fault.kind}
    return CheckResult(call.tool, Verdict.UNKNOWN, reason=reason, call_id=call_id_of(call), details=details)
