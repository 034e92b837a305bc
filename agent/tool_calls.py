"""Calls of tools as the agent makes and shows them: in worker processes through the ledger's cache, and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from agent.config import Settings
from agent.executor import Executor, Fault, Task
from tools.domain import Call
from tools.funnel import call_id_of
from tools.memory.ledger import Ledger
from tools.types import CheckResult, Verdict
from tools.worker import call_in_worker


def call_in_workers(
    calls: Sequence[Call], executor: Executor, settings: Settings, should_stop: Callable[[], bool]
) -> list[CheckResult]:
    """Independent calls, in parallel, in their order, named as each call says; one that did not finish is unknown with
    the reason."""
    tasks = [Task((one.tool, dict(one.args), str(settings.home)), settings.chain_timeout_seconds) for one in calls]
    results = []
    for index, answer in executor.map_ordered(call_in_worker, tasks, should_stop):
        one = calls[index]
        result = _unfinished(one, answer) if isinstance(answer, Fault) else answer
        results.append(replace(result, name=one.name, hard=one.hard))
    return results


def recorded_calls(ledger: Ledger, call_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What a report shows of each call that the ledger knows: tool, version, arguments, seconds and time."""
    return {
        call_id: {
            "tool": known.tool,
            "version": known.version,
            "args": ledger.get_args(call_id),
            "seconds": known.seconds,
            "time": ledger.call_time(call_id),
        }
        for call_id, known in ledger.get_calls(list(dict.fromkeys(call_ids))).items()
    }


def _unfinished(call: Call, fault: Fault) -> CheckResult:
    reason, details = f"{fault.kind}: {fault.message}", {"fault": fault.kind}
    return CheckResult(call.tool, Verdict.UNKNOWN, reason=reason, call_id=call_id_of(call), details=details)
