"""The walk through stages: stops at the first that is not passed, executes nothing twice, replays after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.domain import Call, Context, Results, Stage
from tools.funnel import call_id_of, executing, walk
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger
from tools.types import CheckResult, Verdict

PHENOL = "Oc1ccccc1"


def first(text: str, _results: Results, context: Context) -> list[Call]:
    flag = Call("size", {"smiles": text, "minimum": 50, "maximum": 60}, hard=False, label="flagged")
    return [Call("sanitise", {"smiles": text}), flag, Call("size", {"smiles": text, "maximum": 10, **context})]


def second(text: str, results: Results, _context: Context) -> list[Call]:
    assert results["size"].passed
    return [Call("elements", {"smiles": text})]


STAGES = (Stage("first", "", "cheap", first), Stage("second", "", "cheap", second))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


def test_a_failed_flag_does_not_end_the_way(ledger: Ledger, artifacts: Artifacts) -> None:
    outcomes = list(walk(STAGES, PHENOL, {"minimum": 5}, executing(ledger, artifacts)))
    assert [(o.stage, o.verdict) for o in outcomes] == [("first", Verdict.PASS), ("second", Verdict.PASS)]
    flagged = next(result for result in outcomes[0].results if result.name == "flagged")
    assert (flagged.verdict, flagged.hard) == (Verdict.FAIL, False)


def test_a_failed_limit_ends_the_way_with_its_reason(ledger: Ledger, artifacts: Artifacts) -> None:
    (outcome,) = walk(STAGES, PHENOL, {"minimum": 9}, executing(ledger, artifacts))
    assert outcome.verdict is Verdict.FAIL
    assert outcome.reason.startswith("size: too small")


def test_what_cannot_be_decided_ends_the_way_as_unknown_and_is_not_cached(ledger: Ledger, artifacts: Artifacts) -> None:
    (outcome,) = walk(STAGES, PHENOL, {"minimum": "few"}, executing(ledger, artifacts))
    assert outcome.verdict is Verdict.UNKNOWN
    assert ledger.get_call(outcome.results[-1].call_id) is None
    assert [fault.kind for fault in ledger.faults(outcome.results[-1].call_id)] == ["error"]


def test_a_second_walk_executes_nothing(ledger: Ledger, artifacts: Artifacts) -> None:
    before = list(walk(STAGES, PHENOL, {"minimum": 5}, executing(ledger, artifacts)))
    n_calls = ledger.count_calls()

    def look_up(call_id: str, _call: Call) -> CheckResult | None:
        return ledger.get_call(call_id)

    assert list(walk(STAGES, PHENOL, {"minimum": 5}, look_up)) == before
    assert ledger.count_calls() == n_calls == 4


def test_a_walk_ends_where_the_ledger_does(ledger: Ledger) -> None:
    assert list(walk(STAGES, PHENOL, {"minimum": 5}, lambda call_id, call: ledger.get_call(call_id))) == []


def test_a_calls_id_depends_on_tool_and_arguments_but_not_on_its_label() -> None:
    call = Call("size", {"smiles": PHENOL})
    assert call_id_of(call) == call_id_of(Call("size", {"smiles": PHENOL}, hard=False, label="other"))
    assert call_id_of(call) != call_id_of(Call("size", {"smiles": "C"}))
    assert call_id_of(call) != call_id_of(Call("elements", {"smiles": PHENOL}))
