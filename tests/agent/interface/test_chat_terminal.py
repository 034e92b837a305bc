"""`organon chat` at a real terminal: approvals are asked there, Ctrl-C stops the turn and not the program."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.openai_protocol import Reply, Scripted

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "import sys; from tests.agent.small_actions import install; install(); import app; app.main()"


class Terminal:
    """A program behind a pseudo-terminal."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        command = [sys.executable, "-c", PROGRAM, "chat"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.shown = ""

    def wait_for(self, words: str, seconds: float = 240.0) -> str:
        """What was shown up to these words, which are then used up."""
        end = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < end, f"waited for {words!r}, shown is {self.shown!r}"
            if select.select([self._master], [], [], 0.1)[0]:
                self.shown += os.read(self._master, 65536).decode(errors="replace")
        before, _, self.shown = self.shown.partition(words)
        return before

    def type(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def terminal(tmp_path: Path, language_model: Scripted) -> Iterator[Terminal]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ORGANON_")}
    settings = {"HOME": str(tmp_path / "home"), "LLM": "openai:scripted", "LLM_BASE_URL": language_model.address}
    environment.update({f"ORGANON_{name}": value for name, value in settings.items()})
    opened = Terminal({**environment, "ORGANON_WORKERS": "1", "OMP_NUM_THREADS": "1"})
    yield opened
    opened.close()


@pytest.mark.slow
def test_approving_stopping_and_leaving(terminal: Terminal, language_model: Scripted) -> None:
    language_model.scripts["screen"] = [
        Reply("", (("start_screen", {"hours": 99}),)),
        Reply("Screened for as long as you wanted."),
        Reply("", (("wait", {"seconds": 60}),)),
        Reply("Still here."),
    ]
    terminal.wait_for("language front end openai:scripted")
    terminal.type("screen it")
    terminal.wait_for("approval needed: it is estimated to take 5940 min")
    terminal.type("e")
    terminal.wait_for("arguments as JSON")
    terminal.type('{"hours": 2}')
    terminal.wait_for("screened for 2 h")
    terminal.wait_for("Screened for as long as you wanted.")
    terminal.type("now wait")
    terminal.wait_for("→ wait")
    time.sleep(0.5)
    os.kill(terminal.process.pid, signal.SIGINT)
    terminal.wait_for("stopped: as asked")
    assert terminal.process.poll() is None
    terminal.type("are you there?")
    terminal.wait_for("Still here.")
    terminal.type("/quit")
    assert terminal.process.wait(60) == 0
