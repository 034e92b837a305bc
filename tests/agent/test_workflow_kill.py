"""A workflow killed with SIGKILL between and within its calls, and resumed: no finished call is made again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.interface.workflow_schemas import WorkflowResult
from tools.memory.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW: dict[str, Any] = {
    "name": "killed",
    "seed": 3,
    "stages": [
        {"id": "look", "do": "molecule_properties", "with": {"molecules": ["CC(=O)Nc1ccc(O)cc1", "CC(=O)OCC"]}},
        {
            "id": "routes",
            "do": "plan_synthesis",
            "foreach": "$look.molecule.*",
            "with": {"molecule": "$item", "n_routes": 1, "max_steps": 1},
        },
        {"id": "last", "do": "molecule_properties", "with": {"molecules": ["$look.2"]}},
    ],
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def command(home: Path, *args: str) -> dict[str, Any]:
    environment = {**os.environ, "ORGANON_HOME": str(home), "ORGANON_WORKERS": "1"}
    return {"args": [sys.executable, "-c", "import app; app.main()", *args], "env": environment, "cwd": ROOT}


def results_of(ledger: Ledger, run_id: str) -> list[str]:
    return [e.payload["call_id"] for e in ledger.events(run_id) if e.type == "tool_result"]


def kill_when(home: Path, ledger: Ledger, moment: Callable[[str], bool], *args: str) -> str:
    with subprocess.Popen(**command(home, *args), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 240
        while time.monotonic() < until:
            runs = ledger.list_runs()
            if runs and moment(runs[0].run_id):
                break
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    run_id = ledger.list_runs()[0].run_id
    while ledger.lease_lives(run_id):
        time.sleep(0.1)
    return run_id


def document(home: Path, *args: str) -> WorkflowResult:
    done = subprocess.run(**command(home, *args, "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return WorkflowResult.model_validate(json.loads(done.stdout))


def made(result: WorkflowResult) -> list[tuple[str, str, str, list[str]]]:
    return [
        (report.id, item.handle, item.value, item.made_from)
        for report in result.stages
        for call in report.calls
        for item in call.result.items
    ]


def test_killed_twice_and_resumed_it_is_as_if_undisturbed(tmp_path: Path) -> None:
    file, home = tmp_path / "w.yaml", tmp_path / "home"
    file.write_text(yaml.safe_dump(WORKFLOW))
    home.mkdir()
    ledger = Ledger(home / "ledger.sqlite")
    kill_when(home, ledger, lambda run: len(results_of(ledger, run)) == 1, "campaign", "run", str(file))
    (run,) = ledger.list_runs()
    kill_when(home, ledger, lambda run: len(results_of(ledger, run)) == 2, "campaign", "resume", run.run_id)
    resumed = document(home, "campaign", "resume", run.run_id)
    assert Counter(results_of(ledger, run.run_id)) == Counter(
        f"{run.run_id}.{name}" for name in ("look.1", "routes.1", "routes.2", "last.1")
    )
    undisturbed = document(tmp_path / "other", "campaign", "run", str(file))
    assert made(resumed) == made(undisturbed)
    assert [report.state for report in resumed.stages] == ["done"] * 3
