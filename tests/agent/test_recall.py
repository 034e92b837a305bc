"""What earlier runs leave changes the plan of later ones: seeds, what is known to fail, parents; off where asked.

One real run on a small campaign, then runs beside it in the same home, on the same receptor and on another structure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.campaign import parse_campaign
from agent.config import Settings
from agent.discovery.evidence import descent
from agent.discovery.recall import NOTHING
from agent.interface.schemas import RunResult
from agent.session import Session
from tools.errors import StopError
from tools.memory.vectors import Vectors
from tools.types import Candidate

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN: dict[str, Any] = {
    "name": "first",
    "target": "ABL1",
    "constraints": {"reactive": "none", "heavy_atoms": "8..14"},
    "rounds": 1,
    "per_round": 48,
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
    "seed": 3,
}
IBUPROFEN = "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
ASPIRIN, ISONIAZID = "CC(=O)Oc1ccccc1C(=O)O", "NNC(=O)c1ccncc1"
"""Molecules that a sampled round will not hold by chance, planted as earlier findings."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=2))


@pytest.fixture(scope="module")
def first(session: Session) -> RunResult:
    return run(session)


def run(session: Session, **changes: Any) -> RunResult:
    return session.run(parse_campaign({**CAMPAIGN, **changes}, ROOT), "campaign", lambda event: None)


def started(session: Session, result: RunResult) -> dict[str, Any]:
    return next(dict(e.payload) for e in session.ledger.events(result.run_id) if e.type == "run_started")


def plant(session: Session, text: str, **more: Any) -> None:
    """A finding of an earlier run, as `store` writes them."""
    document = {
        "id": f"planted/{text}",
        "text": text,
        "run_id": "planted",
        "receptor": "other-receptor.json",
        "target": "ABL1",
        "passed": True,
        "verdict": "pass",
        "desirability": 0.5,
        "scores": {"vina": -7.5},
        "units": {"vina": "kcal/mol"},
        "reason": "",
        **more,
    }
    Vectors(session.settings.vectors_path, session.ledger).add_results([document])


def test_a_first_run_has_nothing_to_remember(session: Session, first: RunResult) -> None:
    event = started(session, first)
    assert (event["memory"], event["recall"]) == (NOTHING["memory"], NOTHING["recall"])
    assert first.settings["evidence"]["memory"] == "on"
    page = Path(first.files["report.html"]).read_text()
    assert "no earlier run or own data had anything on this target" in page


def test_findings_say_what_a_later_run_needs(session: Session, first: RunResult) -> None:
    found = session.ledger.findings_of_run(first.run_id)
    assert found
    for finding in found:
        assert finding["verdict"] in ("pass", "fail", "unknown")
        assert len(finding["sequence"]) > 100
        assert finding["units"]["vina"] == "kcal/mol"
        assert session.ledger.get_call(finding["calls"]["vina"]) is not None


@pytest.fixture(scope="module")
def too_large(session: Session, first: RunResult) -> str:
    """A candidate that failed the first run's limits, planted as a finding on its receptor."""
    results = session.ledger.results(first.run_id)
    candidates = session.ledger.candidates(first.run_id)
    text = next(c.text for c in candidates if any(r.hard and r.verdict == "fail" for r in results[c.candidate_id]))
    receptor = session.ledger.findings_of_run(first.run_id)[0]["receptor"]
    plant(session, text, receptor=receptor, passed=False, verdict="fail", reason="size: 40 heavy atoms")
    return text


@pytest.fixture(scope="module")
def later(session: Session, first: RunResult, too_large: str) -> RunResult:
    plant(session, ISONIAZID)
    plant(session, ASPIRIN, passed=False, verdict="fail", desirability=None, reason="pose: clash")
    return run(session, seed=4)


def test_a_later_run_tries_what_passed_on_the_same_target(session: Session, later: RunResult) -> None:
    (seed,) = started(session, later)["recall"]["seeds"]
    assert (seed["text"], seed["why"], seed["source"]) == (ISONIAZID, "the target ABL1", "planted")
    assert "vina -7.5 kcal/mol" in seed["said"]
    origins = {c.text: c.origin for c in session.ledger.candidates(later.run_id)}
    assert origins[ISONIAZID] == "recalled: the target ABL1"
    assert ASPIRIN not in origins
    assert any(origin.startswith("evolve") for origin in origins.values())


def test_what_is_known_to_fail_here_is_not_proposed_again(session: Session, later: RunResult, too_large: str) -> None:
    recall = started(session, later)["recall"]
    assert recall["avoid"] == [too_large]
    assert recall["n_known"] == 2
    assert recall["failures"][0] == {"reason": "size: # heavy atoms", "n": 1, "runs": ["planted"]}
    assert too_large not in {c.text for c in session.ledger.candidates(later.run_id)}


def test_the_report_says_what_memory_contributed(later: RunResult, too_large: str) -> None:
    evidence = later.settings["evidence"]
    assert evidence["seeds"][0]["candidate_id"]
    assert evidence["n_avoided"] == 1
    page = Path(later.files["report.html"]).read_text()
    for said in (
        "Brought in from similar targets and own data",
        ISONIAZID,
        "size: # heavy atoms",
        "not proposed again",
    ):
        assert said in page


def test_killed_while_planning_and_resumed_memory_is_what_it_was(
    session: Session, later: RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first event is written, the plan's checkpoint is not; meanwhile another run leaves a finding."""

    def killed(*_: Any) -> None:
        raise StopError("killed")

    monkeypatch.setattr("agent.discovery.nodes.plan.run_controls", killed)
    run_id = session.start_campaign(parse_campaign({**CAMPAIGN, "seed": 6}, ROOT))
    with pytest.raises(StopError, match="killed"):
        session.execute(run_id)
    monkeypatch.undo()
    plant(session, IBUPROFEN)
    result = session.resume(run_id, lambda event: None)
    origins = {c.text: c.origin for c in session.ledger.candidates(run_id)}
    assert origins[ISONIAZID].startswith("recalled")
    assert IBUPROFEN not in origins
    assert [seed["text"] for seed in result.settings["evidence"]["seeds"]] == [ISONIAZID]
    assert sum(e.type == "run_started" for e in session.ledger.events(run_id)) == 1


def test_memory_off_keeps_all_of_it_out(session: Session, first: RunResult) -> None:
    result = run(session, memory="off")
    assert started(session, result)["recall"] == NOTHING["recall"]
    assert [c.text for c in session.ledger.candidates(result.run_id)] == [
        c.text for c in session.ledger.candidates(first.run_id)
    ]
    assert result.settings["evidence"]["memory"] == "off"
    assert "Memory was off for this run" in Path(result.files["report.html"]).read_text()


def test_descent_goes_over_generations() -> None:
    made = [
        Candidate("a", "CCO", 1, 0, "recalled"),
        Candidate("b", "CCCO", 1, 1, "evolve", ("CCO",)),
        Candidate("c", "CCCCO", 2, 0, "evolve", ("CCCO", "CC")),
        Candidate("d", "CC", 2, 1, "sample"),
    ]
    assert descent(made, {"CCO"}) == {"CCO": {"CCO"}, "CCCO": {"CCO"}, "CCCCO": {"CCO"}}
