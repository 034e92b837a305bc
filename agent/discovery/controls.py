"""Controls before the first round: can docking be trusted on this target, and what do the filters do to real drugs?

The domain says which calls to make and what their results mean; here they are run, in workers, through the cache.
"""

from __future__ import annotations

from typing import Any

from agent.discovery.deps import Deps
from agent.tool_calls import call_in_workers


def run_controls(context: dict[str, Any], deps: Deps) -> dict[str, Any]:
    """The control panel (`ControlPanel` as JSON)."""
    calls = deps.domain.control_calls(context, deps.campaign.controls)
    results = call_in_workers(calls, deps.executor, deps.settings, deps.control.should_stop)
    return deps.domain.judge_controls(context, list(zip(calls, results, strict=True)))
