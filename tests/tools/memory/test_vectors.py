"""The vector index on disk: complete, exact where promised, one process at a time, and never the only copy."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputError, UnavailableError
from tools.memory.ledger import Ledger
from tools.memory.vectors import Vectors, describe

ROOT = Path(__file__).resolve().parents[3]
HOLDER = """
import sys
from pathlib import Path
from tools.memory.ledger import Ledger
from tools.memory.vectors import Vectors
root = Path(sys.argv[1])
vectors = Vectors(root / "vectors", Ledger(root / "ledger.sqlite"))
finding = {"id": "other/c1", "text": "c1ccncc1", "run_id": "other", "receptor": "R1", "passed": True}
vectors.add_results([{**finding, "desirability": 0.9}])
with vectors._open():
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def vectors(tmp_path: Path) -> Vectors:
    return Vectors(tmp_path / "vectors", Ledger(tmp_path / "ledger.sqlite"), lock_timeout_seconds=0.3)


def finding(number: int, text: str, receptor: str = "R1", **more: Any) -> dict[str, Any]:
    return {
        "id": f"run/c{number}",
        "text": text,
        "run_id": "run",
        "receptor": receptor,
        "target": "ABL1",
        "passed": True,
        "desirability": number / 10,
        "scores": {"vina": -8.25, "qed": 0.5},
        "reason": "",
        **more,
    }


ROWS = [
    finding(1, "CCO"),
    finding(2, "CCCO", passed=False, reason="strained pose"),
    finding(3, "Cc1ccccc1"),
    finding(4, "CCO", receptor="R2"),
    finding(5, "Clc1ccccc1", desirability=None),
    finding(6, "<protein> MKV", receptor="R3", target="lysozyme", scores={}),
    finding(7, "CCO", desirability=0.05),
]


def test_everything_stored_is_held_and_storing_again_changes_nothing(vectors: Vectors) -> None:
    assert vectors.add_results([]) == 0
    assert vectors.similar("CCO") == vectors.search("x") == []
    assert vectors.add_results(ROWS) == len(ROWS)
    assert vectors.add_results(ROWS[:3]) == 3
    assert vectors.count() == len(ROWS)
    assert Vectors(vectors.root, vectors._ledger).count() == len(ROWS)


def test_similar_molecules_come_first_and_texts_are_no_molecules(vectors: Vectors) -> None:
    vectors.add_results(ROWS)
    near = vectors.similar("OCC", k=20)
    assert {n.finding["id"] for n in near} == {row["id"] for row in ROWS if row["text"][0] != "<"}
    assert {n.finding["text"] for n in near[:3]} == {"CCO"}
    assert near[0].similarity == pytest.approx(1.0, abs=1e-5)
    assert near[3].finding["text"] == "CCCO"
    assert [n.similarity for n in near] == sorted((n.similarity for n in near), reverse=True)
    assert near[0].finding in ROWS
    assert vectors.similar("Clc1ccccc1Cl", k=1)[0].finding["text"] == "Clc1ccccc1"
    with pytest.raises(InputError, match="does not parse"):
        vectors.similar("C1CC")
    with pytest.raises(InputError, match="k is 0"):
        vectors.similar("CCO", k=0)


def test_words_find_findings(vectors: Vectors) -> None:
    vectors.add_results(ROWS)
    assert vectors.search("lysozyme", k=1)[0].finding["id"] == "run/c6"
    assert vectors.search("strained poses", k=1)[0].finding["id"] == "run/c2"
    assert describe(ROWS[1]) == "CCCO | ABL1 | failed | strained pose | qed 0.5, vina -8.25 | run"


def test_best_on_receptor_is_exact_with_and_without_the_index(vectors: Vectors) -> None:
    vectors.add_results(ROWS)
    expected = ["run/c3", "run/c1", "run/c5"]
    assert [f["id"] for f in vectors.best_on_receptor("R1", 10)] == expected
    assert [f["id"] for f in vectors.best_on_receptor("R1", 2)] == expected[:2]
    assert vectors.best_on_receptor("R9", 10) == []
    holder = Vectors(vectors.root, vectors._ledger)
    with holder._open():
        assert [f["id"] for f in vectors.best_on_receptor("R1", 10)] == expected
        with pytest.raises(UnavailableError, match="in use by another process"):
            vectors.similar("CCO")


def test_a_corrected_finding_replaces_the_old_one(vectors: Vectors) -> None:
    vectors.add_results(ROWS)
    vectors.add_results([finding(3, "Cc1ccccc1", passed=False, reason="no pose")])
    assert vectors.count() == len(ROWS)
    assert [f["id"] for f in vectors.best_on_receptor("R1", 10)] == ["run/c1", "run/c5"]
    assert vectors.search("no pose", k=1)[0].finding["id"] == "run/c3"


@pytest.mark.parametrize("damage", ["lost", "garbage"])
def test_rebuilt_from_the_ledger_it_answers_the_same(vectors: Vectors, damage: str) -> None:
    vectors.add_results(ROWS)
    before = vectors.similar("CCCCO", k=6)
    if damage == "garbage":
        for path in vectors.root.rglob("*"):
            if path.is_file():
                path.write_bytes(b"garbage" * 999)
        with pytest.raises(UnavailableError, match="made again"):
            vectors.similar("CCO")
        assert vectors.add_results([finding(9, "CCN")]) == 0
        assert vectors.best_on_receptor("R1", 1)[0]["id"] == "run/c9"
        assert vectors.rebuild() == len(ROWS) + 1
        assert vectors.similar("CCN", k=1)[0].finding["id"] == "run/c9"
    else:
        assert vectors.rebuild() == len(ROWS)
        assert vectors.similar("CCCCO", k=6) == before


def test_busy_index_loses_nothing_and_a_killed_holder_frees_it(vectors: Vectors) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(vectors.root.parent)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    assert vectors.add_results(ROWS) == 0
    assert vectors.best_on_receptor("R1", 1)[0]["id"] == "other/c1"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    assert vectors.count() == len(ROWS) + 1
    assert vectors.similar("c1ccncc1", k=1)[0].finding["id"] == "other/c1"


def test_more_findings_than_one_batch(vectors: Vectors) -> None:
    many = [finding(n, "C" * (n % 40 + 1) + "O") for n in range(300)]
    assert vectors.add_results(many) == 300
    assert vectors.count() == 300
    assert vectors.best_on_receptor("R1", 1)[0]["id"] == "run/c299"


def test_a_finding_must_name_itself(vectors: Vectors) -> None:
    with pytest.raises(InputError, match="needs text under text"):
        vectors.add_results([{"id": "a", "run_id": "r"}])
    assert vectors.count() == 0
