"""SIGKILL in the middle of a turn, at every kind of moment, and the turn ends as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.chat.conversation import open_turn
from agent.session import Session
from tests.agent.openai_protocol import Reply, Scripted
from tests.agent.test_assistant import events

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., Session]


@contextmanager
def server(session: Session, language_model: Scripted) -> Iterator[subprocess.Popen[str]]:
    """A process that executes this home's runs; killed at the end."""
    command = [sys.executable, "-m", "tests.agent.assistant_process", str(session.settings.home)]
    process = subprocess.Popen([*command, language_model.address], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "moment", ["while a tool runs", pytest.param("while the model speaks", marks=pytest.mark.slow)]
)
def test_killed_and_taken_up(open_assistant: Open, language_model: Scripted, tmp_path: Path, moment: str) -> None:
    session, log = open_assistant(), str(tmp_path / "executed")
    slow_answer = Reply("That is all there is to say about it.", piece_seconds=1.0 if "speaks" in moment else 0.0)
    language_model.scripts["wait"] = [
        Reply("", (("wait", {"seconds": 0, "log": log}),)),
        Reply("", (("wait", {"seconds": 3 if "tool" in moment else 0, "log": log}), ("weigh", {"molecules": ["CO"]}))),
        slow_answer,
        Reply(slow_answer.text),
    ]
    _, run_id = open_turn(session, None, "wait twice and weigh")
    with server(session, language_model):
        if "tool" in moment:
            until(lambda: len(events(session, run_id, "tool_call")) == 2)
            time.sleep(0.3)
        else:
            until(lambda: len(events(session, run_id, "message_delta")) >= 1)
    assert session.ledger.get_run(run_id).state == "running"
    with server(session, language_model):
        until(lambda: session.ledger.get_run(run_id).state == "done")
    result = dict(session.ledger.get_run(run_id).result or {})
    assert result["answer"] == slow_answer.text
    assert [(c["call_id"], c["action"]) for c in result["tool_calls"]] == [
        (f"{run_id}.1", "wait"),
        (f"{run_id}.2", "wait"),
        (f"{run_id}.3", "weigh"),
    ]
    begun = (tmp_path / "executed").read_text().split()
    interrupted = [f"{run_id}.2"] if "tool" in moment else []
    assert begun == [f"{run_id}.1", f"{run_id}.2", *interrupted]
    for kind, count in (("tool_call", 3), ("tool_result", 3), ("message", 2)):
        assert len(events(session, run_id, kind)) == count
    assert len(language_model.asked) == (3 if "tool" in moment else 4)


@pytest.mark.slow
def test_a_question_outlives_the_process_that_asked_it(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["screen"] = [Reply("", (("start_screen", {"hours": 99}),)), Reply("Screened.")]
    _, run_id = open_turn(session, None, "screen it")
    with server(session, language_model):
        until(lambda: session.ledger.get_run(run_id).state == "waiting_approval")
    session.manager.approve(run_id, f"{run_id}.1", {"approved": True})
    with server(session, language_model):
        until(lambda: session.ledger.get_run(run_id).state == "done")
    result = dict(session.ledger.get_run(run_id).result or {})
    assert (result["answer"], result["tool_calls"][0]["fault"]) == ("Screened.", "")
    assert len(events(session, run_id, "approval_requested")) == 1
    assert len(language_model.asked) == 2


@pytest.mark.slow
def test_a_paused_run_stays_paused_over_a_restart(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant()
    language_model.scripts["wait"] = [
        Reply("", (("wait", {"seconds": 1.0}),)),
        Reply("", (("weigh", {"molecules": ["CO"]}),)),
        Reply("Done."),
    ]
    _, run_id = open_turn(session, None, "wait, then weigh")
    with server(session, language_model):
        until(lambda: bool(events(session, run_id, "tool_call")))
        session.manager.request_pause(run_id)
        until(lambda: session.ledger.get_run(run_id).state == "paused")
    with server(session, language_model):
        time.sleep(0.7)
        assert session.ledger.get_run(run_id).state == "paused"
        assert session.manager.resumable(run_id)
    session.execute(run_id)
    assert session.ledger.get_run(run_id).state == "done"
