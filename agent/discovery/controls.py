"""Controls before the first round: can docking be trusted on this target, and what do the filters do to real drugs?

The domain says which calls to make and what their results mean; here they are run, in workers, through the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.discovery.deps import Deps
from agent.executor import Fault, Task
from tools.domain import Call
from tools.funnel import call_id_of
from tools.types import CheckResult, Verdict
from tools.worker import call_in_worker


def run_controls(context: dict[str, Any], deps: Deps) -> dict[str, Any]:
    """The control panel (`ControlPanel` as JSON)."""
    calls = deps.domain.control_calls(context, deps.campaign.controls)
    return deps.domain.judge_controls(context, list(zip(calls, run_calls(calls, deps), strict=True)))


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
