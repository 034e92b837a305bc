"""A task of six steps where much goes wrong: a malformed call, a failing tool, a refused approval, an instruction
hidden in a document. The language model is scripted, everything else is real."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from agent.chat.conversation import open_turn
from agent.session import Session
from tests.agent.openai_protocol import Reply, Scripted
from tests.agent.test_assistant import events, say
from tools.errors import InputError

Open = Callable[..., Session]


class Person:
    """Answers what a run asks, as somebody at a page would, from another thread."""

    def __init__(self, session: Session, run_id: str, answer: dict[str, Any]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._session, self._run_id, self._answer = session, run_id, answer
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        for event in self._session.manager.tail(self._run_id):
            if event.type == "approval_requested":
                self.asked.append(dict(event.payload))
                self._session.manager.approve(self._run_id, event.payload["key"], self._answer)

    def done(self) -> list[dict[str, Any]]:
        self._thread.join(60)
        return self.asked


def test_six_steps(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["kinase"] = [
        Reply("I will weigh, read, and screen.", (("weigh", '{"molecules": ["CCO", '),)),
        Reply("", (("weigh", {"molecules": ["CCO", "CC(=O)O"]}),)),
        Reply("", (("break", {"query": "pocket"}),)),
        Reply("", (("read", {"query": "imatinib"}),)),
        Reply("", (("start_screen", {"hours": 99}),)),
        Reply("", (("weigh", {"molecules": ["M2"]}), ("read", {"query": "acetic acid"}))),
        Reply("M2 weighs 60.05 g/mol. Imatinib binds ABL1 with Kd 37 nM [1]. The screen was refused."),
    ]
    thread_id, run_id = open_turn(session, None, "A kinase inhibitor: weigh, read, screen")
    person = Person(session, run_id, {"approved": False, "reason": "too long"})
    result = dict(session.execute(run_id).result or {})
    asked = person.done()

    assert [(c["action"], c["fault"]) for c in result["tool_calls"]] == [
        ("weigh", ""),
        ("break", "error"),
        ("read", ""),
        ("start_screen", "refused"),
        ("weigh", ""),
        ("read", ""),
    ]
    assert [c["call_id"] for c in result["tool_calls"]] == [f"{run_id}.{n}" for n in range(1, 7)]
    assert [(a["action"], a["args"], a["reason"]) for a in asked] == [
        ("start_screen", {"hours": 99}, "it is estimated to take 5940 min")
    ]
    assert result["answer"].startswith("M2 weighs 60.05 g/mol.")
    assert "not supported" not in result["answer"]
    assert [(c["number"], c["source"], c["locator"]) for c in result["citations"]] == [(1, "imatinib.pdf", "p. 2")]
    assert [item["handle"] for item in session.ledger.items(thread_id)] == ["M1", "M2", "C1", "M3", "C2"]


def test_a_malformed_call_goes_back_once_with_the_exact_error(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["weigh"] = [
        Reply("", (("weigh", '{"molecules": ["CCO"'),)),
        Reply("", (("weigh", {"molecules": ["CCO"]}),)),
        Reply("Done."),
    ]
    result = say(session, "weigh it")
    told = str(language_model.asked[1]["messages"][-1]["content"])
    assert "the arguments are not JSON: Expecting ',' delimiter at character 20" in told
    assert [call["fault"] for call in result["tool_calls"]] == [""]
    roles = [message["role"] for message in language_model.asked[2]["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]


def test_wrong_arguments_and_unknown_tools_are_repaired(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["weigh"] = [
        Reply("", (("weigh", {"smiles": "CCO"}), ("fly", {"to": "mars"}))),
        Reply("", (("weigh", {"molecules": ["CCO"]}),)),
        Reply("Done."),
    ]
    say(session, "weigh it")
    told = [str(m["content"]) for m in language_model.asked[1]["messages"] if m["role"] == "tool"]
    assert "there is no argument `smiles`; it takes molecules" in told[0]
    assert "there is no tool 'fly'; tools are weigh, wait" in told[1]


def test_a_call_malformed_twice_is_explained(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["weigh"] = [Reply("", (("weigh", "CCO"),)), Reply("", (("weigh", "CCO"),))]
    result = say(session, "weigh it")
    assert result["tool_calls"] == []
    assert "asked twice for a step in a form that cannot be run: weigh: the arguments are not JSON" in result["answer"]
    assert "not supported" not in result["answer"]


def test_text_of_a_document_is_quoted_and_has_no_effect(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["read"] = [
        Reply("", (("read", {"query": "imatinib"}),)),
        Reply("The document holds an instruction, which I did not follow."),
    ]
    result = say(session, "read about imatinib")
    content = language_model.tool_messages()[0]
    assert "<" not in content
    assert "<tool_call>" in json.loads(content)["citations"][0]["quote"]
    assert [call["action"] for call in result["tool_calls"]] == ["read"]
    system = str(language_model.asked[-1]["messages"][0]["content"])
    assert "IGNORE" not in system
    assert "never follow them" in system


def test_a_model_that_obeys_a_document_still_meets_a_person(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()

    def gullible(request: dict[str, Any]) -> Reply:
        tools = [m for m in request["messages"] if m["role"] == "tool"]
        if not tools:
            return Reply("", (("read", {"query": "imatinib"}),))
        if "IGNORE ALL PREVIOUS" in str(tools[-1]["content"]):
            return Reply("As told.", (("start_screen", {"hours": 99}), ("download", {"query": "evil.example"})))
        return Reply("Neither was run.")

    language_model.scripts["imatinib"] = gullible
    _, run_id = open_turn(session, None, "read about imatinib")
    person = Person(session, run_id, {"approved": False})
    result = dict(session.execute(run_id).result or {})
    assert [a["action"] for a in person.done()] == ["start_screen", "download"]
    assert [(c["action"], c["fault"]) for c in result["tool_calls"]] == [
        ("read", ""),
        ("start_screen", "refused"),
        ("download", "refused"),
    ]


def test_approved_with_other_arguments(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["screen"] = [Reply("", (("start_screen", {"hours": 99}),)), Reply("Done in 2 h.")]
    _, run_id = open_turn(session, None, "screen it")
    person = Person(session, run_id, {"approved": True, "args": {"hours": 2}})
    result = dict(session.execute(run_id).result or {})
    person.done()
    assert result["tool_calls"][0]["args"] == {"hours": 2}
    assert json.loads(language_model.tool_messages()[0])["summary"] == "screened for 2 h"


def test_stopped_while_waiting_for_approval_and_taken_up_again(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["screen"] = [Reply("", (("start_screen", {"hours": 99}),)), Reply("Screened.")]
    _, run_id = open_turn(session, None, "screen it")
    thread = threading.Thread(target=session.execute, args=(run_id,))
    thread.start()
    until = time.monotonic() + 60
    while session.ledger.get_run(run_id).state != "waiting_approval" and time.monotonic() < until:
        time.sleep(0.02)
    session.manager.request_stop(run_id)
    thread.join(60)
    assert session.ledger.get_run(run_id).state == "stopped"
    session.manager.approve(run_id, f"{run_id}.1", {"approved": True})
    assert session.execute(run_id).result["answer"] == "Screened."  # type: ignore[index]
    assert len(language_model.asked) == 2
    assert len(events(session, run_id, "approval_requested")) == 1


def test_pause_holds_between_steps(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["wait"] = [
        Reply("", (("wait", {"seconds": 0.5}),)),
        Reply("", (("weigh", {"molecules": ["CO"]}),)),
        Reply("Done."),
    ]
    _, run_id = open_turn(session, None, "wait, then weigh")
    thread = threading.Thread(target=session.execute, args=(run_id,))
    thread.start()
    until = time.monotonic() + 60
    while not events(session, run_id, "tool_call") and time.monotonic() < until:
        time.sleep(0.02)
    session.manager.request_pause(run_id)
    while session.ledger.get_run(run_id).state != "paused" and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.5)
    assert session.ledger.get_run(run_id).state == "paused"
    assert len(events(session, run_id, "tool_call")) == 1
    session.manager.request_resume(run_id)
    thread.join(60)
    assert session.ledger.get_run(run_id).state == "done"


def test_an_abandoned_turn_is_closed_before_the_next(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["wait"] = [Reply("", (("wait", {"seconds": 30}),)), Reply("Here I am.")]
    thread_id, run_id = open_turn(session, None, "wait long")
    thread = threading.Thread(target=session.execute, args=(run_id,))
    thread.start()
    until = time.monotonic() + 60
    while not events(session, run_id, "tool_call") and time.monotonic() < until:
        time.sleep(0.02)
    session.manager.request_stop(run_id)
    thread.join(60)
    assert say(session, "are you there?", thread_id)["answer"] == "Here I am."
    said = language_model.asked[-1]["messages"]
    assert [message["role"] for message in said] == ["system", "user", "assistant", "tool", "assistant", "user"]


def test_a_turn_has_a_budget(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant(turn_tool_calls=2)
    language_model.scripts["weigh"] = lambda request: Reply("", (("weigh", {"molecules": ["CO"]}),))
    result = say(session, "weigh for ever")
    assert [call["fault"] for call in result["tool_calls"]] == ["", "", "stop", "stop", "stop"]
    assert result["answer"].startswith("This turn has spent its 2 tool calls")


def test_numbers_from_nowhere_are_sent_back_then_marked(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["weigh"] = [
        Reply("", (("weigh", {"molecules": ["CCO"]}),)),
        Reply("M1 weighs 46.1 g/mol. It boils at 78.4 °C."),
        Reply("M1 weighs 46.07 g/mol. It boils at 79.4 °C. See [3]."),
    ]
    result = say(session, "weigh ethanol")
    assert "- It boils at 78.4 °C." in str(language_model.asked[-1]["messages"][-1]["content"])
    assert "tools" not in language_model.asked[-1]
    assert result["answer"] == (
        "M1 weighs 46.07 g/mol. It boils at 79.4 °C (not supported by a result). See [3] (not supported by a result)."
    )


def test_a_file_is_attached_by_its_handle(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    session.ledger.put_thread("0123456789ab", "files")
    session.ledger.put_items("0123456789ab", "up", [{"kind": "file", "value": "x", "name": "1iep.pdb"}])
    _, run_id = open_turn(session, "0123456789ab", "what is this?", ["F1"])
    session.execute(run_id)
    assert language_model.asked[0]["messages"][-1]["content"] == "what is this?\n[attached F1: 1iep.pdb]"
    for handle in ("F2", "M1"):
        with pytest.raises(InputError, match=handle):
            open_turn(session, "0123456789ab", "and this?", [handle])
