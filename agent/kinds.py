"""KINDS: what a run of each kind does, one line an entry. `Session.execute` looks here, whoever asks.

The function is `work(session, record, control)`: it drives the run that `record` describes to its end under the lease
of `control`, goes on from where a killed process left it, and gives back the run's final document (None where it stored
one itself). The document it was started with is `record.campaign`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from tools.errors import InputError

if TYPE_CHECKING:
    from agent.runs import RunControl
    from agent.session import Session
    from tools.memory.ledger import RunRecord

Work = Callable[["Session", "RunRecord", "RunControl"], Mapping[str, Any] | None]

KINDS: dict[str, str] = {
    "campaign": "agent.discovery.drive:drive_campaign",
    "demo": "agent.discovery.drive:drive_campaign",
    "workflow": "agent.workflow.drive:drive_workflow",
    "action": "agent.actions.action:drive_action",
    "chat": "agent.chat.assistant:drive_turn",
}


@cache
def work_of(kind: str) -> Work:
    """What executes runs of this kind; InputError names the kinds there are."""
    if kind not in KINDS:
        raise InputError(f"unknown kind of run {kind!r}; kinds are {', '.join(KINDS)}")
    module, _, name = KINDS[kind].partition(":")
    work: Work = getattr(importlib.import_module(module), name)
    return work
