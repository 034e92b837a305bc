"""One resident model, one thread, one bounded queue: how every run of this process reaches the scientific
model.

Jobs run one after the other in the order they were accepted; a full queue refuses at once and says how long
to wait. A fault inside a job belongs to that job's caller: it is raised where the samples are read, and the
worker goes on. Samples are kept for the caller until read, so that a slow reader holds up nobody. Not
promised: fairness by size (a large job makes those behind it wait) and service across processes.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.backends.base import Generator, Request, Sample, TextScore, validate_requests
from models.errors import ModelInputError, QueueFullError, WorkerClosedError

T = TypeVar("T")
Kind = Literal["generate", "score", "embed"]

_RATE_MEMORY = 0.7
"""Weight of what was known when a finished job updates the measured rate of work."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What a status page shows. `wait_seconds` estimates when a job sent now would start (None: nothing
    measured)."""

    queue_length: int
    max_queue: int
    busy: bool
    jobs_done: int
    jobs_failed: int
    wait_seconds: float | None
    memory_bytes: int
    device: str
    checkpoint_hash: str


@dataclass(frozen=True, slots=True)
class _End:
    fault: BaseException | None = None


class Job(Generic[T]):
    """A job's results as they come: iterate once. Raises the job's own fault, or WorkerClosedError."""

    def __init__(self, kind: Kind, run: Callable[[], Iterator[T]], size: int) -> None:
        """`size` is the work at most to do: tokens to generate, or characters to read."""
        self.kind: Kind = kind
        self.run = run
        self.size = size
        self.cancelled = threading.Event()
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._over = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._over:
            raise StopIteration
        item: T | _End = self._results.get()
        if not isinstance(item, _End):
            return item
        self._over = True
        if item.fault is not None:
            raise item.fault
        raise StopIteration

    def cancel(self) -> None:
        """Give up: a waiting job is never started, a running one stops at its next result; iteration then
        ends."""
        self.cancelled.set()

    def deliver(self, item: T) -> None:
        self._results.put(item)

    def end(self, fault: BaseException | None = None) -> None:
        self._results.put(_End(fault))


class ModelWorker:
    """Serves one `generator` to many threads. Use as a context manager, or call `close`."""

    def __init__(self, generator: Generator, max_queue: int = 32) -> None:
        if max_queue < 1:
            raise ModelInputError(f"max_queue must be at least 1, got {max_queue}")
        self._generator = generator
        self._max_queue = max_queue
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting: list[Job[Any]] = []
        self._current: Job[Any] | None = None
        self._started_at = 0.0
        self._closed = False
        self._done = self._failed = 0
        self._seconds_per_unit: dict[Kind, float] = {}
        self._thread = threading.Thread(target=self._serve, name="organon-model-worker", daemon=True)
        self._thread.start()

    def __enter__(self) -> ModelWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, requests: Sequence[Request]) -> Job[Sample]:
        """Queue a generation job; the `Job` returned yields samples as they finish.

        Raises ModelInputError for bad settings and QueueFullError where `max_queue` jobs wait, both at once;
        what only the tokenizer can see (an unknown stop tag, a prompt too long) is raised by the job when it
        is read.
        """
        given = list(requests)
        validate_requests(given)
        size = sum(request.n * request.max_new_tokens for request in given)
        return self._enqueue(Job("generate", lambda: self._generator.generate(given), size))

    def generate(self, requests: Sequence[Request]) -> list[Sample]:
        """All samples, ordered by request and sample index."""
        place = {request.request_id: at for at, request in enumerate(requests)}
        return sorted(self.submit(requests), key=lambda sample: (place[sample.request_id], sample.index))

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        given = list(texts)
        size = sum(map(len, given))
        return list(self._enqueue(Job("score", lambda: iter(self._generator.score(given)), size)))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        given = list(texts)
        size = sum(map(len, given))
        (vectors,) = self._enqueue(Job("embed", lambda: iter([self._generator.embed(given)]), size))
        return vectors

    def status(self) -> WorkerStatus:
        with self._lock:
            length, busy = len(self._waiting), self._current is not None
            done, failed, wait = self._done, self._failed, self._estimate_wait()
        return WorkerStatus(
            queue_length=length,
            max_queue=self._max_queue,
            busy=busy,
            jobs_done=done,
            jobs_failed=failed,
            wait_seconds=wait,
            memory_bytes=self._generator.memory_bytes,
            device=self._generator.device,
            checkpoint_hash=self._generator.checkpoint_hash,
        )

    def close(self, timeout_seconds: float = 30.0) -> None:
        """Stop: the running job is ended at its next result, waiting ones get WorkerClosedError."""
        with self._changed:
            self._closed = True
            left, self._waiting = self._waiting, []
            if self._current is not None:
                self._current.cancel()
            self._changed.notify_all()
        for job in left:
            job.end(WorkerClosedError("the model worker was closed before this job started"))
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_seconds)

    def _enqueue(self, job: Job[T]) -> Job[T]:
        with self._changed:
            if self._closed:
                raise WorkerClosedError("the model worker is closed")
            for given_up in [waiting for waiting in self._waiting if waiting.cancelled.is_set()]:
                self._waiting.remove(given_up)
                given_up.end()
            if len(self._waiting) >= self._max_queue:
                raise QueueFullError(len(self._waiting), self._estimate_wait())
            self._waiting.append(job)
            self._changed.notify()
        return job

    def _estimate_wait(self) -> float | None:
        """Seconds until everything accepted so far is done, from measured rates; call with the lock held."""
        ahead = [*self._waiting, *([] if self._current is None else [self._current])]
        if any(job.kind not in self._seconds_per_unit for job in ahead):
            return None
        seconds = {id(job): job.size * self._seconds_per_unit[job.kind] for job in ahead}
        if self._current is not None:
            spent = time.monotonic() - self._started_at
            seconds[id(self._current)] = max(seconds[id(self._current)] - spent, 0.0)
        return sum(seconds.values())

    def _serve(self) -> None:
        while (job := self._next_job()) is not None:
            fault = self._run(job)
            with self._lock:
                self._account(job, fault)
            job.end(fault)

    def _next_job(self) -> Job[Any] | None:
        """Wait for a job and make it the current one; None when the worker closes."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            self._current, self._started_at = self._waiting.pop(0), time.monotonic()
            return self._current

    def _run(self, job: Job[Any]) -> BaseException | None:
        """Run one job to its end; whatever it raises is the result, because this thread has to outlive it."""
        if job.cancelled.is_set():
            return None
        try:
            results = job.run()
            for item in results:
                job.deliver(item)
                if job.cancelled.is_set():
                    break
            else:
                return None
            del results
        except BaseException as fault:  # noqa: BLE001 - the boundary: delivered to the job's caller
            return fault
        return WorkerClosedError("the model worker was closed while this job ran") if self._closed else None

    def _account(self, job: Job[Any], fault: BaseException | None) -> None:
        self._current = None
        if fault is not None:
            self._failed += 1
            return
        self._done += 1
        if job.size > 0 and not job.cancelled.is_set():
            rate = (time.monotonic() - self._started_at) / job.size
            known = self._seconds_per_unit.get(job.kind, rate)
            self._seconds_per_unit[job.kind] = _RATE_MEMORY * known + (1 - _RATE_MEMORY) * rate
