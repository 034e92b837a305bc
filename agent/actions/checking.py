"""Checks of things that actions made, run as executed calls of the tool registry, many in one transaction.

A verdict known from any earlier run is read back; a fault becomes an unknown verdict with its reason and is written
down, never cached. Every number taken from here carries its call id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.actions.action import ActionContext
from agent.interface.schemas import CheckReport, Quantity
from tools.domain import Call
from tools.funnel import call_id_of
from tools.registry import call, is_fault
from tools.types import CheckResult


def run_checks(context: ActionContext, calls: Sequence[Call]) -> list[CheckResult]:
    """The result of each call, in their order, named and marked hard or not as the call says."""
    ledger = context.session.ledger
    ids = [call_id_of(one) for one in calls]
    known = ledger.get_calls(ids)
    new: dict[str, tuple[Mapping[str, Any], CheckResult]] = {}
    for call_id, one in zip(ids, calls, strict=True):
        if call_id in known:
            continue
        result = replace(call(one.tool, one.args, context.session.artifacts), call_id=call_id)
        known[call_id] = result
        if is_fault(result):
            ledger.put_fault(call_id, dict(one.args), str(result.details["fault"]), result.reason, result.seconds)
        else:
            new[call_id] = dict(one.args), result
    ledger.put_calls((call_id, args, result) for call_id, (args, result) in new.items())
    return [replace(known[i], name=one.name, hard=one.hard) for i, one in zip(ids, calls, strict=True)]


def run_check(context: ActionContext, tool: str, args: Mapping[str, Any], *, hard: bool = True) -> CheckResult:
    """One of `run_checks`."""
    (result,) = run_checks(context, [Call(tool, args, hard)])
    return result


def report(result: CheckResult) -> CheckReport:
    """The check as shown."""
    return CheckReport.model_validate(result.to_json())


def measured(result: CheckResult) -> Quantity:
    """The check's value as a number with unit and call; None where it has none."""
    return Quantity(
        value=float(result.value) if isinstance(result.value, int | float) else None,
        unit=result.unit,
        call_id=result.call_id,
    )


def detail(result: CheckResult, key: str, unit: str) -> Quantity:
    """One number among a check's details."""
    value = result.details.get(key)
    return Quantity(value=float(value) if isinstance(value, int | float) else None, unit=unit, call_id=result.call_id)


def descriptors(described: CheckResult, names: Sequence[str] = ()) -> dict[str, Quantity]:
    """The numbers that one `descriptors` call measured: all, or those named, in the order of the names."""
    values, units = described.details.get("values", {}), described.details.get("units", {})
    return {
        name: Quantity(value=values[name], unit=units[name], call_id=described.call_id)
        for name in names or values
        if name in values
    }


def hard_failures(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Those that end a candidate's way."""
    return [one for one in results if one.hard and one.verdict == "fail"]
