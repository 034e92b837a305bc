"""Completions servers as processes of their own, for tests that talk to one over a socket."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAM = Path(__file__).with_name("completions_server.py")


@dataclass
class ServerProcess:
    """Started at once; `url` waits until it listens."""

    checkpoint: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start it, again on the port it had."""
        command = [sys.executable, str(PROGRAM), str(self.checkpoint), "--port", str(self.port), *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._listens = False

    @property
    def url(self) -> str:
        if not self._listens:
            assert self.process.stdout is not None
            self.port = int(self.process.stdout.readline())
            self._listens = True
        return f"http://127.0.0.1:{self.port}/v1"

    def misbehave(self, how: str | int, times: int = 1, **more: Any) -> None:
        self._client("POST", "/misbehave", json={"how": how, "times": times, **more})

    def behave(self) -> None:
        self._client("POST", "/misbehave", json={})

    def seen(self) -> dict[str, Any]:
        return dict(self._client("GET", "/seen").json())

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _client(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, self.url.removesuffix("/v1") + path, trust_env=False, timeout=30, **more)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., ServerProcess]]:
    """Start a server; all end with the session."""
    started: list[ServerProcess] = []

    def start(checkpoint: Path, *options: str, port: int = 0) -> ServerProcess:
        started.append(ServerProcess(checkpoint, options, port))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def processes(
    serve: Callable[..., ServerProcess], our_checkpoint: Path, bpe_checkpoint: Path
) -> dict[str, tuple[ServerProcess, Path]]:
    """A server for each convention of log-probabilities, with the checkpoint it serves: vLLM's two, SGLang's."""
    started = {
        "raw": (serve(bpe_checkpoint), bpe_checkpoint),
        "processed": (serve(our_checkpoint, "--log-probs", "processed"), our_checkpoint),
        "tempered": (
            serve(our_checkpoint, "--log-probs", "tempered", "--dialect", "sglang", "--api-key", "sesame-1729"),
            our_checkpoint,
        ),
    }
    for process, _ in started.values():
        assert process.url
    return started
