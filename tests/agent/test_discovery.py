"""The whole loop on a real bundled target with the shipped model: funnel, provenance, determinism, kill and resume.

Molecules are kept small and dockings few, so that this takes seconds a docking. What holds here holds at any size:
counts add up, numbers trace to calls, the same campaign gives the same table, whatever happens on the way.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from rdkit import Chem

from agent.campaign import parse_campaign
from agent.config import Settings
from agent.interface.schemas import RunResult
from agent.session import Session
from tools.memory.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN: dict[str, Any] = {
    "name": "small",
    "target": "ABL1",
    "reference": "O=C(Nc1ccncc1)c1ccccc1",
    "constraints": {"reactive": "none", "heavy_atoms": "10..18"},
    "rounds": 2,
    "per_round": 128,
    "budget": {"docking_calls": 4},
    "docking": {
        "exhaustiveness": 1,
        "final_exhaustiveness": 2,
        "finalists": 2,
        "max_states": 1,
        "max_stereoisomers": 1,
        "n_ring_conformers": 1,
    },
    "controls": "quick",
    "seed": 11,
}

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=2))


@pytest.fixture(scope="module")
def result(session: Session) -> RunResult:
    return session.run(parse_campaign(CAMPAIGN, ROOT), "campaign", lambda event: None)


def table(result: RunResult) -> list[dict[str, Any]]:
    """What must not depend on how the run went: everything of the table but seconds."""
    rows = [candidate.model_dump(mode="json") for candidate in result.candidates]
    for row in rows:
        row["checks"] = [{k: v for k, v in check.items() if k != "seconds"} for check in row["checks"]]
    return rows


def test_the_funnel_adds_up(result: RunResult) -> None:
    stages = result.funnel
    assert [s.stage for s in stages][:6] == ["chemistry", "conformer", "docking", "pose", "strain", "minimisation"]
    assert stages[0].entered == sum(summary.generated for summary in result.rounds) == 256
    for stage in stages:
        assert stage.entered == stage.passed + stage.failed + stage.unknown
        assert sum(stage.reasons.values()) == stage.failed + stage.unknown
    for before, after in pairwise(stages[:6]):
        assert before.passed == after.entered + after.not_selected


def test_the_docking_budget_is_kept(result: RunResult) -> None:
    conformer = result.funnel[1]
    assert conformer.entered == CAMPAIGN["budget"]["docking_calls"]


def test_every_ranked_candidate_passed_every_stage_and_kept_the_constraints(result: RunResult) -> None:
    assert result.candidates
    for candidate in result.candidates:
        assert {check.name for check in candidate.checks} >= {"sanitise", "dock", "pose", "strain", "interaction"}
        assert 10 <= Chem.MolFromSmiles(candidate.smiles).GetNumHeavyAtoms() <= 18


def test_candidates_are_ranked_by_desirability(result: RunResult) -> None:
    values = [candidate.scores["desirability"].value for candidate in result.candidates]
    assert values == sorted(values, key=lambda value: -(value or 0.0))
    assert [candidate.rank for candidate in result.candidates] == list(range(1, len(values) + 1))


def test_every_number_traces_to_an_executed_call(result: RunResult, session: Session) -> None:
    for candidate in result.candidates:
        for check in candidate.checks:
            call = session.ledger.get_call(check.call_id)
            assert call is not None
            assert (call.value, str(call.verdict)) == (check.value, check.verdict)
        assert candidate.scores["vina"].call_id in {check.call_id for check in candidate.checks}


def test_the_reference_is_treated_as_the_designs_are(result: RunResult) -> None:
    assert result.reference is not None
    assert result.reference.scores["vina"].value is not None
    assert {check.name for check in result.reference.checks} >= {"dock", "pose", "strain", "interaction"}


def test_without_evidence_docking_is_called_untested(result: RunResult) -> None:
    assert result.controls is not None
    assert result.controls.trust == "untested"
    assert {control.name for control in result.controls.controls} == {"approved_drugs"}


def test_the_files_hold_the_table(result: RunResult) -> None:
    with Path(result.files["candidates.csv"]).open(newline="") as handle:
        assert [row["smiles"] for row in csv.DictReader(handle)] == [c.smiles for c in result.candidates]
    poses = [mol for mol in Chem.SDMolSupplier(result.files["candidates.sdf"]) if mol is not None]
    assert [Chem.MolToSmiles(Chem.RemoveHs(mol)) for mol in poses]
    assert len(poses) == len(result.candidates)
    page = Path(result.files["report.html"]).read_text()
    assert result.run_id in page


@pytest.mark.slow
def test_a_run_that_knows_the_receptor_says_what_was_seen_before(result: RunResult, session: Session) -> None:
    short = {**CAMPAIGN, "seed": 12, "controls": "off", "reference": None, "rounds": 1, "budget": {"docking_calls": 1}}
    again = session.run(parse_campaign(short, ROOT), "campaign", lambda event: None)
    first = session.ledger.events(again.run_id)
    remembered = next(event.payload["memory"] for event in first if event.type == "run_started")
    assert {entry["text"] for entry in remembered} >= {candidate.smiles for candidate in result.candidates}


def test_candidates_whose_checks_hang_are_unknown_and_the_run_ends(tmp_path: Path) -> None:
    hurried = Session.open(Settings(home=tmp_path, workers=2, chain_timeout_seconds=0.3))
    small = {**CAMPAIGN, "rounds": 1, "budget": {"docking_calls": 3}, "controls": "off", "reference": None}
    result = hurried.run(parse_campaign(small, ROOT), "campaign", lambda event: None)
    assert (result.state, result.candidates, result.enough) == ("done", [], False)
    assert sum(stage.unknown for stage in result.funnel) == 3
    assert all("timeout" in reason for stage in result.funnel[1:] for reason in stage.reasons)
    assert {fault.kind for fault in hurried.ledger.faults()} <= {"timeout"}


def docked_once(ledger: Ledger, run_id: str) -> bool:
    return any(e.type == "check_finished" and e.payload["stage"] == "docking" for e in ledger.events(run_id))


def first_round_done(ledger: Ledger, run_id: str) -> bool:
    return any(e.type == "round_finished" for e in ledger.events(run_id))


def planned(ledger: Ledger, run_id: str) -> bool:
    return any(e.type == "run_started" for e in ledger.events(run_id))


@pytest.mark.parametrize(
    "moments",
    [
        (docked_once, first_round_done),
        pytest.param((planned, docked_once, first_round_done), marks=pytest.mark.slow),
    ],
    ids=["twice", "thrice"],
)
def test_killed_at_several_moments_and_resumed_the_table_is_the_same(
    result: RunResult, moments: tuple[Callable[[Ledger, str], bool], ...], tmp_path: Path
) -> None:
    file = tmp_path / "campaign.yaml"
    file.write_text(yaml.safe_dump(CAMPAIGN))
    environment = {**os.environ, "ORGANON_HOME": str(tmp_path / "home"), "ORGANON_WORKERS": "2"}
    organon = [sys.executable, "-c", "import app; app.main()"]
    ledger = Ledger(tmp_path / "home" / "ledger.sqlite") if (tmp_path / "home").mkdir() is None else None
    assert ledger is not None
    kill_when([*organon, "campaign", "run", str(file)], moments[0], ledger, environment)
    (run,) = ledger.list_runs()
    for moment in moments[1:]:
        kill_when([*organon, "campaign", "resume", run.run_id], moment, ledger, environment)
    finished = subprocess.run(
        [*organon, "campaign", "resume", run.run_id, "--json"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    resumed = RunResult.model_validate(json.loads(finished.stdout))
    assert table(resumed) == table(result)
    assert [s.model_dump() for s in resumed.funnel] == [s.model_dump() for s in result.funnel]


def kill_when(
    command: list[str], moment: Callable[[Ledger, str], bool], ledger: Ledger, environment: dict[str, str]
) -> None:
    """Start the command and SIGKILL it once `moment` holds for its run."""
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            runs = ledger.list_runs()
            if runs and moment(ledger, runs[0].run_id):
                break
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    lease_end = time.monotonic() + 60
    while ledger.lease_lives(ledger.list_runs()[0].run_id) and time.monotonic() < lease_end:
        time.sleep(0.2)
