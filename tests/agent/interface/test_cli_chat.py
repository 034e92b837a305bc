"""`organon chat` with a scripted language model behind a real socket."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from agent.interface.cli_chat import progress_line
from tests.agent.openai_protocol import Reply, Scripted

Organon = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("small_actions")


@pytest.fixture(autouse=True)
def _uses_the_scripted_model(monkeypatch: pytest.MonkeyPatch, language_model: Scripted) -> None:
    monkeypatch.setenv("ORGANON_LLM", "openai:scripted")
    monkeypatch.setenv("ORGANON_LLM_BASE_URL", language_model.address)
    monkeypatch.setenv("ORGANON_WORKERS", "1")
    language_model.scripts["ethanol"] = [
        Reply("", (("weigh", {"molecules": ["CCO"]}),)),
        Reply("M1 weighs 46.07 g/mol."),
        Reply("Yes."),
    ]
    language_model.scripts["screen"] = [Reply("", (("start_screen", {"hours": 99}),)), Reply("So be it.")]


def test_one_turn(organon: Organon) -> None:
    done = organon("chat", "-m", "weigh ethanol")
    assert (done.code, done.out) == (0, "M1 weighs 46.07 g/mol.\n")
    assert '→ weigh molecules=["CCO"]' in done.err
    assert "1 weighed." in done.err


def test_one_turn_as_json_and_the_next_in_the_same_conversation(organon: Organon) -> None:
    done = organon("chat", "-m", "weigh ethanol", "--json")
    (document,) = done.rows
    assert (document["state"], document["answer"]) == ("done", "M1 weighs 46.07 g/mol.")
    assert document["tool_calls"][0]["action"] == "weigh"
    again = organon("chat", "-m", "is that right?", "--thread", document["thread_id"])
    assert again.out == "Yes.\n"


def test_dry_run_shows_the_plan_and_runs_nothing(organon: Organon, language_model: Scripted) -> None:
    done = organon("chat", "--dry-run", "-m", "weigh ethanol", "--json")
    assert done.rows == [{"tool_calls": [{"name": "weigh", "args": {"molecules": ["CCO"]}}], "question": None}]
    assert len(language_model.asked) == 1
    language_model.scripts["dock"] = [Reply("Which target?")]
    done = organon("chat", "--dry-run", "-m", "dock it", "--json")
    assert done.rows == [{"tool_calls": [], "question": "Which target?"}]
    language_model.scripts["ethanol"] = [Reply("", (("weigh", {"molecules": ["CCO"]}),))]
    assert organon("chat", "--dry-run", "-m", "weigh ethanol").out == '1. weigh molecules=["CCO"]\n'
    language_model.scripts["hello"] = [Reply("Good morning.")]
    done = organon("chat", "--dry-run", "-m", "hello", "--file", "series.smi", "--json")
    assert done.rows == [{"tool_calls": [], "question": None, "answer": "Good morning."}]
    assert "[attached F1: series.smi]" in str(language_model.asked[-1]["messages"][-1])


def test_nobody_to_ask_is_a_refusal(organon: Organon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    done = organon("chat", "-m", "screen it", "--json")
    assert done.rows[0]["tool_calls"][0]["fault"] == "refused"
    assert "estimated to take 5940 min" in done.err


def test_yes_approves(organon: Organon) -> None:
    done = organon("chat", "-m", "screen it", "--json", "--yes")
    assert done.rows[0]["tool_calls"][0]["fault"] == ""


def test_a_conversation_at_the_terminal(organon: Organon, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "note.txt").write_text("a note\n")
    lines = ["/help", "weigh ethanol", "/threads", f"/file {tmp_path / 'note.txt'}", "and this?", "/nonsense", "/quit"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    done = organon("chat")
    assert done.code == 0
    assert done.out == "M1 weighs 46.07 g/mol.\nYes.\n"
    assert "weigh ethanol  (1 runs)" in done.err
    assert "F1: note.txt" in done.err


ANTHROPIC_WANTS = "ANTHROPIC_API_KEY" if find_spec("langchain_anthropic") else "pip install langchain-anthropic"


@pytest.mark.parametrize(
    ("variables", "args", "words"),
    [
        ({}, ("--thread", "nothere", "-m", "hi"), ["no conversation 'nothere'"]),
        ({}, ("--json",), ["-m TEXT"]),
        ({}, ("-m", " "), ["the message is empty"]),
        ({}, ("-m", "look", "--file", "missing.pdb"), ["cannot read missing.pdb"]),
        ({"ORGANON_LLM": "groq:some", "ORGANON_LLM_BASE_URL": None}, ("-m", "hi"), ["pip install langchain-groq"]),
        ({"ORGANON_LLM": "gibberish", "ORGANON_LLM_BASE_URL": None}, ("-m", "hi"), ["PROVIDER:MODEL"]),
        ({"ORGANON_LLM": "nobody:x", "ORGANON_LLM_BASE_URL": None}, ("-m", "hi"), ["nobody"]),
        ({"ORGANON_LLM": "local:missing"}, ("-m", "hi"), ["no transformers checkpoint"]),
        ({"ORGANON_LLM_BASE_URL": None}, ("-m", "hi"), ["ORGANON_LLM_API_KEY", "OPENAI_API_KEY"]),
        ({"ORGANON_LLM": "anthropic:x", "ORGANON_LLM_BASE_URL": None}, ("-m", "hi"), [ANTHROPIC_WANTS]),
    ],
)
def test_bad_input_is_one_line(
    organon: Organon, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None], args: Any, words: list[str]
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    organon("chat", *args).assert_bad_input(*words)


def test_a_file_that_is_not_read_is_one_line(organon: Organon, tmp_path: Any) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04\0\0")
    organon("chat", "-m", "look", "--file", tmp_path / "x.zip").assert_bad_input(
        "x.zip", "neither a PDF nor UTF-8 text"
    )


def test_a_model_that_does_not_answer_is_exit_code_1(organon: Organon, language_model: Scripted) -> None:
    language_model.scripts["hello"] = [Reply("no such model", status=404)]
    done = organon("chat", "-m", "hello", "--json")
    assert done.code == 1
    assert json.loads(done.out)["state"] == "failed"
    assert "did not answer" in done.err
    assert "no such model" in done.err


def test_doctor_talks_to_the_model(organon: Organon, language_model: Scripted) -> None:
    mass = ("record_mass", {"value": 3.5, "unit": "kg", "labels": ["sample", "dry"]})
    language_model.scripts["ready"] = [Reply("ready")]
    language_model.scripts["Record"] = [Reply("", (mass,)), Reply("Recorded."), Reply("Not obeyed.")]
    done = organon("doctor", "--llm", "--json")
    found = {finding["name"]: finding["works"] for finding in json.loads(done.out)}
    assert done.code == 0
    assert list(found) == ["llm", "context", "answers", "calls tools", "right JSON", "stops", "quotes"]


def test_a_step_is_told_in_one_line_and_a_fault_in_full() -> None:
    said = "five molecules were found " * 20
    result = {"fault": "", "seconds": 2.0, "summary": said}
    line = progress_line("tool_result", {"result": result})
    assert line.startswith("  ✓ 2.0 s: five molecules")
    assert len(line) < 180
    assert said in progress_line("tool_result", {"result": {**result, "fault": "input"}})
