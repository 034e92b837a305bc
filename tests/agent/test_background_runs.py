"""start_campaign where a server runs things: the action comes back at once, the service does the work."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from agent.actions import load_action
from agent.actions.action import ActionContext, execute
from agent.actions.child_run import child_id, execute_child
from agent.background import background_of
from agent.campaign_file import beside, parse_request, start_request
from agent.config import Settings
from agent.interface.schemas import ActionResult
from agent.runs import ENDED
from agent.service import RunService
from agent.session import Session

WORKFLOW = {
    "name": "inner",
    "stages": [
        {"id": "look", "do": "molecule_properties", "with": {"molecules": ["CCO"]}},
        {"id": "again", "do": "molecule_properties", "with": {"molecules": ["$look.1"]}},
    ],
}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    opened = Session.open(Settings(home=tmp_path, workers=1))
    opened.ledger.put_thread("t", "test")
    return opened


def start(session: Session) -> ActionResult:
    run_id = session.manager.start({"name": "turn"}, "action")
    with session.manager.lease(run_id) as control:
        context = ActionContext(session, control, "t", f"{run_id}.1")
        return execute(load_action("start_campaign"), {"campaign": WORKFLOW}, context)


def test_a_service_takes_up_the_run_and_the_action_does_not_wait(session: Session) -> None:
    service = RunService(session)
    service.start()
    try:
        result = start(session)
        assert "goes on in the background" in result.summary
        (run_id,) = result.runs
        until = time.monotonic() + 240
        while session.ledger.get_run(run_id).state not in ENDED and time.monotonic() < until:
            time.sleep(0.05)
        assert session.ledger.get_run(run_id).state == "done"
        made = [item["value"] for item in session.ledger.items("t", "molecule")]
        assert made == ["CCO", "CCO"]
    finally:
        service.close()
    assert background_of(session.settings.home) is None


def test_without_a_service_the_run_is_executed_in_place(session: Session) -> None:
    result = start(session)
    assert result.fault == ""
    (run_id,) = result.runs
    assert session.ledger.get_run(run_id).state == "done"
    assert "2 stages: 2 done" in result.summary


def test_rounds_that_ended_while_the_parent_was_gone_are_told_when_it_is_back(session: Session) -> None:
    run_id = session.manager.start({"name": "turn"}, "action")
    with session.manager.lease(run_id) as control:
        context = ActionContext(session, control, "t", f"{run_id}.1")
        child = session.manager.start({"name": "inner"}, "campaign", child_id(context))
        counts = {"round": 1, "generated": 8, "docked": 2, "passed": 1}
        session.manager.execute(child, lambda inner: inner.emit("round_finished", counts).payload)
        for _ in range(2):
            execute_child(child, "inner", context)
    steps = [e.payload["step"] for e in session.ledger.events(run_id) if e.type == "step_started"]
    assert steps == [f"run {child}: inner", "round 1: 8 made, 2 docked, 1 passed"]


def test_a_run_whose_executor_dies_is_executed_by_the_parent_that_waits_for_it(session: Session) -> None:
    run_id = session.manager.start({"name": "turn"}, "action")
    with session.manager.lease(run_id) as control:
        context = ActionContext(session, control, "t", f"{run_id}.1")
        child = start_request(session, parse_request(WORKFLOW, beside(Path("/"))), child_id(context))

        def execute_and_die() -> None:
            with session.manager.lease(child):
                time.sleep(1.0)

        other = threading.Thread(target=execute_and_die)
        other.start()
        while session.manager.resumable(child):
            time.sleep(0.01)
        execute_child(child, "inner", context)
        other.join()
    assert session.ledger.get_run(child).state == "done"
