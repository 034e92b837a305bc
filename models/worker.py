"""One resident model, one thread, one bounded queue: how every run of this process reaches the scientific
model.

Requests of several jobs are decoded together; jobs are served in turn, however much each has asked for, so
that a large one does not hold up a small one. Texts to score or embed are done between two decoding steps. A
full queue refuses at once and says how long to wait. A fault inside a job belongs to that job's caller: it is
raised where the samples are read, and the worker goes on. Samples are kept for the caller until read, so that
a slow reader holds up nobody. Not promised: service across processes.
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

from models.backends.base import Decoding, Generator, Request, Sample, TextScore, validate_requests
from models.backends.text_codec import TextCodec
from models.errors import ModelInputError, QueueFullError, WorkerClosedError

T = TypeVar("T")
Kind = Literal["generate", "score", "embed"]

_RATE_MEMORY = 0.7
"""Weight of what was known when a finished job updates the measured rate of work."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What a status page shows. `queue_length` counts unfinished jobs; `wait_seconds` estimates when all of them
    will be done (None: nothing measured)."""

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

    def __init__(self, kind: Kind, size: int, requests: Sequence[Request] = (), run: Callable[[], T] | None = None):
        """`size` is the work at most to do: tokens to generate, or characters to read. A job has `requests` to
        decode, or is one call of `run`."""
        self.kind: Kind = kind
        self.size = size
        self.requests = requests
        self.run = run
        self.cancelled = threading.Event()
        self.n_delivered = 0
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._over = False

    @property
    def work_left(self) -> float:
        """The part of `size` not delivered yet."""
        n_samples = sum(request.n for request in self.requests)
        return self.size * (1 - self.n_delivered / n_samples if n_samples else 1)

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
        """Give up: the job is forgotten before the next decoding step; iteration then ends."""
        self.cancelled.set()

    def deliver(self, item: T) -> None:
        self.n_delivered += 1
        self._results.put(item)

    def end(self, fault: BaseException | None = None) -> None:
        self._results.put(_End(fault))


class ModelWorker:
    """Serves one `generator` to many threads. Use as a context manager, or call `close`."""

    def __init__(self, generator: Generator, max_queue: int = 64) -> None:
        if max_queue < 1:
            raise ModelInputError(f"max_queue must be at least 1, got {max_queue}")
        self._generator = generator
        self._max_queue = max_queue
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._jobs: list[Job[Any]] = []
        self._tickets: dict[int, Job[Any]] = {}
        self._closed = False
        self._done = self._failed = 0
        self._seconds_per_unit: dict[Kind, float] = {}
        self._busy_since = 0.0
        self._thread = threading.Thread(target=self._serve, name="organon-model-worker", daemon=True)
        self._thread.start()

    @property
    def codec(self) -> TextCodec | None:
        """The tokenizer of the model; None where it is served elsewhere and does not show it."""
        return getattr(self._generator, "codec", None)

    def __enter__(self) -> ModelWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, requests: Sequence[Request]) -> Job[Sample]:
        """Queue a generation job; the `Job` returned yields samples as they finish.

        Raises ModelInputError for bad settings and QueueFullError where `max_queue` jobs are unfinished, both at
        once; what only the tokenizer can see (an unknown stop tag, a prompt too long) is raised by the job when
        it is read.
        """
        given = list(requests)
        validate_requests(given)
        size = sum(request.n * request.max_new_tokens for request in given)
        return self._enqueue(Job("generate", size, requests=given))

    def generate(self, requests: Sequence[Request]) -> list[Sample]:
        """All samples, ordered by request and sample index."""
        place = {request.request_id: at for at, request in enumerate(requests)}
        return sorted(self.submit(requests), key=lambda sample: (place[sample.request_id], sample.index))

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        given = list(texts)
        job: Job[list[TextScore]] = Job("score", sum(map(len, given)), run=lambda: self._generator.score(given))
        return next(self._enqueue(job))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        given = list(texts)
        job: Job[NDArray[np.float32]] = Job("embed", sum(map(len, given)), run=lambda: self._generator.embed(given))
        return next(self._enqueue(job))

    def ask(self, question: Callable[[Generator], T], size: int) -> T:
        """What `question` reads from the model itself, in its turn; `size` as of the texts it scores, in letters."""
        job: Job[T] = Job("score", size, run=lambda: question(self._generator))
        return next(self._enqueue(job))

    def status(self) -> WorkerStatus:
        with self._lock:
            length = len(self._jobs)
            done, failed, wait = self._done, self._failed, self._estimate_wait()
        return WorkerStatus(
            queue_length=length,
            max_queue=self._max_queue,
            busy=length > 0,
            jobs_done=done,
            jobs_failed=failed,
            wait_seconds=wait,
            memory_bytes=self._generator.memory_bytes,
            device=self._generator.device,
            checkpoint_hash=self._generator.checkpoint_hash,
        )

    def close(self, timeout_seconds: float = 30.0) -> None:
        """Stop before the next decoding step; unfinished jobs get WorkerClosedError."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_seconds)

    def _enqueue(self, job: Job[T]) -> Job[T]:
        with self._changed:
            if self._closed:
                raise WorkerClosedError("the model worker is closed")
            waited_for = [other for other in self._jobs if not other.cancelled.is_set()]
            if len(waited_for) >= self._max_queue:
                raise QueueFullError(len(waited_for), self._estimate_wait())
            if not self._jobs:
                self._busy_since = time.monotonic()
            self._jobs.append(job)
            self._changed.notify()
        return job

    def _estimate_wait(self) -> float | None:
        """Seconds until everything accepted so far is done, from measured rates; call with the lock held."""
        jobs = [job for job in self._jobs if not job.cancelled.is_set()]
        if any(job.kind not in self._seconds_per_unit for job in jobs):
            return None
        return sum(job.work_left * self._seconds_per_unit[job.kind] for job in jobs)

    # -- the worker's own thread ---------------------------------------------------------------------------
    def _serve(self) -> None:
        decoding = self._generator.decoding()
        started: set[int] = set()
        while self._wait_for_work():
            with self._lock:
                jobs = list(self._jobs)
            try:
                for job in jobs:
                    if job.cancelled.is_set():
                        self._forget(job, decoding)
                    elif id(job) not in started:
                        started.add(id(job))
                        self._start(job, decoding)
                if not decoding.idle:
                    self._deliver(decoding.step(), decoding)
            except BaseException as fault:  # noqa: BLE001 - the boundary: this thread has to outlive any fault
                decoding = self._generator.decoding()
                for job in {id(job): job for job in self._tickets.values()}.values():
                    self._finish(job, fault)
                self._tickets.clear()
            with self._lock:
                started &= {id(job) for job in self._jobs}
        for job in list(self._jobs):
            self._finish(job, WorkerClosedError("the model worker was closed before this job was done"))

    def _wait_for_work(self) -> bool:
        """True with something to do, False once the worker is closed."""
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            return not self._closed

    def _start(self, job: Job[Any], decoding: Decoding) -> None:
        """Hand the job's requests to `decoding`, or run the job at once; what is wrong with it is its own."""
        tickets: list[int] = []
        try:
            if job.run is not None:
                job.deliver(job.run())
            for request in job.requests:
                tickets.append(decoding.add(request, owner=id(job)))
        except BaseException as fault:  # noqa: BLE001 - delivered to the job's caller
            for ticket in tickets:
                decoding.cancel(ticket)
            self._finish(job, fault)
            return
        if tickets:
            self._tickets |= dict.fromkeys(tickets, job)
        else:
            self._finish(job)

    def _deliver(self, results: Sequence[tuple[int, Sample | Exception]], decoding: Decoding) -> None:
        for ticket, result in results:
            job = self._tickets.get(ticket)
            if job is None:
                continue
            if isinstance(result, Exception):
                self._forget(job, decoding, result)
                continue
            job.deliver(result)
            if job.n_delivered == sum(request.n for request in job.requests):
                self._forget(job, decoding)

    def _forget(self, job: Job[Any], decoding: Decoding, fault: BaseException | None = None) -> None:
        """Take the job's requests out of `decoding`, done or not, and end it."""
        for ticket in [ticket for ticket, owner in self._tickets.items() if owner is job]:
            decoding.cancel(ticket)
            del self._tickets[ticket]
        self._finish(job, fault)

    def _finish(self, job: Job[Any], fault: BaseException | None = None) -> None:
        with self._lock:
            self._jobs.remove(job)
            now = time.monotonic()
            if fault is not None:
                self._failed += 1
            else:
                self._done += 1
            if fault is None and job.size > 0 and not job.cancelled.is_set():
                rate = (now - self._busy_since) / job.size
                known = self._seconds_per_unit.get(job.kind, rate)
                self._seconds_per_unit[job.kind] = _RATE_MEMORY * known + (1 - _RATE_MEMORY) * rate
            self._busy_since = now
        job.end(fault)
