"""Runs, events, leases and requests, including what is left when the executing process is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.errors import InputError, StopError
from tools.memory.ledger import Ledger
from tools.memory.tables import RunRow

ROOT = Path(__file__).resolve().parents[3]
CHILD = """
import sys, time
from pathlib import Path
from tools.memory.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
lease = ledger.acquire_lease("r1")
number = 0
while True:
    number += 1
    ledger.append_event("r1", "step_finished", {"number": number}, once=f"step-{number}", lease=lease)
    ledger.heartbeat(lease)
    print(number, flush=True)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.create_run("r1", "abl-ligands", "campaign", {"rounds": 3, "target": {"pdb": "1iep.pdb"}}, seed=7)
    return ledger


def test_run_is_stored_and_listed_newest_first(ledger: Ledger) -> None:
    run = ledger.create_run("r2", "second", "chat", {}, seed=0)
    assert (run.state, run.result, run.lease_pid) == ("queued", None, None)
    assert [r.run_id for r in ledger.list_runs()] == ["r2", "r1"]
    assert [r.run_id for r in ledger.list_runs(limit=1)] == ["r2"]
    assert ledger.get_run("r1").campaign == {"rounds": 3, "target": {"pdb": "1iep.pdb"}}
    ledger.set_state("r1", "running", allowed_from=["queued"])
    assert [r.run_id for r in ledger.list_runs("running")] == ["r1"]
    ledger.put_result("r1", {"candidates": [1, 2]})
    assert ledger.get_run("r1").result == {"candidates": [1, 2]}


def test_wrong_requests_name_what_is_wrong(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="'r1' is already taken"):
        ledger.create_run("r1", "again", "campaign", {}, seed=7)
    with pytest.raises(InputError, match="r1 is queued: it cannot become paused"):
        ledger.set_state("r1", "paused", allowed_from=["running"])
    for call in (ledger.get_run, ledger.events, ledger.acquire_lease, ledger.lease_lives):
        with pytest.raises(InputError, match="no run 'r9'"):
            call("r9")
    with pytest.raises(InputError, match="no run 'r9'"):
        ledger.append_event("r9", "message", {})
    with pytest.raises(InputError, match="no run 'r9'"):
        ledger.put_request("r9", "stop")


def test_events_are_numbered_without_gaps_and_replayed_from_any_point(ledger: Ledger) -> None:
    ledger.create_run("r2", "other", "campaign", {}, seed=7)
    for number in range(5):
        assert ledger.append_event("r1", "step_finished", {"number": number}).seq == number + 1
    assert ledger.append_event("r2", "message", {}).seq == 1
    assert [e.seq for e in ledger.events("r1")] == [1, 2, 3, 4, 5]
    assert [(e.seq, e.payload) for e in ledger.events("r1", after=3)] == [
        (4, {"number": 3}),
        (5, {"number": 4}),
    ]
    assert ledger.events("r1", after=5) == []


def test_once_is_once_in_a_run(ledger: Ledger) -> None:
    ledger.create_run("r2", "other", "campaign", {}, seed=7)
    first = ledger.append_event("r1", "round_finished", {"round": 1}, once="round-1")
    again = ledger.append_event("r1", "round_finished", {"round": 1, "changed": True}, once="round-1")
    assert again == first
    assert ledger.append_event("r2", "round_finished", {}, once="round-1").seq == 1
    assert len(ledger.events("r1")) == 1


def test_threads_and_connections_leave_no_gap(ledger: Ledger) -> None:
    others = [Ledger(ledger.path) for _ in range(3)]

    def write(number: int) -> int:
        return others[number % 3].append_event("r1", "message", {"number": number}, once=f"k{number // 2}").seq

    with ThreadPoolExecutor(6) as pool:
        seqs = list(pool.map(write, range(120)))
    assert [e.seq for e in ledger.events("r1")] == list(range(1, 61))
    assert set(seqs) == set(range(1, 61))


def test_lease_excludes_until_released(ledger: Ledger) -> None:
    assert not ledger.lease_lives("r1")
    lease = ledger.acquire_lease("r1")
    assert ledger.lease_lives("r1")
    with pytest.raises(StopError, match=f"process {lease.pid}"):
        ledger.acquire_lease("r1")
    ledger.heartbeat(lease)
    ledger.release_lease(lease)
    assert not ledger.lease_lives("r1")
    assert ledger.acquire_lease("r1").token != lease.token


def test_slept_through_expiry_means_locked_out(ledger: Ledger) -> None:
    slow = ledger.acquire_lease("r1", expires_seconds=0.2)
    time.sleep(0.3)
    assert not ledger.lease_lives("r1", expires_seconds=0.2)
    fast = ledger.acquire_lease("r1", expires_seconds=0.2)
    with pytest.raises(StopError, match="no longer"):
        ledger.heartbeat(slow)
    with pytest.raises(StopError, match="no longer"):
        ledger.append_event("r1", "message", {}, lease=slow)
    ledger.release_lease(slow)
    ledger.append_event("r1", "message", {}, lease=fast)
    assert len(ledger.events("r1")) == 1


def test_pid_given_to_another_process_is_not_the_holder(ledger: Ledger) -> None:
    from sqlalchemy import update

    ledger.acquire_lease("r1")
    with ledger._writing() as connection:
        connection.execute(update(RunRow).values(lease_process_start=1.0))
    assert not ledger.lease_lives("r1")


def test_lease_of_another_host_lives_by_its_heartbeat_alone(ledger: Ledger) -> None:
    from sqlalchemy import update

    ledger.acquire_lease("r1")
    with ledger._writing() as connection:
        connection.execute(update(RunRow).values(lease_host="elsewhere.invalid", lease_pid=1, lease_process_start=0.0))
    assert ledger.lease_lives("r1")
    with ledger._writing() as connection:
        connection.execute(update(RunRow).values(lease_heartbeat=time.time() - 31))
    assert not ledger.lease_lives("r1")


def test_requests_wait_until_closed(ledger: Ledger) -> None:
    first = ledger.put_request("r1", "pause")
    ledger.put_request("r1", "approve", {"key": "long-md", "answer": "yes"})
    assert [(r.action, r.payload) for r in ledger.open_requests("r1")] == [
        ("pause", {}),
        ("approve", {"key": "long-md", "answer": "yes"}),
    ]
    ledger.close_requests([first])
    assert [r.action for r in ledger.open_requests("r1")] == ["approve"]


@pytest.mark.parametrize("steps_before_the_kill", [1, 7, 40])
def test_sigkill_leaves_a_whole_log_and_a_free_lease(ledger: Ledger, steps_before_the_kill: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(ledger.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = 0
    while said < steps_before_the_kill:
        said = int(child.stdout.readline())
    assert ledger.lease_lives("r1")
    with pytest.raises(StopError, match=f"process {child.pid}"):
        ledger.acquire_lease("r1")
    child.send_signal(signal.SIGKILL)
    said = int((["0", *child.stdout.read().split()])[-1]) or said
    child.wait()
    child.stdout.close()

    events = ledger.events("r1")
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert len(events) in {said, said + 1}
    assert [e.payload["number"] for e in events] == [e.seq for e in events]
    assert not ledger.lease_lives("r1")

    lease = ledger.acquire_lease("r1")
    for number in range(1, len(events) + 4):
        ledger.append_event("r1", "step_finished", {"number": number}, once=f"step-{number}", lease=lease)
    assert [e.payload["number"] for e in ledger.events("r1")] == list(range(1, len(events) + 4))
