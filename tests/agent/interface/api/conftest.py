"""A server of its own for each test, called in this process or over a socket."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agent.config import Settings
from agent.interface.api.application import build_api
from agent.interface.listening import bind
from agent.interface.server import Server, build_server
from agent.service import RunService
from agent.session import Session
from tests.agent.interface.api.serving import HERE, Home, Serving
from tests.agent.openai_protocol import Scripted


@pytest.fixture
def make_home(tmp_path: Path) -> Iterator[Callable[..., Home]]:
    made: list[Home] = []

    def make(**given: Any) -> Home:
        options = {"home": tmp_path / "home", "workers": 1, **given}
        Path(options["home"]).mkdir(exist_ok=True)
        settings = Settings(**options)
        session = Session.open(settings)
        service = RunService(session)
        made.append(Home(settings, session, service, build_api(session, service, settings)))
        return made[-1]

    yield make
    for home in made:
        home.service.close(seconds=5.0)
        home.session.ledger.close()


@pytest.fixture
def home(make_home: Callable[..., Home]) -> Home:
    return make_home()


@pytest.fixture
def client(home: Home) -> Iterator[TestClient]:
    """Requests in this process, with the lifespan (service and event reader) running."""
    with TestClient(home.app, base_url="http://localhost", client=HERE) as opened:
        yield opened


@pytest.fixture
def serve() -> Iterator[Callable[[Home], Serving]]:
    running: list[tuple[Server, threading.Thread]] = []

    def begin(home: Home) -> Serving:
        listening = bind("127.0.0.1", 0)
        server = build_server(home.app, "127.0.0.1", 0)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
        thread.start()
        running.append((server, thread))
        until = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        return Serving(home, server, f"http://127.0.0.1:{listening.getsockname()[1]}")

    yield begin
    for server, thread in running:
        server.handle_exit(2, None)
        thread.join(60)
        assert not thread.is_alive(), "the server did not end"


@pytest.fixture
def chatting(make_home: Callable[..., Home], language_model: Scripted, small_actions: None) -> Home:
    """A home whose assistant is the scripted language model, with the quick actions of tests/agent."""
    return make_home(llm="openai:scripted", llm_base_url=language_model.address, approval_seconds=60.0)
