"""RunService: runs executed in the background of one process, a server's. Interfaces start runs here and read the log.

Conversations and single actions begin at once; campaigns and workflows at most a few at a time, the others wait in
order. Everything is in the ledger: a service that is killed is started again and goes on. A run that a person paused
stays paused until resumed. Not promised: fairness between users, and running what another process executes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent import background
from agent.actions import load_action
from agent.chat.conversation import open_turn, require_last
from agent.chat.front_end import open_front_end
from agent.kinds import work_of
from agent.runs import ENDED, run_id_for
from agent.session import Session
from models.chat.front_end import OFFLINE
from models.errors import CheckpointError, ModelInputError
from tools.errors import InputError, OrganonError, StopError
from tools.memory.ledger import RunRecord

HEAVY = ("campaign", "demo", "workflow")
"""Kinds that wait for each other. What a conversation starts inside a turn is part of that turn."""
MAX_LIGHT = 64
_CLOSE_SECONDS = 20.0
_log = logging.getLogger(__name__)


class RunService:
    """`heavy`: campaigns and workflows executed at the same time; their checks share one process pool anyway."""

    def __init__(self, session: Session, heavy: int = 2) -> None:
        self.session = session
        self._lanes = {"heavy": _Lane(self._execute, heavy), "light": _Lane(self._execute, MAX_LIGHT)}
        self._lock = threading.Lock()
        self._active: dict[str, str] = {}
        self._closing = False

    def start(self) -> None:
        """Take up what a killed process left; actions may leave the runs they start to this service."""
        self._closing = False
        self.session.resources.keep()
        background.offer(self.session.settings.home, self.resume)
        for record in _left_behind(self.session):
            self._enqueue(record)
        self.warm_up()

    def warm_up(self) -> None:
        """Load in the background what the first turn of a conversation needs, so that its answer need not wait."""
        threading.Thread(target=_warm, args=(self.session,), name="warm-up", daemon=True).start()

    def submit(
        self, kind: str, document: Mapping[str, Any], *, run_id: str | None = None, thread_id: str | None = None
    ) -> str:
        """Write down a run and have it executed; with the id of one that is there, have that go on. InputError for a
        document that its kind refuses, before anything is stored."""
        if run_id is None or not self.session.ledger.has_run(run_id):
            run_id = self._write_down(kind, dict(document), run_id, thread_id)
        record = self.session.ledger.get_run(run_id)
        if record.state == "done":
            raise InputError(f"run {run_id} is done: start a new one")
        self._enqueue(record)
        return run_id

    def start_turn(
        self, thread_id: str | None, message: str, attachments: Sequence[str] = (), seed: int = 0
    ) -> tuple[str, str]:
        """Say something in a conversation (None: a new one): (thread id, run id). Refused while its last turn runs."""
        thread_id, run_id = open_turn(self.session, thread_id, message, attachments, seed)
        self._enqueue(self.session.ledger.get_run(run_id))
        return thread_id, run_id

    def resume(self, run_id: str) -> None:
        """Let a paused run go on, or a run that ended early or was left go on where it stood."""
        require_last(self.session, run_id)
        if not self.session.manager.request_resume(run_id):
            self._enqueue(self.session.ledger.get_run(run_id))

    def active(self) -> tuple[str, ...]:
        """The runs that are executed here or wait for it."""
        with self._lock:
            return tuple(self._active)

    def close(self, seconds: float = _CLOSE_SECONDS) -> None:
        """Let go of every run, as if this process were killed: they stay as they are and can be taken up. Waits up to
        `seconds` for steps in work to come to a point where they notice."""
        self._closing = True
        background.withdraw(self.session.settings.home)
        for lane in self._lanes.values():
            lane.empty()
        until = time.monotonic() + seconds
        while any(lane.busy() for lane in self._lanes.values()) and time.monotonic() < until:
            for run_id in self.session.manager.executed_here():
                self.session.manager.leave(run_id)
            time.sleep(0.05)
        with self._lock:
            self._active.clear()
        self.session.resources.release()

    def _write_down(self, kind: str, document: dict[str, Any], run_id: str | None, thread_id: str | None) -> str:
        named = document.pop("thread_id", None)
        thread_id = thread_id or named or None
        if thread_id is not None:
            self.session.ledger.get_thread(thread_id)
        if kind == "chat":
            if run_id is not None:
                raise InputError("a turn of a conversation gets its id here; leave out run_id")
            attachments = [str(handle) for handle in document.get("attachments") or []]
            seed = int(document.get("seed") or 0)
            return open_turn(self.session, thread_id, str(document.get("message", "")), attachments, seed)[1]
        run_id = self._examined(kind, document, run_id, thread_id)
        if thread_id is not None:
            self.session.ledger.add_to_thread(thread_id, run_id)
        return run_id

    def _examined(self, kind: str, document: dict[str, Any], run_id: str | None, thread_id: str | None) -> str:
        session = self.session
        if kind in ("campaign", "demo"):
            from agent.campaign import parse_campaign

            return session.start_campaign(parse_campaign(document, Path("/")), kind, run_id)
        if kind == "workflow":
            from agent.workflow.plan import parse_workflow

            plan = parse_workflow(document).model_dump(mode="json")
            return session.manager.start(plan | ({"thread_id": thread_id} if thread_id else {}), kind, run_id)
        if kind == "action":
            name, args = str(document.get("action", "")), document.get("args") or {}
            load_action(name).parse(args)
            asked = {"name": name, "action": name, "args": args, "thread_id": thread_id}
            return session.manager.start(asked, kind, run_id)
        raise InputError(f"unknown kind of run {kind!r}; kinds are chat, campaign, demo, workflow, action")

    def _enqueue(self, record: RunRecord) -> None:
        with self._lock:
            if self._closing:
                raise StopError("the service is closing; the run is kept and can be started again")
            if record.run_id in self._active:
                return
            self._active[record.run_id] = record.state
        self._lanes["heavy" if record.kind in HEAVY else "light"].put(record.run_id)

    def _execute(self, run_id: str) -> None:
        """One run to its end. Its own log says what it came to; a fault of it must not end the service."""
        with self._lock:
            asked_in = self._active.get(run_id)
        try:
            if asked_in is not None and not self._was_stopped(run_id, asked_in):
                self.session.execute(run_id)
        except OrganonError as error:
            _log.info("run %s: %s", run_id, error)
        except Exception as error:  # noqa: BLE001 - the run is recorded as failed; the service goes on
            _log.warning("run %s failed: %s: %s", run_id, type(error).__name__, error)
        finally:
            with self._lock:
                self._active.pop(run_id, None)

    def _was_stopped(self, run_id: str, asked_in: str) -> bool:
        """Whether somebody stopped the run while it waited for its turn."""
        state = self.session.ledger.get_run(run_id).state
        return state in ENDED and asked_in not in ENDED


class _Lane:
    """Threads, begun as they are needed, that execute what is put in, in order, at most `width` at a time."""

    def __init__(self, execute: Any, width: int) -> None:
        self._execute = execute
        self._width = width
        self._waiting: deque[str] = deque()
        self._n_busy = 0
        self._lock = threading.Lock()

    def put(self, run_id: str) -> None:
        with self._lock:
            self._waiting.append(run_id)
            if self._n_busy >= self._width:
                return
            self._n_busy += 1
        threading.Thread(target=self._work, name=f"run-{run_id}", daemon=True).start()

    def empty(self) -> None:
        with self._lock:
            self._waiting.clear()

    def busy(self) -> bool:
        return self._n_busy > 0

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._n_busy -= 1
                    return
                run_id = self._waiting.popleft()
            self._execute(run_id)


def _warm(session: Session) -> None:
    """Nothing depends on this: a language model that cannot be opened is said by the turn that needs it."""
    from langchain_core.messages import HumanMessage
    from langsmith import tracing_context

    from agent.chat.instructions import action_tools

    try:
        work_of("chat")
        model = open_front_end(session.settings)
        if session.settings.llm == OFFLINE:
            with tracing_context(enabled=False):
                model.invoke([HumanMessage("hello")])
        action_tools()
    except (InputError, ModelInputError, CheckpointError) as error:
        _log.warning("the language front end: %s", error)


def _left_behind(session: Session) -> list[RunRecord]:
    """Runs that nobody executes and that should go on, oldest first. Not: those a person paused, and those that belong
    to a turn or workflow which takes them up itself."""
    unfinished = [
        record
        for state in ("queued", "running", "waiting_approval", "paused")
        for record in session.manager.list(state)
        if session.manager.resumable(record.run_id)
    ]
    unfinished.sort(key=lambda record: record.run_id)
    led = {child for record in unfinished if record.kind not in ("campaign", "demo") for child in _led(session, record)}
    return [record for record in unfinished if record.state != "paused" and record.run_id not in led]


def _led(session: Session, record: RunRecord) -> set[str]:
    """The runs that the calls of this one start, of calls under way: the call, made again, takes its run up."""
    events = session.ledger.events(record.run_id)
    ended = {event.payload["call_id"] for event in events if event.type == "tool_result"}
    begun = {event.payload["call_id"] for event in events if event.type == "tool_call"}
    return {run_id_for(record.run_id, str(call_id)) for call_id in begun - ended}
