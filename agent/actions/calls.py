"""Expensive calls that an action makes: in worker processes, through the ledger's cache. Cheap ones: `checking`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.actions.action import ActionContext
from agent.executor import Fault, Task
from agent.interface.schemas import Quantity
from tools.domain import Call
from tools.errors import StopError
from tools.funnel import call_id_of
from tools.types import CheckResult, Verdict
from tools.worker import call_in_worker


def run_in_workers(context: ActionContext, calls: Sequence[Call]) -> list[CheckResult]:
    """Independent calls, in parallel, in their order, named as each call says; one that did not finish is unknown with
    the reason. StopError where the run was asked to stop: what was finished is in the ledger and is not done again."""
    settings, control = context.session.settings, context.control
    control.wait_while_paused()
    tasks = [Task((one.tool, dict(one.args), str(settings.home)), settings.chain_timeout_seconds) for one in calls]
    results = []
    with context.session.resources.borrow() as engines:
        for index, answer in engines.executor.map_ordered(call_in_worker, tasks, control.should_stop):
            one = calls[index]
            result = _unfinished(one, answer) if isinstance(answer, Fault) else answer
            results.append(replace(result, name=one.name, hard=one.hard))
    stop_if_asked(context)
    return results


def stop_if_asked(context: ActionContext) -> None:
    if context.control.should_stop():
        raise StopError("stopped by request")


def descriptors(described: CheckResult, names: Sequence[str] = ()) -> dict[str, Quantity]:
    """The numbers that one `descriptors` call measured: all, or those named, in the order of the names."""
    values, units = described.details.get("values", {}), described.details.get("units", {})
    return {
        name: Quantity(value=values[name], unit=units[name], call_id=described.call_id)
        for name in names or values
        if name in values
    }


def _unfinished(call: Call, fault: Fault) -> CheckResult:
    reason, details = f"{fault.kind}: {fault.message}", {"fault": fault.kind}
    return CheckResult(call.tool, Verdict.UNKNOWN, reason=reason, call_id=call_id_of(call), details=details)
