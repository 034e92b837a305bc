"""Where checks run: long-lived local worker processes, one task each at a time, results in submission order.

Unusual: every worker is a pebble pool of its own with one process. In one pool the workers share a pipe and
its lock, so that a worker killed at the wrong moment can block or break the others; here a crash costs
exactly its own task, and it is always known which task a process was running. A task that crashes, hangs or
takes too much memory comes back as a `Fault`, beside the others' results. Workers ignore Ctrl-C and die with
their parent, even when that is killed.

Not promised: processes that a task starts itself are not watched. A memory limit is a limit on resident
memory looked at every 50 ms; a task can exceed it in between. Functions and arguments must be importable and
picklable: workers are spawned, so a script that uses this needs `if __name__ == "__main__":`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Any

from agent.worker import Fault, Slot, Task, pack
from tools.errors import InputError, StopError

__all__ = ["Executor", "Fault", "Task"]

_LOOK_SECONDS = 0.05


def _never() -> bool:
    return False


class Executor:
    """`with Executor(workers, memory_mb) as executor: for index, outcome in executor.map_ordered(f, tasks):
    ...`

    Several threads may map at the same time; they share the workers in turn.
    """

    def __init__(
        self,
        workers: int,
        memory_mb: int,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        start_timeout_seconds: float = 120.0,
    ) -> None:
        """`memory_mb`: resident memory (MiB) above which a task is killed; 0 means no limit.
        `initializer(*initargs)` runs once in each worker before its first task (imports, maps); if it fails,
        every task of that worker says so. `start_timeout_seconds`: how long a worker may take until it
        accepts a task."""
        if workers < 1:
            raise InputError(f"workers is {workers}: at least 1 is needed")
        if memory_mb < 0:
            raise InputError(f"memory_mb is {memory_mb}: give MiB per worker, or 0 for no limit")
        setup = pack(initializer, initargs) if initializer is not None else b""
        self._seats = [_Seat(Slot(setup, memory_mb, start_timeout_seconds)) for _ in range(workers)]
        self._batches: deque[_Batch] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="organon-executor", daemon=True)

    @property
    def workers(self) -> int:
        return len(self._seats)

    def __enter__(self) -> Executor:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop dispatching, end the workers (what they are doing is lost) and wait for them. May be called
        twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def map_ordered(
        self,
        function: Callable[..., Any],
        tasks: Sequence[Task],
        should_stop: Callable[[], bool] = _never,
        deadline: float | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Run `function(*task.args)` for every task and yield (index, result or Fault) in the order of
        `tasks`.

        Tasks start in order as workers become free, also while the caller is busy with earlier results.
        Before each start `should_stop()` is asked (in another thread) and `deadline` (on the `time.monotonic`
        clock) compared; from then on nothing more starts: what runs is finished, the rest comes back as
        Fault("not_dispatched"). Leaving the loop early kills what still runs for it.
        """
        batch = _Batch(function, tasks, should_stop, deadline)
        with self._changed:
            if self._closed or not self._thread.is_alive():
                raise StopError("the executor is not running: use it inside its `with` block")
            self._batches.append(batch)
            self._changed.notify_all()
        try:
            for index in range(len(tasks)):
                yield index, self._outcome(batch, index)
        finally:
            with self._changed:
                batch.abandoned = True
                self._changed.notify_all()

    def _outcome(self, batch: _Batch, index: int) -> Any:
        with self._changed:
            while index not in batch.outcomes and batch.error is None and not self._closed:
                self._changed.wait()
            if index in batch.outcomes:
                return batch.outcomes.pop(index)
            if batch.error is not None:
                raise batch.error
            if self._failure is not None:
                raise StopError(f"the executor broke: {self._failure}") from self._failure
            return Fault("not_dispatched", "the executor was closed", 0.0)

    def _run(self) -> None:
        """The one thread that owns the workers. It lives as long as they do: Linux ends them with it. Ctrl-C
        is blocked here, and by inheritance in the workers from their first instruction: only the main thread
        hears it."""
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            while not self._closed:
                self._dispatch()
                self._collect()
        except Exception as error:  # noqa: BLE001  boundary: raised again in the callers' threads
            self._failure = error
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()
            for seat in self._seats:
                seat.slot.stop()
            for seat in self._seats:
                seat.slot.join()

    def _dispatch(self) -> None:
        """Give each free worker the next task, taking the batches in turn."""
        for seat in self._seats:
            while seat.batch is None and (batch := self._next_batch()) is not None:
                work = batch.next_work()
                if work is not None:
                    seat.batch, seat.index = batch, work.index
                    seat.slot.start(work.packed, work.timeout_seconds)
                else:
                    self._announce()

    def _next_batch(self) -> _Batch | None:
        with self._changed:
            while self._batches:
                batch = self._batches.popleft()
                if not batch.over:
                    self._batches.append(batch)
                    return batch
        return None

    def _collect(self) -> None:
        """Wait a moment for a worker to finish and hand out what is done; with nothing to do, wait for a
        batch."""
        busy = [seat for seat in self._seats if seat.batch is not None]
        if not busy:
            with self._changed:
                if not self._closed and not self._batches:
                    self._changed.wait()
            return
        futures = [seat.slot.future for seat in busy if seat.slot.future is not None]
        wait(futures, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for seat in busy:
            seat.look()
        self._announce()

    def _announce(self) -> None:
        with self._changed:
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class _Work:
    index: int
    packed: bytes
    timeout_seconds: float | None


@dataclass(slots=True)
class _Seat:
    """A slot and whose task it is doing."""

    slot: Slot
    batch: _Batch | None = None
    index: int = 0

    def look(self) -> None:
        if self.batch is None:
            return
        if self.batch.abandoned:
            self.slot.stop()
            self.slot.join()
            self.batch = None
            return
        done = self.slot.look()
        if done is not None:
            self.batch.outcomes[self.index] = done.outcome
            self.batch = None


@dataclass(slots=True)
class _Batch:
    """One call of `map_ordered`: what is left to start, and what has come back and not been fetched."""

    function: Callable[..., Any]
    tasks: Sequence[Task]
    should_stop: Callable[[], bool]
    deadline: float | None
    started: int = 0
    outcomes: dict[int, Any] = field(default_factory=dict)
    error: BaseException | None = None
    abandoned: bool = False

    @property
    def over(self) -> bool:
        """Nothing more will be started for it."""
        return self.abandoned or self.error is not None or self.started >= len(self.tasks)

    def next_work(self) -> _Work | None:
        """The next task, ready to send; None where it turned out that there is none to send (any more)."""
        reason = self._reason_to_stop()
        if reason:
            rest = range(self.started, len(self.tasks))
            self.outcomes.update({index: Fault("not_dispatched", reason, 0.0) for index in rest})
            self.started = len(self.tasks)
        if self.over:
            return None
        index, self.started = self.started, self.started + 1
        task = self.tasks[index]
        try:
            return _Work(index, pack(self.function, task.args), task.timeout_seconds)
        except Exception as error:  # noqa: BLE001  boundary: whatever pickle meets in foreign objects
            message = f"the task cannot be sent to a worker: {error}"
            self.outcomes[index] = Fault("error", message, 0.0, type(error).__name__)
            return None

    def _reason_to_stop(self) -> str:
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "the time was used up"
        try:
            return "the run was asked to stop" if self.should_stop() else ""
        except Exception as error:  # noqa: BLE001  boundary: raised again in the caller's thread
            self.error = error
            return ""
