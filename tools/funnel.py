"""Walk one candidate through stages of checks, cheap to expensive, executing only what the ledger does not hold.

The same walk serves three moments: a worker executes missing calls and commits each to the ledger at once; the parent
replays the walk after a worker returned, crashed or hung; a resumed run replays it to find what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tools.domain import Call, Context, Domain, Stage, StageOutcome
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger, call_key
from tools.registry import call, is_fault, load_domain, tool_version
from tools.types import CheckResult, Verdict

Execute = Callable[[str, Call], CheckResult | None]
"""(call id, call) -> its result, or None where there is none yet: the walk then ends there."""


def call_id_of(request: Call) -> str:
    """The id a call has in any run: a hash of tool, tool version and arguments."""
    return call_key(request.tool, tool_version(request.tool), request.args)


def walk(stages: Sequence[Stage], text: str, context: Context, execute: Execute) -> Iterator[StageOutcome]:
    """Yield the outcome of each stage until the first that was not passed or not finished."""
    done: dict[str, CheckResult] = {}
    for stage in stages:
        results: list[CheckResult] = []
        verdict, reason = Verdict.PASS, ""
        for request in stage.calls(text, done, context):
            result = execute(call_id_of(request), request)
            if result is None:
                return
            result = replace(result, name=request.name, hard=request.hard)
            results.append(result)
            done[request.name] = result
            if request.hard and not result.passed:
                verdict, reason = result.verdict, f"{result.name}: {result.reason or result.verdict}"
                break
        yield StageOutcome(stage.name, tuple(results), verdict, reason)
        if verdict is not Verdict.PASS:
            return


def executing(ledger: Ledger, artifacts: Artifacts) -> Callable[[str, Call], CheckResult]:
    """Look a call up, else run it and commit its result before going on. Faults are recorded, never cached."""

    def execute(call_id: str, request: Call) -> CheckResult:
        known = ledger.get_call(call_id)
        if known is not None:
            return known
        result = replace(call(request.tool, request.args, artifacts), call_id=call_id)
        if is_fault(result):
            kind = str(result.details["fault"])
            ledger.put_fault(call_id, dict(request.args), kind, result.reason, result.seconds)
        else:
            ledger.put_call(call_id, dict(request.args), result)
        return result

    return execute


def stages_of(domain: Domain, cost: str) -> list[Stage]:
    return [stage for stage in domain.stages if stage.cost == cost]


def run_chain(
    domain_name: str, text: str, context: Context, ledger: Ledger, artifacts: Artifacts
) -> list[StageOutcome]:
    """Take one candidate through the expensive stages, in a worker process.

    Every finished call is in the ledger before the next begins: a crash in a late check loses none of the earlier.
    """
    stages = stages_of(load_domain(domain_name), "expensive")
    return list(walk(stages, text, context, executing(ledger, artifacts)))


def replay_chain(domain_name: str, text: str, context: Context, ledger: Ledger, fault: str) -> list[StageOutcome]:
    """What a worker that crashed, hung or was stopped had finished; the check it was at is unknown with `fault`."""

    def execute(call_id: str, request: Call) -> CheckResult:
        known = ledger.get_call(call_id)
        return known or CheckResult(
            request.tool, Verdict.UNKNOWN, reason=fault, call_id=call_id, details={"fault": "worker"}
        )

    return list(walk(stages_of(load_domain(domain_name), "expensive"), text, context, execute))
