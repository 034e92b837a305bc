"""The cache of calls: one id for one call in any process, verdicts kept, faults never reused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.errors import InputError
from tools.memory.ledger import Ledger, call_key
from tools.types import CheckResult, Verdict

ROOT = Path(__file__).resolve().parents[3]
ARGS = {"smiles": "CCO", "box": [20.0, 20, 20.5], "seed": 7, "nested": {"b": None, "a": True}}
VINA = CheckResult(
    name="docking",
    verdict=Verdict.PASS,
    value=-8.3,
    unit="kcal/mol",
    threshold="<= -6",
    tool="vina",
    version="1.2.7",
    seconds=12.5,
    details={"pose": "abc.sdf", "scores": [-8.3, -0.1 - 0.2]},
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "home" / "ledger.sqlite")


def test_key_is_blind_to_order_and_spelling_and_sees_every_value() -> None:
    key = call_key("vina", "1.2.7", ARGS)
    reordered = {"nested": {"a": True, "b": None}, "seed": 7.0, "box": (20, 20.0, 20.5), "smiles": "CCO"}
    assert call_key("vina", "1.2.7", reordered) == key
    others = [
        call_key("vina", "1.2.8", ARGS),
        call_key("gnina", "1.2.7", ARGS),
        call_key("vina", "1.2.7", {**ARGS, "seed": 8}),
        call_key("vina", "1.2.7", {**ARGS, "seed": "7"}),
        call_key("vina", "1.2.7", {**ARGS, "seed": True}),
        call_key("vina", "1.2.7", {**ARGS, "box": [20, 20, 20.5000000001]}),
    ]
    assert len({key, *others}) == len(others) + 1


def test_key_is_the_same_in_another_process() -> None:
    code = f"from tools.memory.canonical import call_key; print(call_key('vina', '1.2.7', {ARGS!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == call_key("vina", "1.2.7", ARGS)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Path("x"), b"x", {1: 2}, object()])
def test_key_refuses_what_has_no_one_spelling(value: object) -> None:
    with pytest.raises(InputError, match="vina"):
        call_key("vina", "1", {"x": value})


def test_verdict_comes_back_whole_from_a_reopened_ledger(ledger: Ledger) -> None:
    key = ledger.call_key("vina", "1.2.7", ARGS)
    assert ledger.get_call(key) is None
    ledger.put_call(key, ARGS, VINA)
    ledger.close()
    held = Ledger(ledger.path).get_call(key)
    assert held is not None
    assert held.to_json() == {**VINA.to_json(), "call_id": key}
    assert ledger.get_args(key) == ARGS
    assert ledger.get_args("nothing") is None


def test_first_verdict_stays(ledger: Ledger) -> None:
    ledger.put_call("k", ARGS, VINA)
    ledger.put_call("k", ARGS, CheckResult("docking", Verdict.FAIL, reason="later"))
    held = ledger.get_call("k")
    assert held is not None
    assert held.verdict is Verdict.PASS
    assert ledger.count_calls() == ledger.count_calls("vina") == 1


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_scientific_verdict_is_cached(ledger: Ledger, verdict: Verdict) -> None:
    ledger.put_call("k", {}, CheckResult("c", verdict, reason="why"))
    held = ledger.get_call("k")
    assert held is not None
    assert held.verdict is verdict


def test_fault_is_written_down_and_never_answers(ledger: Ledger) -> None:
    ledger.put_fault("k", ARGS, "timeout", "no end after 3 s", 3.0)
    ledger.put_fault("k", ARGS, "crash", "signal 11", 0.5)
    ledger.put_fault("other", {}, "memory", "900 MB", 1.0)
    assert ledger.get_call("k") is None
    assert [(f.kind, f.message, f.seconds) for f in ledger.faults("k")] == [
        ("timeout", "no end after 3 s", 3.0),
        ("crash", "signal 11", 0.5),
    ]
    assert len(ledger.faults()) == 3
    assert ledger.faults("k")[0].args == ARGS


def test_a_batch_is_all_or_nothing(ledger: Ledger) -> None:
    many = [(f"k{i}", {"i": i}, VINA) for i in range(1200)]
    with pytest.raises(InputError, match="docking"):
        ledger.put_calls([*many, ("bad", {}, CheckResult("docking", Verdict.PASS, value=float("nan")))])
    assert ledger.count_calls() == 0
    ledger.put_calls(many)
    assert len(ledger.get_calls([f"k{i}" for i in range(1300)])) == 1200
    ledger.put_calls([])


@pytest.mark.parametrize(
    "content", [b"this is no database, whatever its name says" * 50, b"SQLite format 3\0" + b"\7" * 4000]
)
def test_corrupt_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable ledger") as caught:
        Ledger(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_home_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        Ledger(tmp_path / "file" / "ledger.sqlite")
    (tmp_path / "dir" / "ledger.sqlite").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be written"):
        Ledger(tmp_path / "dir" / "ledger.sqlite")


def test_ledger_of_the_future_is_refused(ledger: Ledger) -> None:
    import sqlite3

    with sqlite3.connect(ledger.path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(InputError, match="newer"):
        Ledger(ledger.path)
