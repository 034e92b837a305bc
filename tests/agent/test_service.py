"""Runs executed in the background: at once or in order, left and taken up, refused where they do not fit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agent.runs import new_run_id, run_id_for
from agent.service import RunService, _left_behind
from agent.session import Session
from tests.agent.openai_protocol import Reply, Scripted
from tools.errors import InputError

Open = Callable[..., Session]


@pytest.fixture
def service(open_assistant: Open) -> Iterator[RunService]:
    service = RunService(open_assistant(), heavy=1)
    service.start()
    yield service
    service.close()


def wait_for(session: Session, run_id: str, *states: str, seconds: float = 60.0) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = session.ledger.get_run(run_id).state
        if state in states:
            return state
        time.sleep(0.02)
    raise AssertionError(f"run {run_id} is {session.ledger.get_run(run_id).state}, not {states}")


def waiting(service: RunService, seconds: float, **more: Any) -> str:
    return service.submit("action", {"action": "wait", "args": {"seconds": seconds, **more}})


def test_an_action_is_executed(service: RunService) -> None:
    run_id = service.submit("action", {"action": "weigh", "args": {"molecules": ["CCO"]}})
    wait_for(service.session, run_id, "done")
    result = service.session.ledger.get_run(run_id).result
    assert result is not None
    assert result["items"][0]["numbers"]["molecular_weight"]["value"] == 46.07
    until = time.monotonic() + 60  # the state is written before the run's thread is done with it
    while service.active() and time.monotonic() < until:
        time.sleep(0.02)
    assert service.active() == ()


def test_what_its_kind_refuses_is_not_written_down(service: RunService) -> None:
    for kind, document, words in (
        ("action", {"action": "fly", "args": {}}, "unknown action"),
        ("action", {"action": "weigh", "args": {"mols": []}}, "there is no argument `mols`"),
        ("campaign", {"name": "x", "task": "ligand", "target": {}}, "bundled target"),
        ("chat", {"message": "  "}, "empty"),
        ("chat", {"message": "hi", "thread_id": "nothere"}, "no conversation"),
        ("dance", {}, "unknown kind"),
    ):
        with pytest.raises(InputError, match=words):
            service.submit(kind, document)
    assert service.session.manager.list() == []


def test_a_second_turn_is_refused_while_the_first_runs(service: RunService, language_model: Scripted) -> None:
    language_model.scripts["slow"] = [Reply("", (("wait", {"seconds": 1.0}),)), Reply("Done."), Reply("Yes.")]
    thread_id, run_id = service.start_turn(None, "slow please")
    with pytest.raises(InputError, match=f"run {run_id}"):
        service.start_turn(thread_id, "are you there?")
    wait_for(service.session, run_id, "done")
    _, second = service.start_turn(thread_id, "are you there?")
    wait_for(service.session, second, "done")


def test_two_conversations_at_once_do_not_mix(service: RunService, language_model: Scripted) -> None:
    for word, smiles in (("ethanol", "CCO"), ("propane", "CCC")):
        language_model.scripts[word] = [
            Reply("", (("wait", {"seconds": 0.5}),)),
            Reply("", (("weigh", {"molecules": [smiles]}),)),
            Reply(f"It is {word}."),
        ]
    first = service.start_turn(None, "about ethanol")
    second = service.start_turn(None, "about propane")
    assert {first[1], second[1]} <= set(service.active())
    for (thread_id, run_id), word, smiles in ((first, "ethanol", "CCO"), (second, "propane", "CCC")):
        wait_for(service.session, run_id, "done")
        assert service.session.ledger.get_run(run_id).result["answer"] == f"It is {word}."  # type: ignore[index]
        assert [item["value"] for item in service.session.ledger.items(thread_id)] == [smiles]


def test_closing_leaves_a_turn_where_it_stands_and_another_service_takes_it_up(
    open_assistant: Open, language_model: Scripted
) -> None:
    language_model.scripts["weigh"] = [
        Reply("", (("weigh", {"molecules": ["CCO"]}),)),
        Reply("", (("wait", {"seconds": 2.0}),)),
        Reply("Both done."),
    ]
    first = RunService(open_assistant())
    first.start()
    _, run_id = first.start_turn(None, "weigh, then wait")
    until = time.monotonic() + 60
    while len(language_model.asked) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.3)
    first.close()
    assert first.session.ledger.get_run(run_id).state == "running"
    assert first.session.manager.resumable(run_id)
    second = RunService(open_assistant())
    second.start()
    wait_for(second.session, run_id, "done")
    second.close()
    result = second.session.ledger.get_run(run_id).result
    assert result is not None
    assert [call["action"] for call in result["tool_calls"]] == ["weigh", "wait"]
    assert len(language_model.asked) == 3


def test_a_queued_run_that_was_stopped_is_not_executed(open_assistant: Open) -> None:
    session = open_assistant()
    service = RunService(session)
    run_id = session.manager.start({"name": "w", "action": "wait", "args": {"seconds": 0}}, "action", new_run_id())
    service._active[run_id] = "queued"
    session.manager.request_stop(run_id)
    service._execute(run_id)
    assert session.ledger.get_run(run_id).state == "stopped"


def test_a_run_that_an_unfinished_call_started_is_left_to_that_call(open_assistant: Open) -> None:
    session = open_assistant()
    session.ledger.put_thread("0123456789ab", "t")
    turn = session.manager.start({"name": "t", "message": "hi", "thread_id": "0123456789ab"}, "chat")
    runs = {}
    for name, call_id in (("under way", f"{turn}.1"), ("ended", f"{turn}.2"), ("never said", f"{turn}.3")):
        runs[name] = session.manager.start({"name": name}, "campaign", run_id_for(turn, call_id))
    for number in (1, 2):
        session.ledger.append_event(turn, "tool_call", {"call_id": f"{turn}.{number}", "action": "x", "args": {}})
    session.ledger.append_event(turn, "tool_result", {"call_id": f"{turn}.2", "result": {}})
    taken_up = {record.run_id for record in _left_behind(session)}
    assert taken_up == {turn, runs["ended"], runs["never said"]}


def test_a_turn_after_which_the_conversation_went_on_is_not_resumed(
    service: RunService, language_model: Scripted
) -> None:
    """Taken up again, it would give the later turn's answer as its own."""
    language_model.scripts["slow"] = [Reply("", (("wait", {"seconds": 60}),)), Reply("The later answer.")]
    thread_id, first = service.start_turn(None, "slow please")
    until = time.monotonic() + 60
    while len(language_model.asked) < 1 and time.monotonic() < until:
        time.sleep(0.02)
    service.session.manager.request_stop(first)
    wait_for(service.session, first, "stopped")
    _, second = service.start_turn(thread_id, "and now?")
    wait_for(service.session, second, "done")
    with pytest.raises(InputError, match=f"has gone on since .run {second}."):
        service.resume(first)
    with pytest.raises(InputError, match="has gone on since"):
        service.session.execute(first)
    result = service.session.ledger.get_run(first).result
    assert result is not None
    assert result["answer"] == "Stopped as asked."
