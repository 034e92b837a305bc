"""A whole server in this process: real stores in a new home, the real run service, the real application."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from agent.config import Settings
from agent.interface.server import Server
from agent.runs import RunControl
from agent.service import RunService
from agent.session import Session

Work = Callable[[RunControl], dict[str, Any] | None]


HERE = ("127.0.0.1", 50_000)
"""The address that requests in this process come from."""


@dataclass
class Home:
    """Settings, stores, service and application over one directory."""

    settings: Settings
    session: Session
    service: RunService
    app: FastAPI

    def begin(self, work: Work, document: dict[str, Any] | None = None, kind: str = "action") -> str:
        """A run that does exactly `work`, executed under a real lease in a thread of its own."""
        run_id = self.session.manager.start(document or {"name": "scripted"}, kind)
        threading.Thread(target=self.session.manager.execute, args=(run_id, work), daemon=True).start()
        return run_id

    def wait(self, run_id: str, *states: str, seconds: float = 120.0) -> str:
        until = time.monotonic() + seconds
        while (state := self.session.ledger.get_run(run_id).state) not in (states or ("done", "failed", "stopped")):
            assert time.monotonic() < until, f"run {run_id} is still {state}"
            time.sleep(0.02)
        return state


@dataclass
class Serving:
    """A uvicorn server on a free port of this machine."""

    home: Home
    server: Server
    url: str

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=120, **options)
