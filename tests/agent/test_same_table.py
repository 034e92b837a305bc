"""The same campaign file started by the command, over HTTP and by a sentence, each in an empty home: the same table."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.interface.client import Organon
from agent.interface.schemas import RunResult

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN = """\
name: same-table
task: ligand
target: ABL1
constraints: {reactive: none, heavy_atoms: "10..16"}
rounds: 1
per_round: 48
docking:
  {exhaustiveness: 1, final_exhaustiveness: 1, finalists: 3, max_states: 1, max_stereoisomers: 1, n_ring_conformers: 1}
budget: {docking_calls: 2}
controls: "off"
memory: "off"
seed: 5
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def command(home: Path, *args: str) -> dict[str, Any]:
    """How `organon ARGS` is started, in a home of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ORGANON_")}
    return {
        "args": [sys.executable, "-c", "import app; app.main()", *args],
        "env": {**kept, "ORGANON_HOME": str(home), "ORGANON_WORKERS": "2"},
        "cwd": ROOT,
        "text": True,
    }


def organon(home: Path, *args: str) -> dict[str, Any]:
    """The one JSON document that the command prints. Exit code 1 (few candidates) is an answer."""
    done = subprocess.run(**command(home, *args), capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return dict(json.loads(done.stdout))


def table(result: RunResult) -> dict[str, Any]:
    """Everything of the result that must not depend on who started it: all but ids of the run, paths and seconds."""
    document = result.model_dump(mode="json", by_alias=True)
    for candidate in document["candidates"]:
        for check in candidate["checks"]:
            check.pop("seconds")
    kept = ("name", "state", "target", "controls", "reference", "funnel", "candidates", "message", "enough", "seed")
    return {key: document[key] for key in kept}


def by_command(home: Path, file: Path) -> RunResult:
    return RunResult.model_validate(organon(home, "campaign", "run", str(file), "--json"))


def by_http(home: Path, file: Path) -> RunResult:
    with serving(home) as url, Organon(url) as client:
        return RunResult.model_validate(client.start_campaign(file).wait(timeout_seconds=600))


def by_sentence(home: Path, file: Path) -> RunResult:
    said = ("chat", "--file", str(file), "-m", f"run the campaign in {file.name}", "--yes", "--json")
    turn = organon(home, *said)
    (call,) = [call for call in turn["tool_calls"] if call["action"] == "start_campaign"]
    assert not call["fault"]
    runs = organon_list(home)
    (run_id,) = [run["run_id"] for run in runs if run["kind"] == "campaign"]
    return RunResult.model_validate(organon(home, "campaign", "show", run_id, "--json"))


def organon_list(home: Path) -> list[dict[str, Any]]:
    done = subprocess.run(**command(home, "campaign", "list", "--json"), capture_output=True, check=True)
    return list(json.loads(done.stdout))


@contextmanager
def serving(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(**command(home, "serve", "--port", str(port)), stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 90
            while time.monotonic() < until:
                try:
                    httpx.get(f"{url}/healthz", timeout=2).raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.2)
            yield url
        finally:
            server.terminate()


def test_the_same_campaign_gives_the_same_table_whoever_starts_it(tmp_path: Path) -> None:
    file = tmp_path / "campaign.yaml"
    file.write_text(CAMPAIGN)
    expected = table(by_command(tmp_path / "command", file))
    assert expected["candidates"], "a table without candidates proves little"
    assert table(by_http(tmp_path / "http", file)) == expected
    assert table(by_sentence(tmp_path / "chat", file)) == expected
