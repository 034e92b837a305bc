"""The page over the real assistant with its offline front end, and over a server that is killed in mid-run."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 120_000

pytestmark = pytest.mark.slow


@pytest.fixture
def real_address(tmp_path: Path) -> Iterator[str]:
    """`organon serve`, as a person starts it."""
    port = free_port()
    command = [sys.executable, "app.py", "serve", "--port", str(port)]
    server = start_server(command, port, ORGANON_HOME=str(tmp_path), ORGANON_WORKERS="1")
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


def test_a_real_request_from_the_field_to_the_numbers(new_page: Any, real_address: str) -> None:
    watched = new_page(address=real_address)
    page = watched.open()
    turn = watched.ask("Properties of aspirin, ibuprofen and caffeine")
    page.locator('.turn[data-state="done"]').wait_for(timeout=WAIT_MS)
    turn.locator(".answer > *").first.wait_for(timeout=WAIT_MS)
    text = turn.inner_text()
    assert turn.locator(".step[data-state=done]").count() >= 1, text
    assert "180.2" in text, "the molecular weight of aspirin"
    assert turn.locator(".handle", has_text="M3").count() >= 1
    turn.locator(".drawing img").first.wait_for(timeout=WAIT_MS)
    turn.locator(".molecule .traced").first.click()
    page.locator("#inspector dl.facts").first.wait_for(timeout=WAIT_MS)
    watched.picture("real-turn")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def start_server(command: list[str], port: int, **environment: str) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **environment})
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                return server
        except httpx.TransportError:
            time.sleep(0.2)
    server.kill()
    raise AssertionError("the server did not start")


def test_a_killed_server_takes_the_run_up_again_and_the_page_goes_on(new_page: Any, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "tests.browser.scripted", str(tmp_path), str(port)]
    server = start_server(command, port)
    try:
        watched = new_page(address=f"http://127.0.0.1:{port}")
        watched.expected = "ERR_"
        page = watched.open()
        turn = watched.ask("a long one")
        turn.get_by_role("button", name="Accept").click()
        page.get_by_text(re.compile("docked [0-9]+")).first.wait_for()
        page.wait_for_function("() => document.querySelectorAll('.told li').length > 5", timeout=WAIT_MS)
        server.kill()
        server.wait()
        before = turn.locator(".told li").count()
        server = start_server(command, port)
        page.wait_for_function("n => document.querySelectorAll('.told li').length > n + 5", arg=before, timeout=WAIT_MS)
        told = turn.locator(".told li").all_text_contents()
        assert told == [f"round 1 of 2: docked {n}" for n in range(len(told))]
        page.get_by_role("button", name="Stop this turn").click()
        page.locator('.turn[data-state="stopped"]').wait_for(timeout=WAIT_MS)
    finally:
        server.kill()
        server.wait()
