"""Turns of a conversation, driven by a scripted language model over a real socket."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from langsmith.utils import get_env_var

from agent.chat.conversation import open_turn
from agent.chat.front_end import DEFAULT_CONTEXT_TOKENS, context_tokens, open_front_end
from agent.session import Session
from tests.agent.openai_protocol import Reply, Scripted
from tools.errors import UnavailableError

Open = Callable[..., Session]
ETHANOL = 46.07  # g/mol: C2H6O, IUPAC 2021 standard atomic weights


def say(session: Session, text: str, thread_id: str | None = None) -> dict[str, Any]:
    """One turn to its end: its result document."""
    _, run_id = open_turn(session, thread_id, text)
    return dict(session.execute(run_id).result or {})


def events(session: Session, run_id: str, kind: str) -> list[dict[str, Any]]:
    return [dict(event.payload) for event in session.ledger.events(run_id) if event.type == kind]


def last_run(session: Session) -> str:
    return session.manager.list()[0].run_id


def test_a_turn_calls_a_tool_and_answers_with_its_number(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["weigh"] = [
        Reply("I will weigh it. ", (("weigh", {"molecules": ["CCO"]}),)),
        Reply(f"M1 weighs {ETHANOL} g/mol."),
    ]
    result = say(session, "Please weigh ethanol")
    run_id = last_run(session)
    assert result["answer"] == f"M1 weighs {ETHANOL} g/mol."
    assert result["tool_calls"] == [
        {"call_id": f"{run_id}.1", "action": "weigh", "args": {"molecules": ["CCO"]}, "fault": ""}
    ]
    told = json.loads(language_model.tool_messages()[0])
    assert told["items"] == [
        {"handle": "M1", "kind": "molecule", "value": "CCO", "numbers": {"molecular_weight": f"{ETHANOL} g/mol"}}
    ]
    said = events(session, run_id, "message")
    assert [message["role"] for message in said] == ["user", "assistant"]
    pieces = "".join(piece["text"] for piece in events(session, run_id, "message_delta"))
    assert pieces == f"I will weigh it. M1 weighs {ETHANOL} g/mol."


def test_a_second_turn_knows_the_first(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["weigh"] = [
        Reply("", (("weigh", {"molecules": ["CCO"]}),)),
        Reply("Done."),
        Reply("", (("weigh", {"molecules": ["M1", "CO"]}),)),
        Reply("Done again."),
    ]
    thread_id = say(session, "Please weigh ethanol")["thread_id"]
    result = say(session, "and once more, with methanol", thread_id)
    assert result["answer"] == "Done again."
    assert [item["handle"] for item in session.ledger.items(thread_id)] == ["M1", "M2", "M3"]
    roles = [message["role"] for message in language_model.asked[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user", "assistant", "tool"]


def test_a_failing_tool_is_an_observation(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["query"] = [Reply("", (("break", {"query": "mars"}),)), Reply("That did not work.")]
    result = say(session, "query mars")
    assert result["tool_calls"][0]["fault"] == "error"
    assert "no route to mars" in language_model.tool_messages()[0]


def test_the_language_model_not_answering_is_one_line(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["hello"] = [Reply("bad key", status=401)]
    with pytest.raises(UnavailableError, match=r"openai:scripted did not answer: .*bad key"):
        say(session, "hello")
    run_id = last_run(session)
    assert session.ledger.get_run(run_id).state == "failed"
    language_model.scripts["hello"] = [Reply("Hello.")]
    assert session.execute(run_id).result["answer"] == "Hello."  # type: ignore[index]


def test_stop_in_the_middle_of_an_answer(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["story"] = [Reply("word " * 2000, piece_seconds=0.05)]
    _, run_id = open_turn(session, None, "a long story")
    thread = threading.Thread(target=session.execute, args=(run_id,))
    thread.start()
    until = time.monotonic() + 60
    while not events(session, run_id, "message_delta") and time.monotonic() < until:
        time.sleep(0.05)
    session.manager.request_stop(run_id)
    thread.join(60)
    assert not thread.is_alive()
    assert session.ledger.get_run(run_id).state == "stopped"


def test_a_conversation_keeps_its_last_state_only(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["weigh"] = [Reply("", (("weigh", {"molecules": ["CCO"]}),)), *[Reply("Yes.")] * 3]
    thread_id = say(session, "weigh ethanol")["thread_id"]
    other = say(session, "weigh nothing")["thread_id"]
    say(session, "sure?", thread_id)
    with sqlite3.connect(session.settings.checkpoints_path) as connection:
        rows = connection.execute("SELECT thread_id, count(*) FROM checkpoints GROUP BY thread_id").fetchall()
    connection.close()
    assert dict(rows) == {thread_id: 1, other: 1}
    assert len(language_model.asked[-1]["messages"]) == 6


def test_thoughts_of_a_served_model_are_not_its_answer(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["think"] = [Reply("<think>They want a word. I could say hello.</think>\n\nHello to you.")]
    assert say(session, "think, then greet")["answer"] == "Hello to you."
    pieces = events(session, last_run(session), "message_delta")
    assert "".join(piece["text"] for piece in pieces) == "Hello to you."


def test_a_turn_calls_its_language_model_and_nothing_else(
    open_assistant: Open, language_model: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the environment asks for tracing, and where keys of other providers lie about."""
    session = open_assistant(llm_context_tokens=8000)
    seen: list[object] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: object) -> None:
        seen.append(address)
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", watched)
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    for name in ("LANGSMITH_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "of somebody")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    get_env_var.cache_clear()  # what the environment said when it was first asked
    language_model.scripts["weigh"] = [Reply("", (("weigh", {"molecules": ["CCO"]}),)), Reply("Done.")]
    assert say(session, "weigh ethanol")["answer"] == "Done."
    time.sleep(1.0)
    get_env_var.cache_clear()
    port = int(language_model.address.split(":")[2].split("/")[0])
    assert {address[:2] for address in seen if isinstance(address, tuple)} == {("127.0.0.1", port)}
    assert set(language_model.keys) == {"Bearer none"}


def test_a_server_that_tells_its_context_later_is_heard(open_assistant: Open, language_model: Scripted) -> None:
    settings = open_assistant().settings
    model, language_model.context = open_front_end(settings), None
    assert context_tokens(model, settings) == DEFAULT_CONTEXT_TOKENS
    language_model.context = 9000
    assert context_tokens(model, settings) == 9000
