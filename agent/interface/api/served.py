"""What the routes of one server share, and how they get at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import anyio
from fastapi import Depends, Path, Request

from agent.config import Settings
from agent.interface.api.access import Access
from agent.interface.api.metrics import Metrics
from agent.interface.api.problems import ProblemError
from agent.interface.api.service import Service
from agent.interface.api.watcher import Watcher
from agent.session import Session

SLOW_CALLS = 8
"""Threads for requests that compute (generate, validate, search); further ones wait, and the quick ones do not."""


@dataclass(frozen=True)
class Served:
    """`version`: of the program. `is_ready()` is told by the lifespan."""

    session: Session
    service: Service
    settings: Settings
    watcher: Watcher
    access: Access
    metrics: Metrics
    version: str
    slow: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(SLOW_CALLS))

    def need_run(self, run_id: str) -> str:
        if not self.session.ledger.has_run(run_id):
            raise ProblemError(404, f"there is no run {run_id!r}")
        return run_id

    def need_thread(self, thread_id: str) -> str:
        """404 where there is no such conversation."""
        if not self.session.ledger.has_thread(thread_id):
            raise ProblemError(404, f"there is no conversation {thread_id!r}")
        return thread_id


def served(request: Request) -> Served:
    """The server's parts, for a route."""
    found: Served = request.app.state.served
    return found


Use = Annotated[Served, Depends(served)]
RunId = Annotated[str, Path(description="Id of a run.", pattern="^[0-9a-hjkmnp-z]{1,40}$", examples=["1k2m3n4p5q6r"])]
ThreadId = Annotated[str, Path(description="Id of a conversation.", min_length=1, max_length=40)]
