"""`organon campaign` as scripts see it, for workflows: one JSON document, copied files, exit codes, clear errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from agent.config import Settings
from agent.interface.cli import build_cli
from agent.interface.workflow_schemas import WorkflowResult
from agent.session import Session
from tools.errors import InputError

LOOK = {"id": "look", "do": "molecule_properties", "with": {"molecules": ["CCO", "CCN"]}}
FAILING = {"id": "bad", "do": "run_status", "with": {"run_id": "000000000000"}}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=1))


def organon(session: Session, *args: str) -> Any:
    cli = build_cli(lambda: session, lambda: session.settings)
    return CliRunner().invoke(cli, ["campaign", *args], catch_exceptions=True)


def file_of(tmp_path: Path, *stages: dict[str, Any], **more: Any) -> str:
    path = tmp_path / "w.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "stages": list(stages)} | more))
    return str(path)


def test_a_workflow_prints_one_document_and_copies_its_files(session: Session, tmp_path: Path) -> None:
    done = organon(session, "run", file_of(tmp_path, LOOK), "--json", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    result = WorkflowResult.model_validate(json.loads(done.stdout))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.html", "items.csv", "result.json"}
    assert all(Path(path).parent == tmp_path / "out" for path in result.files.values())
    shown = organon(session, "show", result.run_id, "--json")
    assert WorkflowResult.model_validate(json.loads(shown.stdout)).stages == result.stages
    again = organon(session, "resume", result.run_id, "--json")
    assert json.loads(again.stdout) == json.loads(shown.stdout)


def test_for_a_person_it_shows_stages_and_things(session: Session, tmp_path: Path) -> None:
    done = organon(session, "run", file_of(tmp_path, LOOK))
    assert done.exit_code == 0
    for word in ("look", "done", "M1", "CCO", "report.html"):
        assert word in done.stdout
    run_id = session.ledger.list_runs(limit=1)[0].run_id
    assert done.stderr.startswith(f"workflow {run_id}: mine\n"), "a killed run can be resumed by the id it told first"


def test_a_failed_stage_is_exit_code_1_with_the_document(session: Session, tmp_path: Path) -> None:
    done = organon(session, "run", file_of(tmp_path, LOOK, FAILING), "--json")
    assert done.exit_code == 1
    result = WorkflowResult.model_validate(json.loads(done.stdout))
    assert (result.state, result.enough) == ("failed", False)
    resumed = organon(session, "resume", result.run_id, "--json")
    assert resumed.exit_code == 1
    assert json.loads(resumed.stdout)["run_id"] == result.run_id


def test_a_wrong_file_runs_nothing(session: Session, tmp_path: Path) -> None:
    before = len(session.ledger.list_runs())
    done = organon(session, "run", file_of(tmp_path, {**LOOK, "do": "sing"}))
    assert isinstance(done.exception, InputError)
    assert "w.yaml" in str(done.exception)
    assert len(session.ledger.list_runs()) == before


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"target": "ABL1", "rounds": 2}, ["ligand campaign", "2 rounds"]),
        ({"target": "ABL1", "sweep": {"seed": [1, 2, 3]}}, ["sweep over seed (3 values)", "3 runs"]),
        ({"task": "retrosynthesis", "molecule": "CCO"}, ["1 stage", "plan_synthesis"]),
        ({"stages": [LOOK, FAILING]}, ["2 stages", "look (molecule_properties)"]),
    ],
)
def test_check_says_what_a_file_would_run(
    data: dict[str, Any], words: list[str], session: Session, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(data))
    before = len(session.ledger.list_runs())
    done = organon(session, "check", str(tmp_path / "c.yaml"))
    assert done.exit_code == 0, done.output
    for word in words:
        assert word in done.stdout
    assert len(session.ledger.list_runs()) == before


def test_a_sweep_ends_in_a_row_for_each_combination(session: Session, tmp_path: Path) -> None:
    """Over two workflows, one of which fails: the other runs all the same."""
    stages = [{"id": "look", "do": "run_status", "with": {"run_id": "$$"}}]
    first = organon(session, "run", file_of(tmp_path, LOOK), "--json")
    known = json.loads(first.stdout)["run_id"]
    sweep = {"stages.look.with.run_id": [known, "000000000000"]}
    done = organon(session, "run", file_of(tmp_path, *stages, sweep=sweep), "--json")
    result = WorkflowResult.model_validate(json.loads(done.stdout))
    assert [row.values["stages.look.with.run_id"] for row in result.sweep] == [known, "000000000000"]
    assert [row.state for row in result.sweep] == ["done", "failed"]
    assert {row.run_id for row in result.sweep} <= {run.run_id for run in session.ledger.list_runs()}
    assert done.exit_code == 1
    assert "Sweep" in Path(result.files["report.html"]).read_text()


@pytest.mark.parametrize("args", [["schema"], ["schema", "--workflow"]])
def test_the_schema_is_one_json_document(args: list[str], session: Session) -> None:
    done = organon(session, *args)
    assert json.loads(done.stdout)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("kind", ["chat", "action"])
def test_what_has_no_table_is_said(kind: str, session: Session) -> None:
    run_id = session.manager.start({"name": "x"}, kind)
    for command in ("show", "resume"):
        done = organon(session, command, run_id)
        assert isinstance(done.exception, InputError)
        assert kind in str(done.exception)


def test_compare_refuses_what_it_cannot_compare(session: Session) -> None:
    run_id = session.manager.start({"name": "x"}, "workflow")
    done = organon(session, "compare", run_id, "000000000000")
    assert isinstance(done.exception, InputError)


def test_brackets_stand_as_they_are(session: Session, tmp_path: Path) -> None:
    """A terminal's markup would take [nH] out of a SMILES, and end at a name with [/x]."""
    pyrrole = {"id": "look", "do": "molecule_properties", "with": {"molecules": ["c1cc[nH]c1"]}}
    done = organon(session, "run", file_of(tmp_path, pyrrole))
    assert done.exit_code == 0, done.exception
    assert "c1cc[nH]c1" in done.stdout
    session.manager.start({"name": "[/x] :o:"}, "chat")
    assert "[/x] :o:" in organon(session, "list").stdout
