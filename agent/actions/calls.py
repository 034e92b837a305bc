"""Expensive calls that an action makes: in worker processes, through the ledger's cache. Cheap ones: `checking`."""

from __future__ import annotations

from collections.abc import Sequence

from agent.actions.action import ActionContext
from agent.tool_calls import call_in_workers
from tools.domain import Call
from tools.errors import StopError
from tools.types import CheckResult


def run_in_workers(context: ActionContext, calls: Sequence[Call]) -> list[CheckResult]:
    """As `call_in_workers`. StopError where the run was asked to stop: what was finished is in the ledger and is not
    done again."""
    context.control.wait_while_paused()
    with context.session.resources.borrow() as engines:
        results = call_in_workers(calls, engines.executor, context.session.settings, context.control.should_stop)
    stop_if_asked(context)
    return results


def stop_if_asked(context: ActionContext) -> None:
    if context.control.should_stop():
        raise StopError("stopped by request")
