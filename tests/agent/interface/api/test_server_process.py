"""`organon serve` as a process: its refusals, its end, its death in mid-run, and many clients at once."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.agent.openai_protocol import Reply, Scripted
from tools.memory.ledger import Ledger

ROOT = Path(__file__).resolve().parents[4]
SMALL = "from tests.agent import small_actions; small_actions.install(); import app; app.main()"


class Process:
    """`organon serve` with the quick actions of tests/agent, on a port of its own choice."""

    def __init__(self, home: Path, *options: str, **settings: str) -> None:
        given = {"ORGANON_HOME": str(home), "ORGANON_WORKERS": "1", "ORGANON_RATE_LIMIT": "0", **settings}
        command = [sys.executable, "-c", SMALL, "serve", *(options or ("--port", "0"))]
        self.popen = subprocess.Popen(
            command, env={**os.environ, **given}, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self.said.append(line)
            if found := re.search(r"http://\S+?:\d+", line):
                self.url = found.group()
                break
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        assert self.popen.stderr is not None
        self.said.extend(self.popen.stderr)

    def ready(self) -> Process:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.url}/healthz", timeout=10).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("".join(self.said))

    def end(self, number: int = signal.SIGINT) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(120)


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait(10)


def events(url: str, run_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{url}/api/v1/runs/{run_id}/events?follow=false", timeout=60).json()
    return found


@pytest.mark.parametrize(
    ("options", "settings", "words"),
    [
        (("--host", "0.0.0.0"), {}, ["0.0.0.0", "ORGANON_TOKEN"]),
        (("--host", "::"), {"ORGANON_TOKEN": " "}, ["ORGANON_TOKEN"]),
        (("--host", "203.0.113.9"), {"ORGANON_TOKEN": "t"}, ["203.0.113.9", "--port"]),
    ],
)
def test_what_cannot_be_served_is_one_line_and_exit_code_2(
    options: tuple[str, ...], settings: dict[str, str], words: list[str], tmp_path: Path
) -> None:
    environment = {**os.environ, "ORGANON_HOME": str(tmp_path), **settings}
    command = [sys.executable, "-c", "import app; app.main()", "serve", *options]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    for word in words:
        assert word in done.stderr


def test_a_killed_server_goes_on_with_its_run_and_the_log_is_whole(tmp_path: Path, processes: list[Process]) -> None:
    """SIGKILL in mid-run; the next server takes the run up, and who watched it reads on without gap or repetition. Told
    to end, that one ends at once, streams and all, and its run can be taken up again."""
    processes.append(Process(tmp_path / "home"))
    first = processes[0].ready()
    log = tmp_path / "log"
    body = {"kind": "action", "action": "wait", "args": {"seconds": 4.0, "log": str(log)}}
    run_id = httpx.post(f"{first.url}/api/v1/runs", json=body, timeout=60).json()["run_id"]
    until = time.monotonic() + 60
    while not log.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    seen = events(first.url, run_id)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    processes.append(Process(tmp_path / "home"))
    second = processes[1].ready()
    assert httpx.get(f"{second.url}/api/v1/runs/{run_id}", timeout=60).json()["state"] in ("running", "queued", "done")
    followed = httpx.get(f"{second.url}/api/v1/runs/{run_id}/events?after={len(seen)}", timeout=120).text
    told = seen + [json.loads(line[6:]) for line in followed.splitlines() if line.startswith("data: ")]
    assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
    assert [event["type"] for event in told].count("tool_call") == 1
    assert told[-1]["type"] == "run_finished"
    assert told == events(second.url, run_id)
    assert log.read_text().splitlines() == [f"{run_id}.1"] * 2
    assert httpx.get(f"{second.url}/api/v1/runs/{run_id}", timeout=60).json()["result"]["summary"] == "waited"
    end_with_a_stream_open(second, Ledger(tmp_path / "home" / "ledger.sqlite"))


def end_with_a_stream_open(server: Process, ledger: Ledger) -> None:
    body = {"kind": "action", "action": "wait", "args": {"seconds": 3600}}
    run_id = httpx.post(f"{server.url}/api/v1/runs", json=body, timeout=60).json()["run_id"]
    with httpx.stream("GET", f"{server.url}/api/v1/runs/{run_id}/events", timeout=120) as stream:
        held = stream.iter_lines()
        assert next(held).startswith("retry:")
        assert server.end(signal.SIGINT) in (0, 130, -signal.SIGINT)
        assert list(held)[-1] == ""
    assert ledger.get_run(run_id).state == "running"
    assert not ledger.lease_lives(run_id)


@pytest.mark.slow
def test_a_thousand_streams_and_fifty_chats_are_held(
    tmp_path: Path, processes: list[Process], language_model: Scripted
) -> None:
    language_model.scripts["weigh"] = lambda request: (
        Reply("It weighs 46.07 g/mol.")
        if request["messages"][-1]["role"] == "tool"
        else Reply("", calls=(("weigh", {"molecules": ["CCO"]}),))
    )
    llm = {"ORGANON_LLM": "openai:scripted", "ORGANON_LLM_BASE_URL": language_model.address}
    processes.append(Process(tmp_path / "home", **llm))
    server = processes[0].ready()
    measured = asyncio.run(load(server, psutil.Process(server.popen.pid)))
    sys.stderr.write(json.dumps(measured) + "\n")
    assert measured["streams"] == 1000
    assert measured["answers"] == 50
    assert measured["threads"] < 200
    assert measured["mb_a_stream"] < 0.2
    assert measured["healthz_seconds_most"] < 3
    assert measured["seconds_to_all_streams"] < 5


async def load(server: Process, process: psutil.Process) -> dict[str, float]:
    """1,000 idle streams on one waiting run each hears when it ends; 50 chats at once beside them."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits) as http:
        body = {"kind": "action", "action": "wait", "args": {"seconds": 600}}
        run_id = (await http.post("/api/v1/runs", json=body, timeout=60)).json()["run_id"]
        await asyncio.sleep(1)
        before = process.memory_info().rss
        streams = await asyncio.gather(*(open_stream(server.url, run_id) for _ in range(1000)))
        await asyncio.sleep(2)
        held = process.memory_info().rss
        idle = process.cpu_percent(None), await asyncio.sleep(3), process.cpu_percent(None)
        probes: list[float] = []
        probing = asyncio.create_task(probe(http, probes))
        began = time.monotonic()
        answers = await asyncio.gather(*(chat(http, number) for number in range(50)))
        chats = time.monotonic() - began
        probing.cancel()
        n_threads = process.num_threads()
        began = time.monotonic()
        await http.post(f"/api/v1/runs/{run_id}/stop")
        ended = await asyncio.gather(*(read_to_end(reader) for reader, _ in streams))
        told = time.monotonic() - began
        for _, writer in streams:
            writer.close()
        return {
            "streams": sum(ended),
            "answers": sum(text.endswith("46.07 g/mol.") for _, text in answers),
            "mb_a_stream": (held - before) / 2**20 / 1000,
            "rss_mb": held / 2**20,
            "idle_cpu_percent": idle[2],
            "threads": n_threads,
            "chats_seconds": chats,
            "chat_seconds_median": statistics.median(seconds for seconds, _ in answers),
            "chat_seconds_most": max(seconds for seconds, _ in answers),
            "healthz_seconds_median": statistics.median(probes),
            "healthz_seconds_most": max(probes),
            "seconds_to_all_streams": told,
        }


async def open_stream(url: str, run_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /api/v1/runs/{run_id}/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await writer.drain()
    await reader.readuntil(b"event: tool_call\n")
    return reader, writer


async def read_to_end(reader: asyncio.StreamReader) -> bool:
    return b"event: run_finished\n" in await reader.readuntil(b"0\r\n\r\n")


async def probe(http: httpx.AsyncClient, seconds: list[float]) -> None:
    while True:
        began = time.monotonic()
        assert (await http.get("/healthz")).status_code == 200
        seconds.append(time.monotonic() - began)
        await asyncio.sleep(0.05)


async def chat(http: httpx.AsyncClient, number: int) -> tuple[float, str]:
    began = time.monotonic()
    body = {"model": "organon", "messages": [{"role": "user", "content": f"weigh ethanol, number {number}"}]}
    answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return time.monotonic() - began, str(answer.json()["choices"][0]["message"]["content"])
