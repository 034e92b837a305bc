"""Have we seen something like this? Earlier findings by molecule, target, protein and words, with what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.actions.action import ActionContext, execute
from agent.actions.results import SEARCH_RESULTS
from agent.config import Settings
from agent.interface.schemas import ActionResult
from agent.library import ingest_paths
from agent.session import Session
from tests.citation_support import unsupported_sentences
from tools.errors import InputError
from tools.literature.documents import Document, Row
from tools.literature.store import store_document
from tools.memory.recall import (
    failures,
    recall_molecule,
    recall_protein,
    related_identity,
    sequence_identity,
    state_finding,
)
from tools.memory.vectors import Vectors

PARACETAMOL, METHOXY, OCTANE = "CC(=O)Nc1ccc(O)cc1", "COc1ccc(NC(C)=O)cc1", "CCCCCCCC"
KINASE = (
    "MLEICLKLVGCKSKKGLSSSSSCYLEEALQRPVASDFEPQGLSEAARWNSKENLLAGPSENDPNLFVALYDFVASGDNTLSITKGEKLRVLGYNHNGEWCEAQTKNGQGW"
)
MUTANT = KINASE.replace("GLSSSSSCYLEEALQ", "GLSAAASCYLKKALQ").replace("NPNL", "NGNL")
OTHER = "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMNAW"


def finding(name: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"runa/{name}",
        "text": text,
        "run_id": "runa",
        "receptor": "abl.json",
        "target": "ABL1",
        "passed": True,
        "verdict": "pass",
        "desirability": 0.5,
        "scores": {"vina": -7.25, "qed": 0.6},
        "units": {"vina": "kcal/mol"},
        "calls": {"vina": "call1"},
        "reason": "",
        "sequence": KINASE,
        **more,
    }


FINDINGS = [
    finding("r1-0001", PARACETAMOL),
    finding("r1-0002", METHOXY, desirability=0.9, scores={"vina": -8.5}),
    finding("r1-0003", OCTANE, passed=False, verdict="fail", desirability=None, reason="pose: 3 clashes below 0.75"),
    finding(
        "r1-0004", "CCCCCCCCC", passed=False, verdict="fail", desirability=None, reason="pose: 4 clashes below 0.75"
    ),
    finding("r2-0001", "c1ccc2[nH]ccc2c1", receptor="lyz.json", target="lysozyme", sequence=OTHER, run_id="runb"),
]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    session = Session.open(Settings(home=tmp_path / "home", workers=1))
    Vectors(session.settings.vectors_path, session.ledger).add_results(FINDINGS)
    return session


def ask(session: Session, **args: Any) -> ActionResult:
    run_id = session.manager.start({"name": "ask"}, "action")
    session.ledger.put_thread("thread", "t")
    with session.manager.lease(run_id) as control:
        return execute(SEARCH_RESULTS, args, ActionContext(session, control, "thread", f"{run_id}.1"))


def test_by_molecule_with_likeness_and_calls(session: Session) -> None:
    result = ask(session, molecule="CC(=O)Nc1ccc(O)cc1", n=3)
    assert [item.value for item in result.items] == [PARACETAMOL, METHOXY]
    first = result.items[0]
    assert (first.numbers["vina"].value, first.numbers["vina"].unit, first.numbers["vina"].call_id) == (
        -7.25,
        "kcal/mol",
        "call1",
    )
    assert first.numbers["likeness"].value == 1.0
    assert result.citations[0].source == "runa"
    assert result.citations[0].locator == "candidate r1-0001"
    assert result.runs == ["runa"]
    assert "by the same molecule" in result.summary
    assert "pose: # clashes below # (2×)" in result.summary


def test_every_sentence_of_the_summary_is_cited(session: Session) -> None:
    result = ask(session, molecule=PARACETAMOL, n=3)
    citations = [citation.model_dump() for citation in result.citations]
    assert result.summary.startswith("Yes: 2 earlier results are alike, 2 of which passed [3]. Nearest, by the same ")
    assert unsupported_sentences(result.summary, citations) == []
    alike = ask(session, molecule="CCOc1ccc(NC(C)=O)cc1")
    assert "by a similar molecule (Tanimoto 0." in alike.summary
    assert unsupported_sentences(alike.summary, [citation.model_dump() for citation in alike.citations]) == []


def test_by_target_name_the_best_first(session: Session) -> None:
    result = ask(session, target="abl1", n=4)
    assert [item.value for item in result.items][:2] == [METHOXY, PARACETAMOL]
    assert {item.details["passed"] for item in result.items[2:]} == {False}
    assert "2 of which passed" in result.summary


def test_by_sequence_and_by_a_protein_of_the_conversation(session: Session) -> None:
    result = ask(session, target=MUTANT, n=2)
    assert result.items
    assert "identical" in result.items[0].details["why"]
    session.ledger.put_thread("thread", "t")
    (item,) = session.ledger.put_items("thread", "c", [{"kind": "protein", "value": OTHER, "name": "", "handle": ""}])
    by_handle = ask(session, target=item["handle"], n=1)
    assert by_handle.items[0].details["target"] == "lysozyme"
    assert by_handle.items[0].made_from == [item["handle"]]


def test_a_molecule_on_a_target_is_narrowed_to_it(session: Session) -> None:
    assert ask(session, molecule=PARACETAMOL, target="lysozyme").items == []
    assert len(ask(session, molecule=PARACETAMOL, target="ABL1").items) == 2


def test_by_words(session: Session) -> None:
    result = ask(session, query="what did we dock into lysozyme", n=1)
    assert result.items[0].details["target"] == "lysozyme"
    assert result.citations[-1].quote == "1 earlier result is alike, 1 of which passed; by the target lysozyme"
    assert ask(session, query="anything on ABL1?", n=2).items[0].value == METHOXY


def test_own_data_and_other_conversations_count(session: Session, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(f"smiles,IC50 (nM)\n{PARACETAMOL},12\n")
    ingest_paths(session, [tmp_path / "own.csv"])
    told = Document("compound", "pubchem 1", "PubChem", rows=(Row("PubChem compound 1", 1, PARACETAMOL),))
    store_document(session.ledger, told)  # no data of the user's
    session.ledger.put_thread("elsewhere", "t")
    made = {
        "kind": "molecule",
        "value": METHOXY,
        "name": "docked",
        "numbers": {"vina": {"value": -6.512345678, "unit": "kcal/mol"}, "strain": {"value": None, "unit": "kcal/mol"}},
    }
    session.ledger.put_items("elsewhere", "other.1", [made])
    result = ask(session, molecule=PARACETAMOL, n=2)
    kinds = [citation.kind for citation in result.citations]
    assert kinds == ["run", "run", "passage", "call", "call"]
    assert "12" in result.citations[2].quote
    assert result.citations[3].source == "other.1"
    assert result.citations[3].quote == f"{METHOXY}: vina -6.512 kcal/mol"


def test_nothing_like_it_is_said(session: Session) -> None:
    result = ask(session, molecule="FC(F)(F)S(=O)(=O)N1CCOCC1")
    assert (result.fault, result.items) == ("", [])
    assert result.summary.startswith("Nothing like FC(F)(F)")
    assert ask(session).fault == "input"
    assert ask(session, molecule="C1CC").fault == "input"
    assert "nothing in this conversation" in ask(session, molecule="M9").summary


def test_the_pieces(session: Session) -> None:
    vectors = Vectors(session.settings.vectors_path, session.ledger)
    assert [r.likeness for r in recall_molecule(vectors, PARACETAMOL, 5, at_least=0.9)] == [1.0]
    assert recall_protein(vectors, session.ledger, KINASE, 1)[0].finding["text"] == METHOXY
    assert recall_protein(vectors, session.ledger, "GSHMASMTGGQQMGRGSEFELRRQACGR", 3) == []
    assert sequence_identity("ACDEFGHIK", "ac deyghikU") == (pytest.approx(8 / 9), 9)
    assert related_identity(100) == pytest.approx(0.29, abs=0.005)  # 4.8 x 100^-0.6096
    with pytest.raises(InputError):
        sequence_identity("", "AC")
    undecided = finding("r1-0005", "CCC", passed=False, verdict="unknown", reason="docking ran out of time")
    assert failures([undecided], 1) == []
    assert sequence_identity("X" * 60, "X" * 60) == (0.0, 60)
    assert failures(FINDINGS, 1) == [{"reason": "pose: # clashes below #", "n": 2, "runs": ["runa"]}]
    assert state_finding(FINDINGS[2]) == (
        "CCCCCCCC on ABL1 did not pass (pose: 3 clashes below 0.75): qed 0.6, vina -7.25 kcal/mol."
    )
