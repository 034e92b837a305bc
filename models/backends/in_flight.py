"""Coroutines run beside ordinary code: handed over one by one, their results taken as they finish.

The event loop lives in a thread of its own, so that this works under a running loop too, and starts with the
first job. `close` (or losing the last reference) cancels what is running and lets go of its connections. What
a job raises is handed out where its result would be.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

C = TypeVar("C")

Outcome = tuple[Hashable, Any, BaseException | None]
"""The job's tag, its result, and what it raised (CancelledError where it was cancelled)."""


class InFlight(Generic[C]):
    """Used from one thread. Every job gets the one client that `open_client` gives."""

    def __init__(self, open_client: Callable[[], AbstractAsyncContextManager[C]]) -> None:
        self._open_client = open_client
        self._loop: _LoopThread[C] | None = None

    def __enter__(self) -> InFlight[C]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, tag: Hashable, job: Callable[[C], Awaitable[Any]]) -> None:
        """Start a job; how many run at once is the caller's choice."""
        if self._loop is None:
            self._loop = _LoopThread(self._open_client)
            weakref.finalize(self, self._loop.ask_to_stop)
        self._loop.call(self._loop.start, tag, job)

    def cancel(self, tag: Hashable) -> None:
        """Cancel the jobs with `tag`; each is still handed out once, as cancelled or, had it just finished, not."""
        if self._loop is not None:
            self._loop.call(self._loop.cancel, tag)

    def take(self, timeout_seconds: float | None = None) -> list[Outcome]:
        """What has finished since the last call, at least one; nothing only after `timeout_seconds`."""
        found: list[Outcome] = []
        if self._loop is not None:
            try:
                found.append(self._loop.found.get(timeout=timeout_seconds))
                while True:
                    found.append(self._loop.found.get_nowait())
            except queue.Empty:
                pass
        return found

    def close(self) -> None:
        """Cancel everything and wait until it has let go."""
        if self._loop is not None:
            self._loop.ask_to_stop()
            self._loop.thread.join()
            self._loop = None


class _LoopThread(Generic[C]):
    """The thread's side. Knows nothing of the `InFlight` it serves, so that losing that ends this."""

    def __init__(self, open_client: Callable[[], AbstractAsyncContextManager[C]]) -> None:
        self.found: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._open_client = open_client
        self._tags: dict[asyncio.Task[Any], Hashable] = {}
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._client: C | None = None
        self._ready = threading.Event()
        self.thread = threading.Thread(target=self._run, name="organon-in-flight", daemon=True)
        self.thread.start()
        self._ready.wait()

    def call(self, function: Callable[..., None], *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def ask_to_stop(self) -> None:
        if self.thread.is_alive() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    def start(self, tag: Hashable, job: Callable[[Any], Awaitable[Any]]) -> None:
        task = self._loop.create_task(_as_coroutine(job, self._client))
        self._tags[task] = tag
        task.add_done_callback(self._hand_out)

    def cancel(self, tag: Hashable) -> None:
        for task in [task for task, held in self._tags.items() if held == tag]:
            task.cancel()

    def _hand_out(self, task: asyncio.Task[Any]) -> None:
        tag = self._tags.pop(task)
        fault = asyncio.CancelledError() if task.cancelled() else task.exception()
        self.found.put((tag, None if fault else task.result(), fault))

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        async with self._open_client() as self._client:
            self._ready.set()
            await self._stop.wait()
            left = list(self._tags)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


async def _as_coroutine(job: Callable[[Any], Awaitable[Any]], client: Any) -> Any:
    return await job(client)
