"""Requests drawn together from a completions server: calls in flight up to a limit, owners served in turn.

A request joins and leaves at any time. Its prompt is scored when its turn comes, so that what only the server
knows to be wrong (a prompt too long, a tag that is no token) ends that request when `step` returns it, and not
its neighbours. Batching the calls is the server's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.backends.base import Request, Sample
from models.backends.completions_http import CompletionsClient
from models.backends.in_flight import InFlight
from models.backends.server_calls import PreparedPrompt, ServerCalls

_STEP_SECONDS = 0.2
"""How long one step waits for something to finish, before whoever steps may look at what else there is."""


@dataclass(slots=True)
class _Work:
    """One request: what is prepared, the next sample to ask for, and how many are still to come."""

    request: Request
    owner: Hashable
    prompt: PreparedPrompt | None
    next_index: int = 0
    to_come: int = 0


class ServerDecoding:
    """Not safe to use from two threads at once."""

    def __init__(
        self,
        calls: ServerCalls,
        pool: InFlight[CompletionsClient],
        check: Callable[[Request], None],
        *,
        n_calls: int,
        samples_per_call: int,
    ) -> None:
        """At most `n_calls` calls run at once, each for at most `samples_per_call` samples."""
        self._calls = calls
        self._pool = pool
        self._check = check
        self._n_calls = n_calls
        self._per_call = samples_per_call
        self._work: dict[int, _Work] = {}
        self._turns: dict[Hashable, deque[int]] = {}
        self._n_running = 0
        self._n_tickets = 0

    @property
    def idle(self) -> bool:
        """Nothing is waiting or in work."""
        return not self._work

    def add(self, request: Request, owner: Hashable = None) -> int:
        """Queue a request; its ticket. ModelInputError for what is wrong whatever the server says."""
        self._check(request)
        return self._enqueue(_Work(request, owner, None, to_come=request.n))

    def add_prepared(self, prompt: PreparedPrompt, owner: Hashable = None) -> int:
        """Queue a request whose prompt is scored already."""
        return self._enqueue(_Work(prompt.request, owner, prompt, to_come=prompt.request.n))

    def cancel(self, ticket: int) -> None:
        """Forget a request and cancel its calls; nothing of it is returned any more."""
        if self._work.pop(ticket, None) is not None:
            self._pool.cancel(ticket)

    def step(self) -> list[tuple[int, Sample | Exception]]:
        """Start what may start, wait a little, and return what has finished, by ticket."""
        self._start_calls()
        found: list[tuple[int, Sample | Exception]] = []
        for tag, result, fault in self._pool.take(_STEP_SECONDS) if self._n_running else []:
            self._n_running -= 1
            ticket = int(str(tag))
            work = self._work.get(ticket)
            if work is None:
                continue
            if isinstance(fault, Exception):
                self.cancel(ticket)
                found.append((ticket, fault))
            elif isinstance(result, PreparedPrompt):
                work.prompt = result
                self._queue_of(work.owner).appendleft(ticket)
            elif fault is None:
                found += [(ticket, sample) for sample in result]
                work.to_come -= len(result)
                if work.to_come == 0:
                    del self._work[ticket]
        return found

    def close(self) -> None:
        """Forget everything; the calls in flight are cancelled and their connections closed."""
        self._work.clear()
        self._turns.clear()
        self._n_running = 0
        self._pool.close()

    def _enqueue(self, work: _Work) -> int:
        self._n_tickets += 1
        self._work[self._n_tickets] = work
        self._queue_of(work.owner).append(self._n_tickets)
        return self._n_tickets

    def _queue_of(self, owner: Hashable) -> deque[int]:
        return self._turns.setdefault(owner, deque())

    def _start_calls(self) -> None:
        """One call for each owner in turn, while there is room: owners rotate, each keeps its own order."""
        while self._n_running < self._n_calls and self._turns:
            owner = next(iter(self._turns))
            queue = self._turns.pop(owner)
            while queue and queue[0] not in self._work:
                queue.popleft()
            if not queue:
                continue
            ticket = queue[0]
            if self._start_call(ticket, self._work[ticket]):
                queue.popleft()
            if queue:
                self._turns[owner] = queue

    def _start_call(self, ticket: int, work: _Work) -> bool:
        """Start the next call of a request; whether it has no further one to start for now."""
        self._n_running += 1
        if work.prompt is None:
            self._pool.submit(ticket, partial(_prepare, self._calls, work.request))
            return True
        n = work.request.n if work.request.temperature == 0 else min(self._per_call, work.request.n - work.next_index)
        self._pool.submit(ticket, partial(_draw, self._calls, work.prompt, work.next_index, n))
        work.next_index += n
        return work.next_index >= work.request.n


async def _prepare(calls: ServerCalls, request: Request, client: CompletionsClient) -> Any:
    return await calls.prepare(client, request)


async def _draw(calls: ServerCalls, prompt: PreparedPrompt, first: int, n: int, client: CompletionsClient) -> Any:
    return await calls.draw(client, prompt, first, n)
