"""A browser, servers, and pages that tell on themselves: every script error, every request that leaves 127.0.0.1."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.config import Settings
from agent.session import Session
from tests.browser import scripted

ARTIFACTS = Path(__file__).resolve().parents[2] / "tmp" / "artifacts"


@dataclass
class Watched:
    """A page and its complaints: script errors, console errors, requests to anywhere but the server. `expected`: words
    of those that belong to the test."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    expected: str = ""

    def open(self, where: str = "") -> Any:
        self.page.goto(f"{self.address}/{where}")
        self.page.locator("html[data-ready]").wait_for(state="attached")
        return self.page

    def ask(self, text: str) -> Any:
        """Type a request and send it with Enter; the turn it begins."""
        before = self.page.locator(".turn").count()
        self.page.fill("#compose-text", text)
        self.page.press("#compose-text", "Enter")
        turn = self.page.locator(".turn").nth(before)
        turn.wait_for()
        return turn

    def picture(self, name: str) -> None:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(ARTIFACTS / f"{name}.png"))


OpenPage = Callable[..., Watched]


@pytest.fixture
def new_page(browser: Any, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """`new_page(width=400, scheme="dark")` on the scripted server, or on `address`; at the end every page must have
    nothing to complain of."""
    opened: list[tuple[Watched, Any]] = []

    def make(width: int = 1280, scheme: str = "light", address: str = "") -> Watched:
        context = browser.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme)
        page = context.new_page()
        watched = Watched(page, address or request.getfixturevalue("scripted_server").address)
        page.on("pageerror", lambda error: watched.complaints.append(f"error {error}"))
        page.on("console", lambda m: watched.complaints.append(f"{m.type} {m.text}") if m.type == "error" else None)
        page.on("dialog", lambda dialog: watched.complaints.append(f"dialog {dialog.message}"))

        def check(route: Any) -> None:
            if route.request.url.startswith((watched.address, "about:", "data:", "blob:")):
                route.continue_()
            else:
                watched.complaints.append(f"left the server: {route.request.url}")
                route.abort()

        context.route("**/*", check)
        opened.append((watched, context))
        return watched

    yield make
    for watched, context in opened:
        context.close()
        assert [c for c in watched.complaints if not watched.expected or watched.expected not in c] == []


@dataclass
class Server:
    """An ASGI application on a free port of 127.0.0.1, in a thread."""

    address: str
    session: Any
    stop: Callable[[], None]


def serve(app: Any) -> tuple[str, Callable[[], None]]:
    import uvicorn

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)

    def stop() -> None:
        server.should_exit = True
        thread.join(timeout=15)

    return f"http://127.0.0.1:{port}", stop


@pytest.fixture(scope="module")
def scripted_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real routes and the real run service over turns whose work is written down in `scripted.py`. For one file,
    because it stands in for the work of every run of this process."""
    session = Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=1))
    with scripted.installed(session) as app:
        address, stop = serve(app)
        yield Server(address, session, stop)
        stop()
