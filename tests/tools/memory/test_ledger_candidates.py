"""Candidates and results: in candidate order, written once, found again by later runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools.errors import InputError
from tools.memory.ledger import Ledger
from tools.types import Candidate, CheckResult, Verdict


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for run_id in ("r1", "r2", "r3"):
        ledger.create_run(run_id, run_id, "campaign", {}, seed=7)
    return ledger


def candidate(text: str, round_number: int, index: int) -> Candidate:
    return Candidate(f"c{round_number}-{index}", text, round_number, index, "evolve", ("CC", "CCC"), -3.25)


def vina(value: float | None) -> CheckResult:
    if value is None:
        return CheckResult("vina", Verdict.UNKNOWN, reason="time-out", tool="vina")
    return CheckResult("vina", Verdict.PASS, value, "kcal/mol", tool="vina", call_id=f"k{value}")


def test_order_is_round_then_index_however_they_came(ledger: Ledger) -> None:
    second = [candidate("CCO", 2, 1), candidate("CCN", 2, 0)]
    first = [candidate("C" * n, 1, n) for n in (11, 2, 1)]
    ledger.put_candidates("r1", 2, second)
    ledger.put_candidates("r1", 1, first)
    assert [c.candidate_id for c in ledger.candidates("r1")] == ["c1-1", "c1-2", "c1-11", "c2-0", "c2-1"]
    assert ledger.candidates("r1", 2) == [second[1], second[0]]
    assert ledger.candidates("r2") == []


def test_same_again_is_fine_and_another_in_its_place_is_not(ledger: Ledger) -> None:
    batch = [candidate("CCO", 1, 0), candidate("CCN", 1, 1)]
    ledger.put_candidates("r1", 1, batch)
    ledger.put_candidates("r1", 1, batch)
    ledger.put_candidates("r1", 1, [])
    assert ledger.candidates("r1") == batch
    for other in (replace(batch[0], text="CCCl"), replace(batch[0], candidate_id="new")):
        with pytest.raises(InputError, match="another candidate"):
            ledger.put_candidates("r1", 1, [other, candidate("CCS", 1, 2)])
    with pytest.raises(InputError, match="round 1, not 2"):
        ledger.put_candidates("r1", 2, batch)
    assert ledger.candidates("r1") == batch


def test_results_keep_their_order_and_grow(ledger: Ledger) -> None:
    ledger.put_candidates("r1", 1, [candidate("CCO", 1, 0)])
    early = [CheckResult("sanitise", Verdict.PASS), CheckResult("qed", Verdict.FAIL, 0.1, reason="low")]
    ledger.put_results("r1", "c1-0", early)
    ledger.put_results("r1", "c1-0", [*early, vina(-7.5)])
    ledger.put_results("r1", "c1-0", early)
    assert ledger.results("r1") == {"c1-0": [*early, vina(-7.5)]}
    assert ledger.results("r2") == {}


def test_seen_before_gives_the_best_earlier_result(ledger: Ledger) -> None:
    for run_id, value in (("r1", -7.0), ("r2", -9.0), ("r3", -8.0)):
        ledger.put_candidates(run_id, 1, [candidate("CCO", 1, 0), candidate("CCN", 1, 1), candidate("CCS", 1, 2)])
        ledger.put_results(run_id, "c1-0", [CheckResult("sanitise", Verdict.PASS), vina(value)])
    ledger.put_results("r1", "c1-1", [vina(None)])
    ledger.put_results("r3", "c1-1", [vina(-5.0)])
    seen = ledger.seen_before(["CCO", "CCN", "CCS", "CCF"], by="vina", goal="minimize")
    assert {t: (s.run_id, s.value("vina")) for t, s in seen.items()} == {
        "CCO": ("r2", -9.0),
        "CCN": ("r3", -5.0),
    }
    assert [r.name for r in seen["CCO"].results] == ["sanitise", "vina"]
    without = ledger.seen_before(["CCO", "CCN"], by="vina", goal="minimize", not_in_run="r2")
    assert without["CCO"].run_id == "r3"
    assert ledger.seen_before(["CCO"], by="vina", goal="maximize")["CCO"].run_id == "r1"
    only_unknown = ledger.seen_before(["CCN"], by="vina", goal="minimize", not_in_run="r3")["CCN"]
    assert (only_unknown.run_id, only_unknown.value("vina")) == ("r1", None)


def test_thousands_of_texts_can_be_asked_at_once(ledger: Ledger) -> None:
    ledger.put_candidates("r1", 1, [candidate(f"text-{n}", 1, n) for n in range(1500)])
    ledger.put_all_results("r1", {f"c1-{n}": [vina(-float(n))] for n in range(1500)})
    seen = ledger.seen_before([f"text-{n}" for n in range(3000)], by="vina", goal="minimize")
    assert len(seen) == 1500
    assert seen["text-1499"].value("vina") == -1499.0
