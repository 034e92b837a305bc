"""Coroutines with bounded concurrency, their results iterated from ordinary code as they finish.

The event loop lives in a thread of its own for as long as the iteration lasts. Leaving the iteration early
cancels what is still running and waits until that has let go of its connections. The first fault ends it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

C = TypeVar("C")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    fault: BaseException | None = None


def as_they_finish(
    open_client: Callable[[], AbstractAsyncContextManager[C]],
    jobs: Iterable[Callable[[C], Awaitable[T]]],
    limit: int,
) -> Iterator[T]:
    """Run `jobs`, at most `limit` at once, each with the client that `open_client` gives, opened once and
    closed at the end. Results come in the order in which they finish."""
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(_deliver(open_client, iter(jobs), limit, found))
    thread = threading.Thread(target=_drive, args=(loop, task, found), name="organon-in-flight", daemon=True)
    thread.start()
    try:
        while not isinstance(item := found.get(), _End):
            yield item
        if item.fault is not None:
            raise item.fault
    finally:
        if thread.is_alive():
            _cancel(loop, task)
        thread.join()


def _cancel(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    try:
        loop.call_soon_threadsafe(task.cancel)
    except RuntimeError:
        return  # the loop has just closed by itself: nothing is left to cancel


def _drive(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None], found: queue.SimpleQueue[Any]) -> None:
    """The thread. What the jobs raise is raised where their results are read."""
    loop.run_until_complete(asyncio.wait({task}))
    fault = None if task.cancelled() else task.exception()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    found.put(_End(fault))


async def _deliver(
    open_client: Callable[[], AbstractAsyncContextManager[C]],
    jobs: Iterator[Callable[[C], Awaitable[T]]],
    limit: int,
    found: queue.SimpleQueue[Any],
) -> None:
    async with open_client() as client:
        async for result in _results(client, jobs, limit):
            found.put(result)


async def _results(client: C, jobs: Iterator[Callable[[C], Awaitable[T]]], limit: int) -> AsyncIterator[T]:
    running: set[asyncio.Future[T]] = set()
    done: set[asyncio.Future[T]] = set()
    try:
        while True:
            while len(running) < limit and (job := next(jobs, None)) is not None:
                running.add(asyncio.ensure_future(job(client)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                yield finished.result()
    finally:
        for unfinished in running:
            unfinished.cancel()
        await asyncio.gather(*running, *done, return_exceptions=True)
