"""Live events for any number of streams with one reader: a thread reads what is new in the log of any run and hands it
to the queues of those who watch that run.

A stream that was away (Last-Event-ID) or slow reads what it missed from the ledger, then goes on with its queue; events
come in order of `seq`, each once. A stream ends when its run has ended and its last event was given.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from agent.interface.schemas import Event
from agent.runs import ENDED, event_of
from tools.errors import OrganonError
from tools.memory.ledger import EventRecord, Ledger

POLL_SECONDS = 0.05
IDLE_SECONDS = 1.0
"""Between two looks at the log while nobody watches."""
STATES_EVERY = 10
"""Looks at the log for one look at the states of the watched runs."""
QUEUE_LENGTH = 500
"""Events a slow stream may be behind before it has to read them from the ledger again."""
HEARTBEAT_SECONDS = 15.0

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Stream:
    """One watcher's place: `behind` until it has read the ledger, `ended` when there is nothing more to come."""

    run_id: str
    queue: asyncio.Queue[EventRecord | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_LENGTH))
    behind: bool = True
    ended: bool = False

    def give(self, record: EventRecord | None) -> None:
        """Without waiting; a full queue is emptied and read from the ledger instead."""
        if self.queue.full():
            self.behind = True
            while not self.queue.empty():
                self.queue.get_nowait()
        self.queue.put_nowait(record)


class Watcher:
    """`async for event in watcher.follow(run_id, after)`. Start inside a running event loop; `close` ends all streams.
    `is_active(run_id)`: whether this process executes the run or is about to."""

    def __init__(self, ledger: Ledger, is_active: Callable[[str], bool]) -> None:
        self._ledger = ledger
        self._is_active = is_active
        self._streams: dict[str, set[_Stream]] = {}
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def n_streams(self) -> int:
        with self._lock:
            return sum(len(streams) for streams in self._streams.values())

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closed.clear()
        self._thread = threading.Thread(target=self._read, name="organon-event-reader", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """From any thread: every stream ends now."""
        self._closed.set()
        self._wake.set()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_all)

    async def follow(
        self, run_id: str, after: int = 0, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> AsyncIterator[Event | None]:
        """The run's events after `after`, then new ones; None where nothing happened for so long."""
        stream = _Stream(run_id)
        self._add(stream)
        try:
            async for event in self._events(stream, after, heartbeat_seconds):
                yield event
        finally:
            self._remove(stream)

    async def _events(self, stream: _Stream, last: int, heartbeat_seconds: float) -> AsyncIterator[Event | None]:
        record: EventRecord | None
        while not self._closed.is_set():
            if stream.behind:
                stream.behind = False
                over, missed = await run_in_threadpool(self._catch_up, stream.run_id, last)
                for record in missed:
                    last = record.seq
                    yield event_of(record)
                if over or stream.ended:
                    return
                continue
            try:
                async with asyncio.timeout(heartbeat_seconds):
                    record = await stream.queue.get()
            except TimeoutError:
                yield None
                continue
            if record is None:
                if not stream.behind:
                    return
            elif record.seq > last + 1:
                stream.behind = True
            elif record.seq > last:
                last = record.seq
                yield event_of(record)

    def _catch_up(self, run_id: str, after: int) -> tuple[bool, list[EventRecord]]:
        """Whether the run was over before, and what it wrote after `after`."""
        over = self._over(run_id, self._ledger.get_run(run_id).state)
        return over, self._ledger.events(run_id, after)

    def _over(self, run_id: str, state: str | None) -> bool:
        return state in ENDED and not self._is_active(run_id)

    def _read(self) -> None:
        """The one reader. A fault of the ledger (locked, say) is told and tried again."""
        place = looks = 0
        waiting = True
        while not self._closed.is_set():
            try:
                if waiting:
                    place, waiting = self._ledger.feed_end(), False
                looks += 1
                place = self._look(place, looks)
            except OrganonError as error:
                _log.warning("reading the event log: %s", error)
                self._closed.wait(IDLE_SECONDS)
            self._wake.wait(POLL_SECONDS if self._streams else IDLE_SECONDS)
            if self._wake.is_set() and not self._closed.is_set():
                self._wake.clear()

    def _look(self, place: int, looks: int) -> int:
        """One look at the log. Who watches is asked after reading: a stream that came in between is in the table
        already, or reads the ledger later than this."""
        with self._lock:
            watched = list(self._streams)
        states: dict[str, str] = {}
        if watched and looks % STATES_EVERY == 0:
            states = self._ledger.run_states(watched)
        records: list[EventRecord] = []
        while True:
            moved, found = self._ledger.feed(place, self._streams.keys())
            records += found
            if moved == place:
                break
            place = moved
        finished = [record.run_id for record in records if record.type == "run_finished"]
        if finished:
            states |= self._ledger.run_states(finished)
        ended = [run_id for run_id, state in states.items() if self._over(run_id, state)]
        if (records or ended) and self._loop is not None and not self._closed.is_set():
            self._loop.call_soon_threadsafe(self._hand_out, records, ended)
        return place

    def _hand_out(self, records: list[EventRecord], ended: list[str]) -> None:
        for record in records:
            for stream in self._streams.get(record.run_id, ()):
                stream.give(record)
        for run_id in ended:
            for stream in self._streams.get(run_id, ()):
                stream.ended = True
                stream.give(None)

    def _end_all(self) -> None:
        for streams in list(self._streams.values()):
            for stream in streams:
                stream.ended = True
                stream.give(None)

    def _add(self, stream: _Stream) -> None:
        with self._lock:
            self._streams.setdefault(stream.run_id, set()).add(stream)
        self._wake.set()

    def _remove(self, stream: _Stream) -> None:
        with self._lock:
            streams = self._streams.get(stream.run_id, set())
            streams.discard(stream)
            if not streams:
                self._streams.pop(stream.run_id, None)
