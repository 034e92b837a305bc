"""Runs: starting, executing, watching, pausing, stopping and taking them up again. Knows no science.

Whoever starts a run executes it, under a lease in the ledger (see tools/memory/run_log.py) that a thread
renews. Stop, pause, resume and approve are rows that the executing process polls, so they work from any
process. A run whose executor died keeps its state ("running") and is `resumable`. Not promised: that a stop
takes effect before the step in work has come to a point where it asks.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.interface.schemas import Event, RunState
from tools.errors import InputError, OrganonError, StopError, TransientError
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import LEASE_SECONDS, EventRecord, Lease, Ledger, RunRecord

ENDED: tuple[RunState, ...] = ("done", "failed", "stopped")
ALLOWED: dict[RunState, tuple[RunState, ...]] = {
    "queued": ("running", "stopped", "failed"),
    "running": ("running", "paused", "waiting_approval", "done", "failed", "stopped"),
    "paused": ("running", "stopped", "failed"),
    "waiting_approval": ("running", "stopped", "failed"),
    "failed": ("running",),
    "stopped": ("running",),
    "done": (),
}
"""State -> the states that may follow. A failed or stopped run may be taken up again; a done one may not."""

_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
_POLL_SECONDS = 0.2


class RunControl:
    """What the executed callable talks to: its run's log, and what people ask of the run. Threads may share
    it."""

    def __init__(self, ledger: Ledger, lease: Lease, run_dir: Path, expires_seconds: float) -> None:
        self.run_id = lease.run_id
        self.run_dir = run_dir
        self._ledger = ledger
        self._lease = lease
        self._expires_seconds = expires_seconds
        self._lost: StopError | None = None
        self._asked: dict[str, int] = {}
        self._polled = 0.0
        self._lock = threading.Lock()

    def emit(self, event_type: str, payload: Mapping[str, Any], once: str | None = None) -> Event:
        """Append to the run's log; see `RunLog.append_event` for `once`. StopError if the lease is lost."""
        event = Event(run_id=self.run_id, seq=0, time=datetime.now(UTC), type=event_type, payload=dict(payload))  # type: ignore[arg-type]
        return event_of(self._ledger.append_event(self.run_id, event.type, event.payload, once, self._lease))

    def should_stop(self) -> bool:
        """Whether the run was asked to stop. StopError if another process has taken it over."""
        return "stop" in self._requests()

    def should_pause(self) -> bool:
        """Whether the run was asked to pause and not to resume since."""
        asked = self._requests()
        return asked.get("pause", -1) > asked.get("resume", -1)

    def wait_while_paused(self) -> None:
        """Show the run as paused until somebody resumes or stops it. Returns at once if nobody asked for a
        pause."""
        if self.should_stop() or not self.should_pause():
            return
        self._set_state("paused")
        while self.should_pause() and not self.should_stop():
            time.sleep(_POLL_SECONDS)
        self._close("pause", "resume")
        self._set_state("running")

    def wait_for_approval(self, key: str, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """Ask a person, show the run as waiting, and give back the answer's payload; None if told to stop
        instead. `key` names the question within the run; an answer that was given before a restart still
        counts."""
        self.emit("approval_requested", {"key": key, **question}, once=f"approval {key}")
        answer = answer_of(self._ledger, self.run_id, key)
        if answer is None and not self.should_stop():
            self._set_state("waiting_approval")
            while answer is None and not self.should_stop():
                time.sleep(_POLL_SECONDS)
                answer = answer_of(self._ledger, self.run_id, key)
            self._set_state("running")
        return answer

    def _requests(self) -> dict[str, int]:
        """Latest open request per action, read at most every 0.2 s."""
        with self._lock:
            if self._lost is not None:
                raise self._lost
            if time.monotonic() - self._polled > _POLL_SECONDS:
                self._asked = {r.action: r.request_id for r in self._ledger.open_requests(self.run_id)}
                self._polled = time.monotonic()
            return self._asked

    def _close(self, *actions: str) -> None:
        with self._lock:
            asked = self._ledger.open_requests(self.run_id)
            self._ledger.close_requests(r.request_id for r in asked if r.action in actions)
            self._polled = 0.0

    def _set_state(self, state: RunState) -> None:
        _set_state(self._ledger, self.run_id, state)

    def _renew_until(self, done: threading.Event) -> None:
        """The heartbeat thread. A lock held by others is waited for as long as the lease lasts."""
        renewed = time.monotonic()
        while not done.wait(self._expires_seconds / 6):
            try:
                self._ledger.heartbeat(self._lease)
                renewed = time.monotonic()
            except TransientError as error:
                if time.monotonic() - renewed > self._expires_seconds:
                    self._lost = StopError(f"run {self.run_id}: the lease could not be renewed: {error}")
                    return
            except OrganonError as error:
                self._lost = StopError(str(error))
                return


class RunManager:
    """Runs of one home directory. `expires_seconds`: age of a heartbeat after which an executor counts as
    dead."""

    def __init__(
        self, ledger: Ledger, artifacts: Artifacts, home: Path, expires_seconds: float = LEASE_SECONDS
    ) -> None:
        self.ledger = ledger
        self.artifacts = artifacts
        self.home = home
        self._expires_seconds = expires_seconds
        self._here: dict[str, RunControl] = {}

    def start(self, campaign: Mapping[str, Any], kind: str = "campaign", run_id: str | None = None) -> str:
        """Write down a new run in state "queued" and give back its id. The name and seed are read from
        `campaign`. A `run_id` made beforehand that is there already is that run: nothing is started twice."""
        if run_id is not None and self.ledger.has_run(run_id):
            return run_id
        run_id = run_id or new_run_id()
        self.run_dir(run_id)
        self.ledger.create_run(
            run_id, str(campaign.get("name", kind)), kind, campaign, seed=int(campaign.get("seed", 0))
        )
        return run_id

    def run_dir(self, run_id: str) -> Path:
        """The run's own directory, made if it is not there."""
        if not run_id or any(letter not in _BASE32 for letter in run_id):
            raise InputError(f"{run_id!r} is not a run id")
        directory = self.home / "runs" / run_id
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StopError(f"run directory {directory} cannot be made: {error.strerror}") from error
        return directory

    def get(self, run_id: str) -> RunRecord:
        return self.ledger.get_run(run_id)

    def list(self, state: RunState | None = None, limit: int | None = None) -> list[RunRecord]:
        """Runs, newest first."""
        return self.ledger.list_runs(state, limit)

    def resumable(self, run_id: str) -> bool:
        """Whether the run has not reached its end and nobody executes it now."""
        return self.get(run_id).state != "done" and not self.ledger.lease_lives(run_id, self._expires_seconds)

    @contextmanager
    def lease(self, run_id: str) -> Iterator[RunControl]:
        """Execute a run: takes the lease, sets "running", renews the lease until the block is left. Requests
        that an earlier execution left open (stop, pause) are closed: whoever executes again wants it to go
        on."""
        record = self.get(run_id)
        if record.state == "done":
            raise InputError(f"run {run_id} is done: start a new one")
        lease = self.ledger.acquire_lease(run_id, self._expires_seconds)
        control = RunControl(self.ledger, lease, self.run_dir(run_id), self._expires_seconds)
        done = threading.Event()
        renewal = threading.Thread(target=control._renew_until, args=(done,), name=f"lease-{run_id}", daemon=True)
        try:
            if record.state != "queued":
                control._close("stop", "pause", "resume")
            _set_state(self.ledger, run_id, "running")
            renewal.start()
            self._here[run_id] = control
            yield control
        finally:
            self._here.pop(run_id, None)
            done.set()
            if renewal.is_alive():
                renewal.join()
            self.ledger.release_lease(lease)

    def execute(self, run_id: str, work: Callable[[RunControl], Mapping[str, Any] | None]) -> RunRecord:
        """Run `work(control)` under a lease and record what it came to: "done" with its document as the run's
        result (None keeps what `work` stored), "stopped" on StopError, Ctrl-C or when asked to, else
        "failed". Faults are recorded and raised again; only a stop that was asked for returns normally."""
        with self.lease(run_id) as control:
            try:
                result = work(control)
                if result is not None:
                    self.ledger.put_result(run_id, result)
                asked = control.should_stop()
            except (StopError, KeyboardInterrupt) as error:
                self._end(control, "stopped", str(error) or "interrupted")
                raise
            except Exception as error:
                self._end(control, "failed", f"{type(error).__name__}: {error}")
                raise
            self._end(control, "stopped" if asked else "done", "")
        return self.get(run_id)

    def leave(self, run_id: str) -> None:
        """Let go of a run that this process executes, as if it were killed: the run keeps its state and can be taken up
        again by anybody. Takes effect where the run would obey a stop."""
        control = self._here.get(run_id)
        if control is not None:
            control._lost = StopError(f"run {run_id} was left by this process; it goes on when it is executed again")

    def executed_here(self) -> tuple[str, ...]:
        """The runs that this process executes now."""
        return tuple(self._here)

    def tail(self, run_id: str, after: int = 0, should_leave: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """The run's events after `after`, then new ones as they come. Ends when the run has ended, when its
        executor has died, or when `should_leave()`: what is in the log by then is given. A queued run is waited for."""
        while True:
            going = self._going(run_id) and not should_leave()
            for record in self.ledger.events(run_id, after):
                after = record.seq
                yield event_of(record)
            if not going:
                return
            time.sleep(_POLL_SECONDS)

    def request_stop(self, run_id: str) -> None:
        """Ask a run to stop; one that nobody executes is stopped at once."""
        record = self.get(run_id)
        if record.state in ENDED:
            raise InputError(f"run {run_id} is {record.state}: there is nothing to stop")
        self.ledger.put_request(run_id, "stop")
        if not self.ledger.lease_lives(run_id, self._expires_seconds):
            _set_state(self.ledger, run_id, "stopped")

    def request_pause(self, run_id: str) -> None:
        record = self.get(run_id)
        if record.state not in ("queued", "running"):
            raise InputError(f"run {run_id} is {record.state}: only a queued or running run can be paused")
        self.ledger.put_request(run_id, "pause")

    def request_resume(self, run_id: str) -> bool:
        """Let a paused run go on. True if its process is there to do so; False if somebody has to `execute`
        it."""
        if self.get(run_id).state == "done":
            raise InputError(f"run {run_id} is done: start a new one")
        self.ledger.put_request(run_id, "resume")
        return not self.resumable(run_id)

    def approve(self, run_id: str, key: str, answer: Mapping[str, Any] | None = None) -> None:
        """Answer the question `key` of a run that waits for approval. InputError for one that has its answer."""
        if answer_of(self.ledger, run_id, key) is not None:
            raise InputError(f"question {key!r} of run {run_id} has its answer already")
        self.ledger.put_request(run_id, "approve", {"key": key, **(answer or {"approved": True})})

    def _going(self, run_id: str) -> bool:
        """Whether more events may come: the lease is given back after the last event and state are written."""
        return self.ledger.lease_lives(run_id, self._expires_seconds) or self.get(run_id).state == "queued"

    def _end(self, control: RunControl, state: RunState, message: str) -> None:
        """Last event, then the state, so that who sees the state can read the whole log. Nothing if the lease
        is lost: then the run is another's."""
        if control._lost is not None:
            return
        try:
            control.emit("run_finished", {"state": state, "message": message})
            _set_state(self.ledger, control.run_id, state)
        except StopError:
            if state == "done":
                raise


def run_id_for(parent: str, call_id: str) -> str:
    """The id of a run that a step of another one starts: always the same, so that the step may be run again. It sorts
    beside its parent (half a minute exact)."""
    digest = int.from_bytes(hashlib.sha256(f"{parent} {call_id}".encode()).digest()[:5], "big")
    return parent[:6] + "".join(_BASE32[(digest >> 5 * at) & 31] for at in range(6))


def new_run_id() -> str:
    """12 letters and digits: 9 of the time in ms, 3 drawn. Later runs sort after earlier ones."""
    number = int(time.time() * 1000) * 32**3 + secrets.randbelow(32**3)
    digits = []
    for _ in range(12):
        number, digit = divmod(number, 32)
        digits.append(_BASE32[digit])
    return "".join(reversed(digits))


def _set_state(ledger: Ledger, run_id: str, state: RunState) -> None:
    ledger.set_state(run_id, state, allowed_from=[held for held, following in ALLOWED.items() if state in following])


def answer_of(ledger: Ledger, run_id: str, key: str) -> dict[str, Any] | None:
    """What was answered to a run's question; None before somebody has."""
    for request in ledger.open_requests(run_id):
        if request.action == "approve" and request.payload.get("key") == key:
            return dict(request.payload)
    return None


def event_of(record: EventRecord) -> Event:
    """The ledger's row as the document that leaves the process."""
    return Event.model_validate(
        {
            "run_id": record.run_id,
            "seq": record.seq,
            "time": datetime.fromtimestamp(record.time, UTC),
            "type": record.type,
            "payload": dict(record.payload),
        }
    )
