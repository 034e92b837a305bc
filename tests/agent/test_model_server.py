"""A discovery run whose model is behind a server: the server dies in mid-run, the run stays resumable, and the
resumed run ends in the table of an undisturbed one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.campaign import parse_campaign
from agent.config import Settings, load_settings
from agent.interface.schemas import Event, RunResult
from agent.session import Session
from models.checkpoint import SHIPPED_CHECKPOINT
from models.errors import ServerError

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN: dict[str, Any] = {
    "name": "served",
    "target": "ABL1",
    "constraints": {"reactive": "none", "heavy_atoms": "8..14"},
    "rounds": 2,
    "per_round": 12,
    "budget": {"docking_calls": 1},
    "docking": {
        "exhaustiveness": 1,
        "final_exhaustiveness": 1,
        "finalists": 1,
        "max_states": 1,
        "max_stereoisomers": 1,
        "n_ring_conformers": 1,
    },
    "controls": "off",
    "seed": 5,
}


def server_process(*arguments: Any) -> Any:
    """The test server of tests/models/backends, whose folder is no package."""
    path = ROOT / "tests" / "models" / "backends" / "conftest.py"
    spec = importlib.util.spec_from_file_location("completions_server_process", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ServerProcess(*arguments)


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    process = server_process(SHIPPED_CHECKPOINT)
    assert process.url
    yield process
    process.stop()


def open_session(home: Path, server: Any) -> Session:
    settings = Settings(home=home, workers=2, checkpoint=server.url, server_tokenizer=SHIPPED_CHECKPOINT)
    return Session.open(settings)


def run(session: Session, listen: Callable[[Event], None] = lambda event: None) -> RunResult:
    return session.run(parse_campaign(CAMPAIGN, ROOT), "campaign", listen)


def table(session: Session, run_id: str) -> list[Any]:
    return [(c.candidate_id, c.text, c.origin) for c in session.ledger.candidates(run_id)]


def test_a_server_that_dies_in_mid_run_and_is_back(server: Any, tmp_path: Path) -> None:
    undisturbed = open_session(tmp_path / "undisturbed", server)
    expected = run(undisturbed)
    session = open_session(tmp_path / "disturbed", server)

    def die_at_the_next_call(event: Event) -> None:
        if event.type == "candidate_added" and not dying:  # the first round has all its samples by then
            dying.append(event)
            server.misbehave("die")

    dying: list[Event] = []
    with pytest.raises(ServerError, match=f"{server.url} gave no answer to POST /completions, tried 6 times"):
        run(session, die_at_the_next_call)
    (record,) = session.ledger.list_runs()
    assert record.state == "failed"
    assert session.manager.resumable(record.run_id)
    kept = table(session, record.run_id)
    assert {candidate_id.partition("-")[0] for candidate_id, _, _ in kept} == {"r1"}
    last = session.ledger.events(record.run_id)[-1]
    assert last.type == "run_finished"
    assert f"ServerError: the model server at {server.url}" in last.payload["message"]

    server.stop()
    server.start()
    assert server.url
    result = session.resume(record.run_id, lambda event: None)
    assert result.state == "done"
    after = table(session, record.run_id)
    assert after[: len(kept)] == kept
    assert after == table(undisturbed, expected.run_id)
    assert [c.smiles for c in result.candidates] == [c.smiles for c in expected.candidates]


def test_the_command_says_in_one_line_that_nobody_is_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import app; app.main()", "model", "score", "<MoleculeS>C<MoleculeE>"],
        env={"PATH": "", "ORGANON_HOME": str(tmp_path), "ORGANON_CHECKPOINT": "http://127.0.0.1:9/v1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    errors = [line for line in done.stderr.splitlines() if line]
    assert len(errors) == 1, done.stderr
    assert errors[0].startswith("error: the model server at http://127.0.0.1:9/v1 gave no answer to GET /models")


def test_settings_take_an_address_a_hub_id_or_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGANON_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ORGANON_CHECKPOINT", "http://gpu:8000/v1")
    monkeypatch.setenv("ORGANON_SERVER_API_KEY", "sesame")
    settings = load_settings()
    assert settings.checkpoint == "http://gpu:8000/v1"
    assert "sesame" not in f"{settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    options = settings.model_options(settings.checkpoint)
    assert options == {"api_key": "sesame", "model": None, "tokenizer": None}
    assert settings.model_options(tmp_path) == {}
    monkeypatch.setenv("ORGANON_CHECKPOINT", "org/name-8B")
    assert load_settings().checkpoint == "org/name-8B"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORGANON_CHECKPOINT", "weights")
    assert load_settings().checkpoint == tmp_path / "weights"
