"""The run manager: states, log, requests from other processes, and a real SIGKILL in the middle of a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.interface.schemas import Event
from agent.runs import ALLOWED, RunControl, RunManager, new_run_id
from tools.errors import InputError, StopError
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGN = {"name": "abl-ligands", "rounds": 3, "seed": 7}
CHILD = """
import sys, time
from pathlib import Path
from agent.runs import RunManager
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger
from tools.types import Candidate, CheckResult, Verdict

home, run_id, pause = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
ledger = Ledger(home / "ledger.sqlite")
manager = RunManager(ledger, Artifacts(home / "artifacts"), home)

def work(control):
    control.emit("run_started", {"seed": 7}, once="run_started")
    for round_number in range(1, 6):
        if not ledger.candidates(run_id, round_number):
            texts = [f"{round_number}{i}" for i in range(4)]
            made = [Candidate("c" + text, text, round_number, i, "model") for i, text in enumerate(texts)]
            ledger.put_candidates(run_id, round_number, made)
        for candidate in ledger.candidates(run_id, round_number):
            key = ledger.call_key("square", "1", {"text": candidate.text})
            result = ledger.get_call(key)
            if result is None:
                time.sleep(pause)
                with open(control.run_dir / "executed", "a") as log:
                    log.write(candidate.text + "\\n")
                value = float(candidate.text) ** 2
                result = CheckResult("square", Verdict.PASS, value, tool="square", version="1")
                ledger.put_call(key, {"text": candidate.text}, result)
                result = ledger.get_call(key)
            ledger.put_results(run_id, candidate.candidate_id, [result])
            name = candidate.candidate_id
            control.emit("check_finished", {"candidate": name}, once=f"check {name}")
        control.emit("round_finished", {"round": round_number}, once=f"round {round_number}")
    table = {c: [r.value for r in results] for c, results in ledger.results(run_id).items()}
    return {"table": table}

manager.execute(run_id, work)
"""


@pytest.fixture
def manager(tmp_path: Path) -> RunManager:
    return RunManager(Ledger(tmp_path / "ledger.sqlite"), Artifacts(tmp_path / "artifacts"), tmp_path)


def spawn(manager: RunManager, run_id: str, pause: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(manager.home), run_id, str(pause)], cwd=ROOT)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.005)


def in_thread(
    manager: RunManager, run_id: str, work: Callable[[RunControl], Mapping[str, Any] | None]
) -> threading.Thread:
    thread = threading.Thread(target=manager.execute, args=(run_id, work))
    thread.start()
    return thread


def test_run_ids_are_short_unique_and_sort_by_time() -> None:
    ids = []
    for _ in range(20):
        ids.append(new_run_id())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert len({new_run_id() for _ in range(200)}) >= 195
    assert {len(i) for i in ids} == {12}


def test_a_run_from_start_to_result(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)
    record = manager.get(run_id)
    assert (record.state, record.name, record.kind, record.seed) == ("queued", "abl-ligands", "campaign", 7)
    assert manager.resumable(run_id)

    def work(control: RunControl) -> dict[str, Any]:
        assert manager.get(run_id).state == "running"
        assert not manager.resumable(run_id)
        event = control.emit("run_started", {"seed": 7}, once="run_started")
        assert control.emit("run_started", {"seed": 8}, once="run_started") == event
        (control.run_dir / "report.html").write_text("<p>")
        return {"candidates": []}

    record = manager.execute(run_id, work)
    assert (record.state, record.result) == ("done", {"candidates": []})
    assert (manager.home / "runs" / run_id / "report.html").is_file()
    assert not manager.resumable(run_id)
    events = list(manager.tail(run_id))
    assert [(e.seq, e.type) for e in events] == [(1, "run_started"), (2, "run_finished")]
    assert all(isinstance(e, Event) and e.time.tzinfo is not None for e in events)
    assert events[1].payload == {"state": "done", "message": ""}
    assert list(manager.tail(run_id, after=1)) == events[1:]
    with pytest.raises(InputError, match="is done"):
        manager.execute(run_id, work)
    with pytest.raises(InputError, match="nothing to stop"):
        manager.request_stop(run_id)
    assert [r.run_id for r in manager.list("done")] == [run_id]


def test_faults_are_recorded_raised_and_the_run_can_be_taken_up_again(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)

    def fail(control: RunControl) -> None:
        raise ZeroDivisionError("no bins")

    with pytest.raises(ZeroDivisionError):
        manager.execute(run_id, fail)
    assert manager.get(run_id).state == "failed"
    assert manager.resumable(run_id)
    assert list(manager.tail(run_id))[-1].payload == {
        "state": "failed",
        "message": "ZeroDivisionError: no bins",
    }

    def spent(control: RunControl) -> None:
        raise StopError("budget spent")

    with pytest.raises(StopError):
        manager.execute(run_id, spent)
    assert manager.get(run_id).state == "stopped"

    def interrupt(control: RunControl) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        manager.execute(run_id, interrupt)
    assert manager.get(run_id).state == "stopped"
    assert manager.execute(run_id, lambda control: {"x": 1}).state == "done"


def test_unknown_event_type_and_foreign_ids_are_refused(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)
    with manager.lease(run_id) as control:
        with pytest.raises(ValueError, match="type"):
            control.emit("run_exploded", {})
        with pytest.raises(StopError, match=f"process {os.getpid()}"), manager.lease(run_id):
            pass
    assert manager.ledger.events(run_id) == []
    for bad in ("../x", "", "a/b", "."):
        with pytest.raises(InputError, match="not a run id"):
            manager.run_dir(bad)
    with pytest.raises(InputError, match="no run"):
        manager.request_stop("0" * 12)


def test_every_state_has_its_followers_and_the_ledger_keeps_to_them(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)
    assert set(ALLOWED) == {"queued", "running", "paused", "waiting_approval", "done", "failed", "stopped"}
    manager.ledger.set_state(run_id, "failed")
    with pytest.raises(InputError, match="only a queued or running run"):
        manager.request_pause(run_id)
    with pytest.raises(InputError, match="failed: it cannot become paused"):
        manager.ledger.set_state(run_id, "paused", [s for s, after in ALLOWED.items() if "paused" in after])


def test_stop_from_elsewhere_ends_the_run_and_resuming_forgets_it(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)

    def work(control: RunControl) -> None:
        control.emit("run_started", {}, once="run_started")
        until(control.should_stop)

    thread = in_thread(manager, run_id, work)
    until(lambda: bool(manager.ledger.events(run_id)))
    elsewhere = RunManager(Ledger(manager.ledger.path), manager.artifacts, manager.home)
    elsewhere.request_stop(run_id)
    thread.join(60)
    assert manager.get(run_id).state == "stopped"

    def again(control: RunControl) -> dict[str, Any]:
        assert not control.should_stop()
        return {}

    assert manager.execute(run_id, again).state == "done"


def test_stop_of_a_queued_run_is_at_once(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)
    manager.request_stop(run_id)
    assert manager.get(run_id).state == "stopped"
    assert list(manager.tail(run_id)) == []


def test_pause_and_resume(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)

    def work(control: RunControl) -> None:
        until(control.should_pause)
        control.wait_while_paused()
        control.emit("message", {"text": "went on"})
        assert not control.should_pause()

    thread = in_thread(manager, run_id, work)
    until(lambda: manager.get(run_id).state == "running")
    manager.request_pause(run_id)
    until(lambda: manager.get(run_id).state == "paused")
    assert not manager.resumable(run_id)
    assert manager.ledger.events(run_id) == []
    assert manager.request_resume(run_id)
    thread.join(60)
    assert manager.get(run_id).state == "done"
    assert [e.type for e in manager.tail(run_id)] == ["message", "run_finished"]
    assert not any(r.action in ("pause", "resume") for r in manager.ledger.open_requests(run_id))


def test_a_pause_that_was_taken_back_before_the_run_began_does_not_hold_it(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)
    manager.request_pause(run_id)
    assert not manager.request_resume(run_id)
    manager.execute(run_id, lambda control: control.wait_while_paused())
    assert manager.get(run_id).state == "done"


def test_a_paused_run_can_be_stopped_and_an_idle_one_says_so(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)
    assert not manager.request_resume(run_id)
    manager.request_pause(run_id)
    thread = in_thread(manager, run_id, lambda control: control.wait_while_paused())
    until(lambda: manager.get(run_id).state == "paused")
    manager.request_stop(run_id)
    thread.join(60)
    assert manager.get(run_id).state == "stopped"


def test_approval_waits_for_its_own_answer_and_survives_a_restart(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)
    answers: list[dict[str, Any] | None] = []

    def work(control: RunControl) -> None:
        answers.append(control.wait_for_approval("long-md", {"cost_minutes": 90}))

    thread = in_thread(manager, run_id, work)
    until(lambda: manager.get(run_id).state == "waiting_approval")
    manager.approve(run_id, "another", {"approved": False})
    time.sleep(0.3)
    assert manager.get(run_id).state == "waiting_approval"
    manager.approve(run_id, "long-md", {"approved": True, "minutes": 30})
    thread.join(60)
    manager.ledger.set_state(run_id, "stopped")
    manager.execute(run_id, work)
    assert answers == [{"key": "long-md", "approved": True, "minutes": 30}] * 2
    assert [e.type for e in manager.tail(run_id)].count("approval_requested") == 1


def test_tail_follows_a_run_while_it_happens(manager: RunManager) -> None:
    run_id = manager.start(CAMPAIGN)
    seen: list[int] = []
    follower = threading.Thread(target=lambda: seen.extend(e.seq for e in manager.tail(run_id)))
    follower.start()

    def work(control: RunControl) -> None:
        for number in range(6):
            control.emit("message", {"number": number})
            time.sleep(0.1)

    manager.execute(run_id, work)
    follower.join(60)
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_who_leaves_is_given_what_the_log_holds_by_then(manager: RunManager) -> None:
    run_id, left, seen = manager.start(CAMPAIGN), threading.Event(), []
    with manager.lease(run_id) as control:
        control.emit("message", {"number": 1})
        for event in manager.tail(run_id, should_leave=left.is_set):
            seen.append(event.payload["number"])
            if not left.is_set():
                control.emit("message", {"number": 2})
                left.set()
    assert seen == [1, 2]


def test_who_loses_the_lease_stops_and_says_nothing_more(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    manager = RunManager(ledger, Artifacts(tmp_path / "a"), tmp_path, expires_seconds=0.6)
    run_id = manager.start(CAMPAIGN)

    def work(control: RunControl) -> None:
        ledger.release_lease(control._lease)
        ledger.acquire_lease(run_id)
        until(control.should_stop)

    with pytest.raises(StopError, match="no longer"):
        manager.execute(run_id, work)
    assert ledger.events(run_id) == []
    assert ledger.lease_lives(run_id)


def test_heartbeat_keeps_a_long_step_alive(tmp_path: Path) -> None:
    manager = RunManager(Ledger(tmp_path / "ledger.sqlite"), Artifacts(tmp_path / "a"), tmp_path, expires_seconds=1.5)
    run_id = manager.start(CAMPAIGN)
    with manager.lease(run_id):
        for _ in range(8):
            time.sleep(0.25)
            assert not manager.resumable(run_id)
    assert manager.resumable(run_id)


def test_sigkill_at_several_moments_then_resume_gives_the_same_table(manager: RunManager) -> None:
    undisturbed = manager.start(CAMPAIGN)
    assert spawn(manager, undisturbed, 0.0).wait(120) == 0
    expected = manager.get(undisturbed)
    assert expected.state == "done"

    other = RunManager(
        Ledger(manager.home / "b" / "ledger.sqlite"),
        Artifacts(manager.home / "b" / "artifacts"),
        manager.home / "b",
    )
    run_id = other.start(CAMPAIGN)
    for kill_at in (1, 4, 9, 13):
        child = spawn(other, run_id, 0.02)
        until(lambda n=kill_at: len(other.ledger.events(run_id)) >= n)  # type: ignore[misc]
        assert not other.resumable(run_id)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert other.get(run_id).state == "running"
        assert other.resumable(run_id)
        assert list(other.tail(run_id))[-1].type != "run_finished"
    assert spawn(other, run_id, 0.0).wait(120) == 0

    record = other.get(run_id)
    assert (record.state, record.result) == ("done", expected.result)
    log = [(e.seq, e.type, e.payload) for e in other.tail(run_id)]
    assert log == [(e.seq, e.type, e.payload) for e in manager.tail(undisturbed)]
    executed = (other.run_dir(run_id) / "executed").read_text().split()
    assert len(set(executed)) == 20
    assert len(executed) <= 20 + 4
